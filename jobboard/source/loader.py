"""From files to boards: decode, parse, check the shape, resolve, and look at the jobs together.

Whatever is wrong is collected, never raised, so that a person sees every fault of every file in one go. A
board in which anything is wrong is not among the boards that come out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jobboard import clock
from jobboard.core.advice import lock_order, pile_up, untimed_lock
from jobboard.core.broken import BROKEN
from jobboard.core.depend import check_joins, check_locks, check_parents, parents_of
from jobboard.core.diagnostic import Fault, KeyFault, Path
from jobboard.core.gate import check_gates
from jobboard.core.moves import Move, Removal, destinations, read_moves, read_removals
from jobboard.core.names import RESERVED, address_of, is_name, split_address
from jobboard.core.policy import Policy
from jobboard.core.resolve import COMMANDS, EXTEND, Resolver
from jobboard.core.rules import judged
from jobboard.core.runner import check_runner
from jobboard.core.schedule import is_seeded, schedule_key
from jobboard.core.schedule_check import check_schedule, crowded
from jobboard.core.timing import KINDS
from jobboard.core.value import READERS
from jobboard.source.calendars import read_calendar
from jobboard.source.expand import expand
from jobboard.source.placing import flawed, placed
from jobboard.source.projectfile import Project
from jobboard.source.references import fill_in
from jobboard.source.schema import check_board
from jobboard.source.syntax import decode, parse
from jobboard.source.yamltree import Flaw, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.model import Spec
    from jobboard.source.files import SourceFile


# More jobs than this on one cron expression draw a warning: they would all start at the same minute.
CROWD = 100
# Part of every comment that silences a rule.
SILENCE_MARK = "jobboard:"

_NO_PROJECT = Project()


@dataclass(frozen=True, slots=True)
class Board:
    """A board as its file says it, resolved.

    Attributes:
        path: The file, below the project's root.
        shown: The file, as messages show it.
        digest: Of everything the board's meaning depends on.
        timezone: As written; None is UTC.
        jobs: Job name -> canonical spec, in the file's order.
        lines: Job name -> the line it begins on, 1-based.
        templates: Job name -> the job it is written as, for those that `for_each` declares.
        extended: The profiles that its jobs extend, of the board and of the project.
        reconcile: What becomes of drift and of conflicts, as written; see `core.policy`.
        policies: The same of what lies below the board, the lowest first, and of the board.
        moves: Where its jobs were before.
        removals: What goes on without it.
    """

    name: str
    path: str
    digest: str
    description: str | None
    owner: str | None
    timezone: str | None
    jobs: Mapping[str, Spec]
    lines: Mapping[str, int]
    shown: str = field(compare=False)
    tree: Tree = field(repr=False, compare=False)
    templates: Mapping[str, str] = field(default_factory=dict, compare=False)
    extended: frozenset[str] = field(default=frozenset(), compare=False)
    reconcile: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[Mapping[str, Any], ...] = ()
    moves: tuple[Move, ...] = ()
    removals: tuple[Removal, ...] = ()

    def position(self, job: str, path: Path = ()) -> tuple[int, int]:
        """Line and column, 1-based, of a job or of something in it."""
        return self.tree.text.position(self.tree.offset(("jobs", self.templates.get(job, job), *path)))

    def diagnostic(self, fault: Fault, job: str | None = None) -> Diagnostic:
        """The fault with its place in the file; its path begins at `job`, or at the board if None."""
        whole = fault if job is None else fault.under("jobs", job)
        return placed(self.shown, self.tree, at_template(whole, self.templates))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What some files came to: the boards that hold together, and everything there is to say."""

    boards: tuple[Board, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_valid(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)


@dataclass(slots=True)
class _Draft:
    """One file on its way to a board."""

    file: SourceFile
    tree: Tree | None = None
    board: Board | None = None
    # Every job the file names, also those in which something is wrong.
    names: frozenset[str] = frozenset()
    # Jobs that `for_each` declares -> the job they are written as.
    templates: Mapping[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The file, as messages show it."""
        return self.file.shown or self.file.path

    def say(self, faults: Sequence[Fault]) -> None:
        """Place faults in the file; lines of which something worse was said stay as they are."""
        assert self.tree is not None
        tree = self.tree
        for told in faults:
            fault = at_template(told, self.templates) if self.templates else told
            if not tree.text.scarred or not tree.text.is_scarred(tree.offset(fault.path)):
                self.diagnostics.append(placed(self.shown, self.tree, fault))

    def say_last(self, faults: Sequence[Fault]) -> None:
        """Place faults after which nothing more is worth saying about their lines."""
        assert self.tree is not None
        self.say(faults)
        for fault in faults:
            self.tree.text.scar(self.tree.offset(fault.path))

    def refuse(self, flaw: Flaw) -> None:
        """Place a flaw of the YAML in the file."""
        self.diagnostics.append(flawed(self.shown, self.tree, flaw))


def load(files: Sequence[SourceFile], now_ms: int | None = None) -> Loaded:
    """Read boards from files.

    Dependencies and locks are judged among these files; `core.depend` judges them again with what the store
    knows.

    Args:
        files: The files; each should hold one board.
        now_ms: The instant from which on clock changes are warned of; by default this machine's now.
    """
    drafts = [_draft(file) for file in files]
    for draft in drafts:
        _foresee(draft, clock.now_ms() if now_ms is None else now_ms)
    _refuse_twins(drafts)
    _relate(drafts)
    for draft in drafts:
        _judge(draft)
    faulty = {id(draft) for draft in drafts if any(d.severity == "error" for d in draft.diagnostics)}
    boards = [draft.board for draft in drafts if draft.board is not None and id(draft) not in faulty]
    ordered = [diagnostic for draft in drafts for diagnostic in sorted(draft.diagnostics, key=_place)]
    return Loaded(tuple(boards), tuple(dict.fromkeys(ordered)))


def _judge(draft: _Draft) -> None:
    """Give every rule its level, and leave out what a comment silences."""
    levels = (draft.file.project or _NO_PROJECT).lint
    if levels:
        draft.diagnostics = list(judged(draft.diagnostics, levels))
    tree = draft.tree
    if tree is not None and tree.root is not None and SILENCE_MARK in tree.text.content:
        from jobboard.source.silence import hushed

        draft.diagnostics = list(judged(hushed(draft.shown, tree.text, draft.diagnostics, levels), levels))


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.line, diagnostic.column


def _draft(file: SourceFile) -> _Draft:
    draft = _Draft(file)
    if file.refusal is not None:
        hint = "Split the board, or see whether it is the right file" if "larger" in file.refusal else None
        draft.refuse(Flaw(-1, f"the file {file.refusal}", hint))
        return draft
    text = decode(file.raw)
    if isinstance(text, Flaw):
        draft.refuse(text)
        return draft
    draft.tree = parse(text)
    for flaw in draft.tree.flaws:
        draft.refuse(flaw)
    if draft.tree.root is not None:
        _resolve(draft, draft.tree)
    return draft


def _resolve(draft: _Draft, tree: Tree) -> None:
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
    project = draft.file.project or _NO_PROJECT
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
        lines=_lines(tree, root["jobs"], draft.templates),
        shown=draft.shown,
        tree=tree,
        templates=draft.templates,
        extended=frozenset(resolver.extended),
        reconcile=reconcile,
        policies=(*project.policies, reconcile),
    )
    if "moved" in root or "removed" in root:
        draft.board = _with_moves(draft, draft.board, root, broken)


def _with_moves(draft: _Draft, board: Board, root: Mapping[str, Any], broken: set[Path]) -> Board:
    """The board with what it says of names that changed; nothing where something is wrong with that."""
    moved = [] if _touches(broken, ("moved",)) else root.get("moved", [])
    removed = [] if _touches(broken, ("removed",)) else root.get("removed", [])
    moves, faults = read_moves(board.name, moved, root["jobs"])
    removals, others = read_removals(board.name, removed, root["jobs"], moves)
    draft.say([*faults, *others])
    return replace(board, moves=() if faults else moves, removals=() if others else removals)


def _calendars(draft: _Draft, root: Mapping[str, Any], broken: set[Path]) -> Mapping[str, tuple[str, ...]]:
    """What the calendars of a board leave out; what is wrong with them is said."""
    given = root.get("calendars")
    if not isinstance(given, dict) or ("calendars",) in broken:
        return {}
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


def _reconcile(draft: _Draft, root: Mapping[str, Any], broken: set[Path]) -> Mapping[str, Any]:
    """The board's policies; none where something is wrong with them."""
    if "reconcile" not in root or any(path[:1] == ("reconcile",) for path in broken):
        return {}
    reconcile: Mapping[str, Any] = root["reconcile"]
    if (on_drift := Policy.of_layers([reconcile]).contradiction) is not None:
        message = f'"live" keeps what on_drift: {on_drift} takes back at the next sync'
        hint = "Write  on_conflict: file  or  on_drift: keep"
        draft.say([Fault(("reconcile", "on_conflict"), message, hint)])
    return reconcile


def _advise(draft: _Draft, root: Mapping[str, Any], jobs: Mapping[str, Spec], extended: set[str]) -> None:
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


def _written_out(draft: _Draft, tree: Tree) -> Any:
    """The board as it is meant: variables filled in, templates written out. Most boards have neither."""
    content = tree.text.content
    root = tree.root
    if "${var:" in content:
        draft.say_last(fill_in(root, (draft.file.project or _NO_PROJECT).variables))
    if "for_each" in content or "${each:" in content:
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
    draft: _Draft, raw_jobs: Mapping[str, Any], resolver: Resolver, broken: Mapping[str, frozenset[str]]
) -> dict[str, Spec]:
    jobs: dict[str, Spec] = {}
    for name, raw in raw_jobs.items():
        if not isinstance(raw, dict) or not is_name(name):
            continue
        jobs[name], faults = resolver.job(name, _sound(raw, broken[name]) if name in broken else raw)
        if "runner" in jobs[name].get("command", ()):
            unknown = check_runner(jobs[name], (draft.file.project or _NO_PROJECT).runners)
            faults = [*faults, unknown] if unknown is not None else faults
        if faults:
            draft.say([fault.under("jobs", name) for fault in faults])
    return jobs


def _foresee(draft: _Draft, now_ms: int) -> None:
    """Say what the schedules of a board mean that its author may not have meant."""
    board = draft.board
    if board is None:
        return
    schedules = {name: spec["schedule"] for name, spec in board.jobs.items() if "schedule" in spec}
    known: dict[Any, list[Fault]] = {}
    for name, schedule in schedules.items():
        # Thousands of jobs share few cron expressions; one with H differs from job to job.
        shared = "cron" in schedule and not is_seeded(schedule)
        key: Any = schedule_key(schedule) if shared else name
        if key not in known:
            known[key] = check_schedule(schedule, now_ms, address_of(board.name, name))
        # A window's beginning is no instant at which anything starts: where it lies is no worry.
        is_window = "after" in board.jobs[name]
        found = [fault for fault in known[key] if fault.severity == "error" or not is_window]
        draft.say([fault.under("jobs", name) for fault in found])
    starting = {name: value for name, value in schedules.items() if "after" not in board.jobs[name]}
    draft.say([fault.under("jobs") for fault in crowded(starting, CROWD)])


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


def _lines(tree: Tree, jobs: Mapping[str, Any], templates: Mapping[str, str]) -> dict[str, int]:
    written = tree.root["jobs"]
    places = tree.places[id(written)]
    lines = {name: tree.text.position(place)[0] for name, place in zip(written, places[::2], strict=True)}
    return {name: lines[templates.get(name, name)] for name in jobs} if templates else lines


def at_template(fault: Fault, templates: Mapping[str, str]) -> Fault:
    """A fault of a job that `for_each` declares, as one of the job it is written as."""
    if len(fault.path) < 2 or fault.path[0] != "jobs" or fault.path[1] not in templates:
        return fault
    job = str(fault.path[1])
    template = templates[job]
    message = fault.message.replace(f'job "{job}"', f'job "{template}"')
    return replace(fault, path=("jobs", template, *fault.path[2:]), message=message, offset=0)


def _refuse_twins(drafts: Sequence[_Draft]) -> None:
    """A board may stand in one file only."""
    first: dict[str, Diagnostic] = {}
    for draft in drafts:
        if draft.board is None:
            continue
        here = placed(draft.shown, draft.board.tree, Fault(("board",), ""))
        other = first.setdefault(draft.board.name, here)
        if other is not here:
            message = f'board "{draft.board.name}" is in two files, first at {other.place}'
            draft.say([Fault(("board",), message, "Give one of them another name, or merge the files")])


def _relate(drafts: Sequence[_Draft]) -> None:
    """Judge what jobs say about each other."""
    homes: dict[str, _Draft] = {}
    specs: dict[str, Spec] = {}
    for draft in drafts:
        board = draft.board
        for name, spec in board.jobs.items() if board is not None else ():
            address = address_of(board.name, name)  # type: ignore[union-attr]  # no jobs without a board
            homes[address], specs[address] = draft, spec
    names = frozenset[str]().union(*(draft.names for draft in drafts))
    gone = destinations([move for d in drafts if d.board is not None for move in d.board.moves])
    known = names | _elsewhere(specs, drafts)
    judged = (
        check_parents(specs, known - gone.keys(), gone),
        check_joins(specs),
        check_gates(specs),
        check_locks(specs),
    )
    for faults in judged:
        for address, found in faults.items():
            job = split_address(address)[1]
            homes[address].say([fault.under("jobs", job) for fault in found])
    timed = {address: spec for address, spec in specs.items() if "schedule" in spec and "after" not in spec}
    schedules = {address: spec["schedule"] for address, spec in timed.items()}
    for address, fault in (*lock_order(_listed_locks(drafts)), *pile_up(schedules, CROWD)):
        homes[address].say([fault.under("jobs", split_address(address)[1])])


def _listed_locks(drafts: Sequence[_Draft]) -> Iterator[tuple[str, list[str]]]:
    """The locks of jobs that list more than one, in the order of the file."""
    for draft in drafts:
        board = draft.board
        for name in board.jobs if board is not None else ():
            raw = board.tree.root["jobs"][board.templates.get(name, name)]  # type: ignore[union-attr]  # as above
            locks = raw.get("locks")
            if isinstance(locks, list | dict) and len(locks) > 1:
                listed = [str(lock).rpartition(":")[2] for lock in locks]
                yield address_of(board.name, name), listed  # type: ignore[union-attr]  # as above


def _elsewhere(specs: Mapping[str, Spec], drafts: Sequence[_Draft]) -> set[str]:
    """Parents on boards that are not among the files: only the store knows those."""
    here = {draft.board.name for draft in drafts if draft.board is not None}
    parents = {parent for spec in specs.values() for parent in parents_of(spec)}
    return {parent for parent in parents if split_address(parent)[0] not in here}
