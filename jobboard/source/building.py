"""From the tree of one file to a board: check the shape, resolve what is sound, look at each job by itself.

What only few boards have (templates, moves, calendars …) is imported where one has it: each takes a
millisecond or two, and there are many.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.jobs.advice import untimed_lock
from jobboard.core.jobs.resolve import COMMANDS, EXTEND, Resolver
from jobboard.core.jobs.value import READERS
from jobboard.core.names import RESERVED, address_of, is_name
from jobboard.core.times.timing import KINDS
from jobboard.source.board import Board
from jobboard.source.project import NO_PROJECT
from jobboard.source.schema import check_board

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Path
    from jobboard.core.jobs.model import Spec
    from jobboard.source.board import Draft
    from jobboard.source.yamltree import Tree


def build(draft: Draft, tree: Tree) -> None:
    """Check a tree's shape, resolve what is sound in it, and make it a board."""
    root = _written_out(draft, tree)
    misfits = check_board(root)
    draft.say(misfits)
    if not isinstance(root, dict) or not isinstance(root.get("jobs"), dict) or not is_name(root.get("board")):
        return
    if root["board"] in RESERVED:
        message = f'"{root["board"]}" is the board of what is on no board'
        draft.say([KeyFault(("board",), message, "Give it another name")])
    broken = {fault.path for fault in misfits}
    defaults = root.get("defaults", {})
    sound = {key: value for key, value in defaults.items() if not _touches(broken, ("defaults", key))}
    timezone = BROKEN if _touches(broken, ("timezone",)) else root.get("timezone")
    project = draft.file.project or NO_PROJECT
    resolver = Resolver(
        root["board"],
        sound if ("defaults",) not in broken else {},
        timezone,
        project_defaults=project.defaults,
        project_profiles=project.profiles,
        queues=project.queues,
        profiles=_profiles(root, broken),
        calendars=_calendars(draft, root, broken),
    )
    draft.say(resolver.faults)
    jobs = _jobs(draft, root["jobs"], resolver, _by_job(broken))
    _advise(draft, root, jobs, resolver.extended)
    draft.names = frozenset(address_of(root["board"], name) for name in root["jobs"])
    reconcile = _reconcile(draft, root, broken)
    draft.board = Board(
        name=root["board"],
        path=draft.file.path,
        digest=draft.file.digest,
        description=root.get("description"),
        owner=root.get("owner"),
        timezone=root.get("timezone"),
        jobs=jobs,
        shown=draft.shown,
        tree=tree,
        templates=draft.templates,
        extended=frozenset(resolver.extended),
        reconcile=reconcile,
        policies=(*project.policies, reconcile),
    )
    if "moved" in root or "removed" in root:
        draft.board = _with_moves(draft, draft.board, root, broken)


def _with_moves(draft: Draft, board: Board, root: Mapping[str, Any], broken: set[Path]) -> Board:
    """The board with what it says of names that changed; nothing where something is wrong with that."""
    from jobboard.core.jobs.moves import read_moves, read_removals

    moved = [] if _touches(broken, ("moved",)) else root.get("moved", [])
    removed = [] if _touches(broken, ("removed",)) else root.get("removed", [])
    moves, faults = read_moves(board.name, moved, root["jobs"])
    removals, others = read_removals(board.name, removed, root["jobs"], moves)
    draft.say([*faults, *others])
    return replace(board, moves=() if faults else moves, removals=() if others else removals)


def _calendars(draft: Draft, root: Mapping[str, Any], broken: set[Path]) -> Mapping[str, tuple[str, ...]]:
    """What the calendars of a board leave out; what is wrong with them is said."""
    given = root.get("calendars")
    if not isinstance(given, dict) or ("calendars",) in broken:
        return {}
    from jobboard.source.calendars import read_calendar

    found = {}
    for name, calendar in given.items():
        path: Path = ("calendars", name)
        items: tuple[str, ...] = ()
        if not _touches(broken, path):
            items, faults = read_calendar(calendar, path, draft.file.beside)
            draft.say(faults)
        # One in which something is wrong is still one.
        found[name] = items
    return found


def _reconcile(draft: Draft, root: Mapping[str, Any], broken: set[Path]) -> Mapping[str, Any]:
    """The board's policies; none where something is wrong with them."""
    if "reconcile" not in root or any(path[:1] == ("reconcile",) for path in broken):
        return {}
    from jobboard.core.jobs.policy import Policy

    reconcile: Mapping[str, Any] = root["reconcile"]
    if (on_drift := Policy.of_layers([reconcile]).contradiction) is not None:
        message = f'"live" keeps what on_drift: {on_drift} takes back at the next sync'
        hint = "Write  on_conflict: file  or  on_drift: keep"
        draft.say([Fault(("reconcile", "on_conflict"), message, hint)])
    return reconcile


def _advise(draft: Draft, root: Mapping[str, Any], jobs: Mapping[str, Spec], extended: set[str]) -> None:
    """Say what is sound in one board and may not be wise."""
    for name in root.get("profiles", {}):
        if name not in extended:
            message = f'no job extends the profile "{name}"'
            fault = KeyFault(("profiles", name), message, "Take it out", "warning", rule="unused-profile")
            draft.say([fault])
    for name, spec in jobs.items():
        found = untimed_lock(spec) if "locks" in spec else None
        # One that is wrong is still one.
        if found is not None and root["jobs"][name].get("timeout") is None:
            draft.say([found.under("jobs", name)])


def _written_out(draft: Draft, tree: Tree) -> Any:
    """The board as it is meant: variables filled in, templates written out. Most boards have neither."""
    content = tree.text.content
    root = tree.root
    if "${var:" in content:
        from jobboard.source.references import fill_in

        draft.say_last(fill_in(root, (draft.file.project or NO_PROJECT).variables))
    if "for_each" in content or "${each:" in content:
        from jobboard.source.expand import expand

        expansion = expand(root)
        draft.say_last(expansion.faults)
        draft.templates = expansion.templates
        root = expansion.root
    return root


def _profiles(root: Mapping[str, Any], broken: set[Path]) -> dict[str, dict[str, Any]]:
    """The board's profiles, less what something was said about; one with no sound key is still one."""
    given = root.get("profiles")
    return {
        name: {key: value for key, value in keys.items() if not _touches(broken, ("profiles", name, key))}
        if isinstance(keys, dict)
        else {}
        for name, keys in (given.items() if isinstance(given, dict) else ())
    }


def _jobs(
    draft: Draft, raw_jobs: Mapping[str, Any], resolver: Resolver, broken: Mapping[str, frozenset[str]]
) -> dict[str, Spec]:
    jobs: dict[str, Spec] = {}
    for name, raw in raw_jobs.items():
        if not isinstance(raw, dict) or not is_name(name):
            continue
        jobs[name], faults = resolver.job(name, _sound(raw, broken[name]) if name in broken else raw)
        if "runner" in jobs[name].get("command", ()):
            from jobboard.core.jobs.runner import check_runner

            unknown = check_runner(jobs[name], (draft.file.project or NO_PROJECT).runners)
            faults = [*faults, unknown] if unknown is not None else faults
        if faults:
            draft.say([fault.under("jobs", name) for fault in faults])
    return jobs


def _sound(raw: Mapping[str, Any], broken: frozenset[str]) -> dict[str, Any]:
    """A job's known keys; of those with the wrong shape, only that they are there.

    A key that is not known may have been meant for a command or a schedule, so that neither is missed.
    """
    sound = {key: BROKEN if key in broken else value for key, value in raw.items() if key in READERS}
    if EXTEND in raw and EXTEND not in broken:
        sound[EXTEND] = raw[EXTEND]
    if len(sound) < len(raw):
        for meant in (COMMANDS, KINDS):
            if not any(key in sound for key in meant):
                sound[meant[0]] = BROKEN
    return sound


def _by_job(broken: set[Path]) -> dict[str, frozenset[str]]:
    """Which keys of which jobs something was said about."""
    keys: dict[str, set[str]] = {}
    for path in broken:
        if len(path) > 1 and path[0] == "jobs":
            keys.setdefault(str(path[1]), set()).update(str(key) for key in path[2:3])
    return {name: frozenset(found) for name, found in keys.items()}


def _touches(broken: set[Path], path: Path) -> bool:
    return any(found[: len(path)] == path for found in broken)
