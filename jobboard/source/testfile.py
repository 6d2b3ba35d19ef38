"""Files of tests, ``*.test.yaml``: find them, parse them, check their shape.

What they mean is for `source.suite` to say, once their boards have been read. What is wrong is collected with
its place, never raised.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from jobboard.core.diagnostic import Diagnostic, Fault
from jobboard.errors import UsageError
from jobboard.source.files import TEST_SUFFIXES, read
from jobboard.source.placing import flawed, placed
from jobboard.source.schema import schema_text
from jobboard.source.syntax import decode, parse
from jobboard.source.yamltree import Flaw, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.diagnostic import Path as Steps


@dataclass(frozen=True, slots=True)
class Draft:
    """A file of tests with the right shape.

    Attributes:
        shown: The file, as messages show it.
        boards: The files of the boards it is about.
    """

    shown: str
    boards: Sequence[Path]
    tree: Tree = field(repr=False)


def discover(paths: Sequence[Path]) -> list[Path]:
    """The test files among `paths`: files as they are named, and what folders hold, in order.

    Raises:
        UsageError: A path does not exist, or a file is no test file.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no {path}", "name a .test.yaml file, or a folder of them")
        if path.is_file() and not path.name.endswith(TEST_SUFFIXES):
            raise UsageError(f"{path} is no test file", f"its tests are in  {path.with_suffix('.test.yaml')}")
        for file in _below(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _below(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(folder, n) for n in sorted(names) if n.endswith(TEST_SUFFIXES) and not n.startswith(".")
        )


@lru_cache(maxsize=1)
def schema_of_tests() -> dict[str, Any]:
    """The schema of a test file, parsed. Never change it."""
    parsed: dict[str, Any] = json.loads(schema_text("tests"))
    return parsed


def draft(path: Path) -> tuple[Draft | None, list[Diagnostic]]:
    """Read a test file and check its shape; None where something is wrong with it."""
    file = read(path)
    if file.refusal is not None:
        return None, [flawed(str(path), None, Flaw(-1, f"the file {file.refusal}"))]
    text = decode(file.raw)
    if isinstance(text, Flaw):
        return None, [flawed(str(path), None, text)]
    tree = parse(text)
    diagnostics = [flawed(str(path), tree, flaw) for flaw in tree.flaws]
    if not diagnostics:
        diagnostics = [placed(str(path), tree, fault) for fault in _check(tree.root)]
    boards: list[Path] = []
    if not diagnostics:
        boards, faults = _boards(path, tree.root)
        diagnostics = [placed(str(path), tree, fault) for fault in faults]
    return (None if diagnostics else Draft(str(path), boards, tree)), diagnostics


def _check(root: Any) -> list[Fault]:
    """What is wrong with the shape of a test file."""
    schema = schema_of_tests()
    if jsonschema_rs.Draft202012Validator(schema).is_valid(root):
        return []
    from jobboard.source.misfit import explain

    if not isinstance(root, dict):
        return [Fault((), "a test file is a map", "Write  from: 2026-03-28  and  tests:  below it")]
    return [*explain(_lenient(schema), root), *_missing(schema, root, ())]


def _lenient(schema: Any) -> Any:
    """A schema that asks for nothing to be there: what is missing is told in words of our own."""
    if isinstance(schema, list):
        return [_lenient(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _lenient(part) for key, part in schema.items() if key != "required"}


def _missing(schema: Mapping[str, Any], value: Any, path: Steps) -> list[Fault]:
    """Keys that have to be there, and are not, here and below."""
    if "$ref" in schema:
        schema = schema_of_tests()["$defs"][schema["$ref"].rpartition("/")[2]]
    faults: list[Fault] = []
    if isinstance(value, dict):
        owner = f'"{path[-1]}"' if path else "the file"
        wanted = [key for key in schema.get("required", ()) if key not in value]
        faults = [Fault(path, f'{owner} has no "{key}"', _example(schema, key)) for key in wanted]
        for key, part in schema.get("properties", {}).items():
            faults += _missing(part, value[key], (*path, key)) if key in value else []
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            faults += _missing(schema["items"], item, (*path, index))
    return faults


def _example(schema: Mapping[str, Any], key: str) -> str:
    example = schema["properties"][key]["examples"][0]
    text = example if isinstance(example, str) else json.dumps(example)
    return f"Write  {key}: {text}" if key != "tests" else "Write  tests:  and what is asserted below it"


def _boards(path: Path, root: Mapping[str, Any]) -> tuple[list[Path], list[Fault]]:
    """The files of the boards that are meant."""
    if "boards" in root:
        named = [path.parent / name for name in root["boards"]]
        gone = [index for index, file in enumerate(named) if not file.is_file()]
        return named, [Fault(("boards", index), f"there is no {named[index]}") for index in gone]
    stem = path.name.removesuffix(path.suffix).removesuffix(".test")
    for suffix in (".yaml", ".yml"):
        if (path.parent / f"{stem}{suffix}").is_file():
            return [path.parent / f"{stem}{suffix}"], []
    hint = "Write  boards:  and a list of files beside this one"
    return [], [Fault((), f"there is no board {stem}.yaml beside it", hint)]
