"""Live edits written back into their boards: the text that would say what Redis holds.

Nothing is taken on trust. What comes out is read again as a board, and has to mean what it meant, but for the
values that were written; a value for which that fails is left out, and why is said. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.merge import put
from jobboard.core.jobs.written import differences, written_keys
from jobboard.core.names import split_address
from jobboard.core.plans.drift import WHOLE
from jobboard.source.loader import load
from jobboard.source.nodes import read_nodes
from jobboard.source.origin import layers_of
from jobboard.source.rewrite import Unwritable, applied, edits_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.drift import Drift
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.reconcile.planning import Planned
    from jobboard.source.board import Board
    from jobboard.source.files import SourceFile

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Value:
    """A live value for a file.

    Attributes:
        address, path: Whose, and which.
        reason: Why it cannot be written; None where it can.
    """

    address: str
    path: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What becomes of one board file.

    Attributes:
        path: The file, as messages show it.
        before, after: Its bytes; equal where nothing could be written.
        values: Every value of its drift.
    """

    path: str
    before: bytes
    after: bytes
    values: tuple[Value, ...]


def rewrite_boards(planned: Planned) -> list[Rewritten]:
    """The boards of a plan that drifted, with the live values in their text. Reads nothing but the plan."""
    files = {file.path: file for file in planned.sources.files}
    return [
        _rewrite(planned.boards[board.name], files[board.path], board)
        for board in planned.plan.boards
        if board.drift and board.name in planned.boards
    ]


def _rewrite(board: Board, file: SourceFile, plan: BoardPlan) -> Rewritten:
    writing = _Writing(board, file)
    units = [unit for drift in plan.drift for unit in _units(drift)]
    try:
        writing.write(units)
        values = [Value(a, field.path) for a, fields in units for field in fields]
    except Unwritable:
        # One stands in the way of all: each for itself, then.
        values = [value for unit in units for value in writing.try_one(unit)]
    return Rewritten(board.shown, file.raw, writing.raw, tuple(values))


def _units(drift: Drift) -> list[tuple[str, list[Merged]]]:
    """What of a job can only be written together: the paths of one field."""
    by_field: dict[str, list[Merged]] = {}
    for field in drift.fields:
        by_field.setdefault(field.path.partition(".")[0], []).append(field)
    return [(drift.address, fields) for fields in by_field.values()]


class _Writing:
    """The text of one board on its way to what it should say."""

    def __init__(self, board: Board, file: SourceFile) -> None:
        self._board = board
        self._file = file
        self._mark = _MARK if file.raw.startswith(_MARK) else b""
        self._content = file.raw[len(self._mark) :].decode()
        self._jobs: dict[str, Spec] = dict(board.jobs)

    @property
    def raw(self) -> bytes:
        """The file as it would be."""
        return self._mark + self._content.encode()

    def try_one(self, unit: tuple[str, Sequence[Merged]]) -> list[Value]:
        """Write what belongs together, or say why not."""
        address, fields = unit
        try:
            self.write([unit])
        except Unwritable as why:
            return [Value(address, field.path, str(why)) for field in fields]
        return [Value(address, field.path) for field in fields]

    def write(self, units: Sequence[tuple[str, Sequence[Merged]]]) -> None:
        """Write all of it, or none.

        Raises:
            Unwritable: The text cannot say it.
        """
        wanted: dict[str, dict[str, Any]] = {}
        for address, fields in units:
            name = split_address(address)[1]
            spec = wanted.setdefault(name, dict(self._jobs[name]))
            for field in fields:
                put(spec, field.path, field.result)
        if any(field.path == WHOLE for _, fields in units for field in fields):
            raise Unwritable("the job was removed from Redis: take it out of the file by hand")
        jobs = {name: _tidied(spec) for name, spec in wanted.items()}
        root = read_nodes(self._content)
        edits = [edit for name, spec in jobs.items() for edit in self._edits(root, name, spec)]
        content = applied(self._content, edits)
        self._judge(content, jobs)
        self._content = content
        self._jobs.update(jobs)

    def _edits(self, root: Any, name: str, spec: Spec) -> list[Any]:
        template = self._board.templates.get(name, name)
        if template != name:
            raise Unwritable(f"{name} is one of the jobs that for_each makes of {template}")
        entry = root.entry("jobs") if root is not None and root.kind == "map" else None
        job = entry[1].entry(name) if entry is not None and entry[1].kind == "map" else None
        if job is None:
            raise Unwritable("the job is not written out here, but stands for another")
        owner = self._board.name
        changes = differences(written_keys(self._jobs[name], owner), written_keys(spec, owner))
        return edits_of(self._content, job[1], changes, self._lower(name, job[1]))

    def _lower(self, name: str, job: Any) -> Mapping[str, Any]:
        """What a job says without writing it: of its layers, and of what is merged into it."""
        *below, own = layers_of(self._board, name, self._file.project)
        merged = {key: value for key, value in own.keys.items() if job.entry(key) is None}
        found: dict[str, Any] = {}
        for keys in (*(layer.keys for layer in below), merged):
            for key, value in keys.items():
                both = isinstance(value, dict) and isinstance(found.get(key), dict)
                found[key] = {**found[key], **value} if both else value
        return found

    def _judge(self, content: str, jobs: Mapping[str, Spec]) -> None:
        """See that the text means what it meant, with these jobs in it."""
        loaded = load([replace(self._file, raw=self._mark + content.encode())])
        if not loaded.boards:
            errors = [d.message for d in loaded.diagnostics if d.severity == "error"]
            raise Unwritable(f"the board would be wrong: {errors[0]}")
        found = loaded.boards[0]
        for name, spec in {**self._jobs, **jobs}.items():
            if found.jobs.get(name) == spec:
                continue
            if name in jobs:
                raise Unwritable("the text cannot say it beside what the job's other layers say")
            raise Unwritable(f"{name} shares this part of the text, and would change too")


def _tidied(spec: Spec) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if value not in ({}, [])}
