"""What a plan says of one job, as lines; and changes that are alike, taken together."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from jobboard.cli.plans.overlaid import override_value
from jobboard.cli.records import overriding
from jobboard.cli.screen import ago, visible
from jobboard.cli.values import LONG, as_written, brief, shown
from jobboard.core.names import split_address
from jobboard.core.plans.crowding import CLOCK_RULES, clock_faults
from jobboard.core.plans.drift import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.merge import Merged
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.drift import Drift
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

ALIKE = 4
"""So many changes that say the same are shown as one."""


def grouped(changes: Sequence[JobChange], around: Around | None = None) -> list[list[JobChange]]:
    """Changes in order; those that move the same fields from and to the same values are together."""
    groups: dict[object, list[JobChange]] = {}
    for change in changes:
        marked = around and around.unexplained(change.address)
        groups.setdefault((_likeness(change), marked), []).append(change)
    found: list[list[JobChange]] = []
    for group in groups.values():
        found += [group] if len(group) >= ALIKE else [[change] for change in group]
    return sorted(found, key=lambda group: group[0].address)


def _likeness(change: JobChange) -> object:
    """Equal for changes that may be shown as one; what adds, destroys or reschedules stands alone."""
    if change.action not in ("change", "record") or change.moves_schedule or not change.fields:
        return change.address
    return (
        change.action,
        repr(change.before and change.before.overrides),
        tuple((f.path, repr(f.live), repr(f.result)) for f in change.fields),
    )


class ClockTexts:
    """What clock changes of the coming year do to jobs whose times move, unless their board silences it."""

    def __init__(self, planned: Planned, now_ms: int) -> None:
        self._boards = planned.boards
        self._now_ms = now_ms
        self._told: dict[str, set[str]] = {}
        for warning in planned.warnings:
            if warning.rule in CLOCK_RULES:
                self._told.setdefault(warning.file, set()).add(warning.message)

    def of(self, board: str, change: JobChange) -> list[str]:
        """A sentence for the first gap and for the first fold that a job falls into."""
        parsed = self._boards.get(board)
        told = None if parsed is None else self._told.get(parsed.shown, set())
        if change.runs is None or not change.moves_schedule or told == set():
            return []
        found = clock_faults(change.address, change.runs, self._now_ms)
        return [fault.message for fault in found if told is None or fault.message in told]


def unexplained_text(address: str, around: Around) -> str:
    """``not explained since origin/main: timeout`` behind a change; empty where it is explained."""
    paths = around.unexplained(address)
    if paths is None or around.since is None:
        return ""
    return f"not explained since {visible(around.since.ref)}{': ' if paths else ''}{', '.join(paths)}"


def field_lines(change: JobChange, around: Around) -> Iterator[str]:
    """What moves in a job, a field a line; what is long or has lines of its own, line by line.

    A field that is overridden moves in the definition alone, which is said below it.
    """
    over = {override.path: override for override in around.overrides(change.address)}
    width = _width(change.fields)
    for field in change.fields:
        yield from _field(field, width)
        if (override := over.get(field.path)) is not None:
            says, how = override_value(override), overriding(override, around.now_ms)
            yield f"        {'':<{width}}  but an override says {says}{how}"


def change_lines(fields: Sequence[Merged]) -> Iterator[str]:
    """As `field_lines`, of paths that moved anywhere."""
    width = _width(fields)
    for field in fields:
        yield from _field(field, width)


def _width(fields: Sequence[Merged]) -> int:
    return max([9, *(len(field.path) for field in fields)])


def drift_lines(drift: Drift, around: Around) -> Iterator[str]:
    """What was edited live in a job and is kept."""
    job = split_address(drift.address)[1]
    for field in drift.fields:
        if field.path == WHOLE:
            yield f"  . drift    {job} {deed(field, around, drift.address)}; kept"
            continue
        here, there = brief(shown(field.path, field.file)), brief(shown(field.path, field.live))
        by = who(around, drift.address, field)
        yield f"  . drift    {job}.{field.path} {here} here, {there} in Redis{by}; kept"


def deed(field: Merged, around: Around, address: str) -> str:
    """What somebody did to a job as a whole, and why."""
    made = around.edits.get(address, {}).get(WHOLE, {})
    reason = f': "{brief(visible(made["reason"]))}"' if made.get("reason") else ""
    said = "was removed from Redis" if field.live == "removed" else "is in Redis and not here"
    return f"{said}{edited_by(made or None, around.now_ms)}{reason}"


def edited_by(edit: Mapping[str, Any] | None, now_ms: int) -> str:
    """Who made a live edit, through what, and how long ago; empty where nobody knows."""
    if edit is None:
        return ""
    return f" ({visible(edit['actor'])}, {edit['via']}, {ago(now_ms - edit['at'])})"


def who(around: Around, address: str, field: Merged) -> str:
    """Who edited a path of a job live, through what, and how long ago; empty where nobody knows."""
    made = around.edits.get(address, {})
    # Of a job that was brought back, what its file says otherwise is the doing of who did that.
    return edited_by(made.get(field.path) or made.get(WHOLE), around.now_ms)


def _field(field: Merged, width: int) -> Iterator[str]:
    before, after = shown(field.path, field.live), shown(field.path, field.result)
    if field.verdict == "converge":
        yield f"        {field.path:<{width}}  {after}   (both sides agree)"
        return
    edited = "   (edited live; taken back)" if field.verdict == "revert" else ""
    short = len(before) <= LONG and len(after) <= LONG and before != after
    if short and not _has_lines(field):
        yield f"        {field.path:<{width}}  {before}  →  {after}{edited}"
    else:
        yield f"        {field.path}{edited}"
        yield from _by_line(as_written(field.path, field.live), as_written(field.path, field.result))


def _has_lines(field: Merged) -> bool:
    """Whether a text in it runs over several lines."""
    texts = [value.get("run") if isinstance(value, dict) else value for value in (field.live, field.result)]
    return any(isinstance(text, str) and "\n" in text.rstrip("\n") for text in texts)


def _by_line(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The lines that differ, with one line around them."""
    for line in list(unified_diff(before, after, lineterm="", n=1))[2:]:
        if not line.startswith("@@"):
            yield f"          {line[0]} {line[1:]}"
