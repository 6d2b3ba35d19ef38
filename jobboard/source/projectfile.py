"""The project file, `jobboard.yaml` at a project's root: what its boards have in common, and where they go.

Everything in it is optional, and so is the file. It is checked like a board: positions, every fault at once.
"""

from __future__ import annotations

import json
import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.jobs.log_url import PLACES, unknown_place
from jobboard.core.jobs.policy import Policy
from jobboard.core.jobs.runner import declared
from jobboard.core.jobs.value import read_keys
from jobboard.source import placing
from jobboard.source.files import PROJECT_FILE, read_bytes
from jobboard.source.project import Project
from jobboard.source.references import fill_in
from jobboard.source.scalar import plain_scalar
from jobboard.source.schema import check_project
from jobboard.source.syntax import decode, parse
from jobboard.source.yamltree import Flaw, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path as FilePath

    from jobboard.core.diagnostic import Path

# Parts that hold keys of jobs.
_LAYERS = ("defaults", "profiles", "queues")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_project(
    root: FilePath,
    *,
    environment: str | None = None,
    assignments: Sequence[str] = (),
) -> Project | None:
    """The project of a root directory; None where nothing is said about it at all.

    Args:
        root: The project's top directory.
        environment: The environment that was asked for; one that was not is picked as the file says.
        assignments: Variables of the command line, as ``NAME=VALUE``.

    Raises:
        errors.InvalidBoards: Something is wrong with the file; all of it is listed.
        errors.UsageError: There is no such environment, or an assignment is none.
    """
    given = dict(map(_assigned, assignments))
    path = root / PROJECT_FILE
    if not path.is_file():
        if environment is not None:
            hint = f"Write  environments:  in {PROJECT_FILE} at the project's root, or leave --env out"
            raise errors.UsageError(
                f'there is no environment "{environment}": {root} has no {PROJECT_FILE}', hint
            )
        return Project(variables=given) if given else None
    shown = os.path.relpath(path)
    tree = _parsed(path, shown)
    picked = _picked(tree.root, environment)
    return _built(shown, tree, picked, given)


def _assigned(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise errors.UsageError(f"{text!r} is not NAME=VALUE", "for example  --var REGION=eu")
    return name, plain_scalar(value)


def _parsed(path: FilePath, shown: str) -> Tree:
    raw, refusal = read_bytes(path)
    if refusal is not None:
        raise errors.InvalidBoards([placing.flawed(shown, None, Flaw(-1, f"the file {refusal}"))])
    content = raw.decode("utf-8-sig", errors="replace")
    # Unlike a board, a project may well have nothing to say.
    said = any(line.strip() and not line.lstrip().startswith("#") for line in content.splitlines())
    text = decode(raw if said else b"{}")
    if isinstance(text, Flaw):
        raise errors.InvalidBoards([placing.flawed(shown, None, text)])
    tree = parse(text)
    found = [placing.flawed(shown, tree, flaw) for flaw in tree.flaws]
    if not found:
        found = [placing.placed(shown, tree, fault) for fault in _shape_faults(tree.root)]
    if found:
        raise errors.InvalidBoards(sorted(found, key=lambda d: (d.line, d.column)))
    return tree


def _shape_faults(root: Any) -> list[Fault]:
    if not isinstance(root, dict):
        return [Fault((), "a project is a map", "Write  environments:  or  defaults:  and keys below it")]
    # With variables filled in a value may fit that does not as it stands; which, no shape can tell yet.
    apart = {key: value for key, value in root.items() if key not in _LAYERS}
    faults = check_project(apart)
    named = root.get("default_environment")
    known = root.get("environments")
    if not faults and named is not None and named not in (known or {}):
        hint = f"There are  {', '.join(known)}" if known else "Write it below  environments:"
        faults.append(Fault(("default_environment",), f'there is no environment "{named}"', hint))
    return faults


def _picked(root: Mapping[str, Any], asked: str | None) -> str | None:
    known = root.get("environments", {})
    if asked is None:
        named: str | None = root.get("default_environment")
        return named or (next(iter(known)) if len(known) == 1 else None)
    if asked in known:
        return asked
    near = get_close_matches(asked, known, n=1)
    listed = f"Environments are {', '.join(known)}" if known else f"{PROJECT_FILE} names none"
    hint = f"{listed}; did you mean {near[0]}?" if near else listed
    raise errors.UsageError(f'there is no environment "{asked}"', hint)


def _built(shown: str, tree: Tree, picked: str | None, given: Mapping[str, Any]) -> Project:
    root = tree.root
    own = root.get("environments", {}).get(picked, {})
    variables = {**root.get("variables", {}), **own.get("variables", {}), **given}
    faults = [fault for key in _LAYERS if key in root for fault in fill_in({key: root[key]}, variables)]
    faults = faults or check_project(root) or [*_policy_faults(root, picked), *_log_url_faults(root, picked)]
    layers: dict[str, Any] = {}
    if not faults:
        layers = {"defaults": _read(root.get("defaults", {}), ("defaults",), faults)}
        for part in ("profiles", "queues"):
            layers[part] = {
                name: _read(keys, (part, name), faults) for name, keys in root.get(part, {}).items()
            }
        faults += _moved_queues(root)
    if any(fault.severity == "error" for fault in faults):
        raise errors.InvalidBoards([placing.placed(shown, tree, fault) for fault in faults])
    said = {key: root[key] for key in _LAYERS if root.get(key)}
    policies = tuple(each["reconcile"] for each in (root, own) if "reconcile" in each)
    # A board's record says it, since the board may be gone when it counts.
    said.update(("on_prune", policy["on_prune"]) for policy in policies if "on_prune" in policy)
    return Project(
        shown=shown,
        environment=picked,
        redis=own.get("redis"),
        namespace=own.get("namespace"),
        watched=own.get("watch", False),
        origin=root.get("origin"),
        log_url=own.get("log_url", root.get("log_url")),
        variables=variables,
        policies=policies,
        runners=declared(root.get("runners", {})),
        lint=root.get("lint", {}),
        meaning=json.dumps(said, sort_keys=True) if said else "",
        tree=tree,
        **layers,
    )


def _moved_queues(root: Mapping[str, Any]) -> list[Fault]:
    """What holds for the jobs of a queue cannot be that they are in another."""
    return [
        KeyFault(("queues", name, "queue"), f'"queue" means nothing for jobs of "{name}"', "Take it out")
        for name, keys in root.get("queues", {}).items()
        if "queue" in keys
    ]


def _log_url_faults(root: Mapping[str, Any], picked: str | None) -> list[Fault]:
    paths: list[Path] = [("log_url",)]
    if picked is not None:
        paths.append(("environments", picked, "log_url"))
    faults = []
    for path in paths:
        layer = root
        for key in path[:-1]:
            layer = layer[str(key)]
        unknown = unknown_place(layer.get("log_url", ""))
        if unknown is not None:
            hint = f"Known are  {', '.join(f'{{{name}}}' for name in PLACES)}"
            faults.append(Fault(path, f'nothing is known for "{{{unknown}}}"', hint))
    return faults


def _policy_faults(root: Mapping[str, Any], picked: str | None) -> list[Fault]:
    """What is wrong with the policies: kept live values that the next sync would take back."""
    layers: list[tuple[Path, Mapping[str, Any]]] = [(("reconcile",), root.get("reconcile", {}))]
    if picked is not None:
        path: Path = ("environments", picked, "reconcile")
        layers.append((path, root["environments"][picked].get("reconcile", {})))
    for number, (path, _) in enumerate(layers):
        policy = Policy.of_layers([layer for _, layer in layers[: number + 1]])
        if (on_drift := policy.contradiction) is not None:
            message = f'"live" keeps what on_drift: {on_drift} takes back at the next sync'
            return [Fault((*path, "on_conflict"), message, "Write  on_conflict: file  or  on_drift: keep")]
    return []


def _read(keys: Mapping[str, Any], path: tuple[str, ...], faults: list[Fault]) -> dict[str, Any]:
    found: list[Fault] = []
    read = read_keys(keys, found)
    faults += [fault.under(*path) for fault in found]
    return read
