"""A plan as annotations: each job that would change, go, or that two sides disagree about, beside its line.

GitHub shows only the first few of each kind, so that what stands in the way is said first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.github import command
from jobboard.cli.plans.changes import unexplained_text
from jobboard.cli.plans.overlaid import hold_text, override_texts
from jobboard.cli.values import brief, shown
from jobboard.core.diagnostic import visible
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.cli.github import Level
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.plans.change import Action, JobChange
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

VERBS: Mapping[Action, str] = {
    "add": "be added",
    "adopt": "be adopted",
    "change": "change",
    "destroy": "be destroyed",
    "forget": "be forgotten",
    "move": "move",
    "record": "be recorded",
}
SHOWN = ("adopt", "change", "destroy", "move")
"""A job that is added is in the diff of its file already."""
NAMED = 3
"""Fields of a job that an annotation names."""


def plan_annotations(planned: Planned, around: Around) -> Iterator[str]:
    """The workflow commands, one a line."""
    found: dict[Level, list[str]] = {"error": [], "warning": [], "notice": []}
    boards = {board.name: board for board in planned.plan.boards}
    for board in boards.values():
        for level, address, title, text in _said(board, around):
            file, line = _place(planned, board, address)
            found[level].append(command(level, text, title=title, file=file, line=line))
    for name, address, title, text in _in_force(around):
        file, line = _place(planned, boards[name], address) if name in boards else ("", 0)
        found["notice"].append(command("notice", text, title=title, file=file, line=line))
    for commands in found.values():
        yield from commands


def _said(board: BoardPlan, around: Around) -> Iterator[tuple[Level, str, str, str]]:
    """Level, job (or nothing for the board), title and text of each annotation."""
    for conflict in board.conflicts:
        fields = "; ".join(
            f"{f.path}: {_value(f, f.base)} when last applied, {_value(f, f.live)} in Redis,"
            f" {_value(f, f.file)} here"
            for f in conflict.fields
        )
        level: Level = "warning" if conflict.skipped else "error"
        yield level, conflict.address, f"{conflict.address} conflicts", fields
    for clash in board.clashes:
        address = clash.parts[0].address if clash.parts else ""
        yield (
            "warning" if clash.skipped else "error",
            address,
            f"{address or board.name} conflicts",
            clash.message,
        )
    for refusal in board.refusals:
        subject = refusal.subject if "/" in refusal.subject else ""
        yield "error", subject, f"{refusal.subject} is guarded", f"{refusal.message}: {refusal.way_out}"
    for notice in board.notices:
        yield "warning", "", f"board {board.name}", notice
    for change in board.changes:
        unexplained = unexplained_text(change.address, around)
        if change.action in SHOWN or unexplained:
            text = "; ".join(filter(None, [_moves(change), unexplained]))
            level = "warning" if unexplained or change.action == "destroy" else "notice"
            yield level, change.address, f"{change.address} would {VERBS[change.action]}", text
    for drift in board.drift:
        text = "; ".join(
            f"{f.path} {_value(f, f.file)} here, {_value(f, f.live)} in Redis" for f in drift.fields
        )
        yield "notice", drift.address, f"{drift.address} stays as it was edited live", text


def _in_force(around: Around) -> Iterator[tuple[str, str, str, str]]:
    """Board and job (or nothing), title and text of what people have laid over boards for a time."""
    for scope, holds in sorted(around.holds.items()):
        kind, _, name = scope.partition(":")
        address = name if kind == "job" else ""
        board = name.partition("/")[0] if kind in ("job", "board") else ""
        for hold in holds:
            yield board, address, f"{name or 'everything'} is held", hold_text(scope, hold, around.now_ms)
    for address, skip in around.skips.items():
        yield split_address(address)[0], address, f"{address} is passed over", visible(skip.words)
    for address in around.overridden:
        text = "; ".join(override_texts(address, around))
        if text:
            yield split_address(address)[0], address, f"{address} is overridden", text


def _moves(change: JobChange) -> str:
    if change.action == "destroy":
        return "no board declares it"
    if change.source is not None:
        return f"it was {change.source}"
    said = [f"{f.path} {_value(f, f.live)} → {_value(f, f.result)}" for f in change.fields[:NAMED]]
    return "; ".join([*said, *_more(change.fields)])


def _more(fields: Sequence[Merged]) -> list[str]:
    return [f"{len(fields) - NAMED} more"] if len(fields) > NAMED else []


def _value(field: Merged, value: object) -> str:
    return brief(shown(field.path, value))


def _place(planned: Planned, board: BoardPlan, address: str) -> tuple[str, int]:
    """File and line; the file alone for what it does not say any more."""
    parsed = planned.boards.get(board.name)
    if parsed is None:
        return board.path, 0
    return parsed.shown, parsed.line_of(split_address(address)[1]) or 0
