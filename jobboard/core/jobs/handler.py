"""The Python function that a `call` job runs, and what it is given: read from what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken
from jobboard.core.diagnostic import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.diagnostic import Path

_REFERENCE = re.compile(r"(?<!\$)\$\{(env|file):([^}]*)\}?")
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_FUNCTION = re.compile(f"{_DOTTED}:{_DOTTED}")


def read_call(value: str, path: Path, faults: list[Fault]) -> Any:
    """A function as ``package.module:function``."""
    if _FUNCTION.fullmatch(value):
        return value
    module, dot, name = value.rpartition(".")
    near = f"{module}:{name}"
    wanted = near if dot and _FUNCTION.fullmatch(near) else "package.module:function"
    return broken(faults, Fault(path, f"{value!r} names no function of a module", f"Write  call: {wanted}"))


def read_arguments(value: list[Any], path: Path, faults: list[Fault]) -> Any:
    """What a function is given in order."""
    return BROKEN if _refused(value, path, faults) else value


def read_named(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """What is given by name; None takes a name back."""
    return BROKEN if _refused(value, path, faults) else {name: value[name] for name in sorted(value)}


def _refused(value: Any, path: Path, faults: list[Fault]) -> bool:
    """Whether something in it is a reference, which nobody would resolve."""
    for place, text in _texts(value, path):
        found = _REFERENCE.search(text)
        if found is not None:
            name = found[2] if found[1] == "env" else "NAME"
            hint = f'Write  env: {{{name}: "{found[0]}"}}  and read the variable {name}'
            faults.append(
                Fault(place, f"{found[0]} is not resolved in arguments", hint, offset=found.start())
            )
            return True
    return False


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(part, (*path, index))
