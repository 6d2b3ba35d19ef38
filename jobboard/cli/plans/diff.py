"""A plan as a unified diff: each job as Redis has it, and as it would have it.

A value a line, so that any viewer of patches shows it. What is no line of a definition stands in comments
before the first: what is in the way, new addresses, bases that follow, drift that is kept, holds, overrides.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from jobboard.cli.plans.overlaid import hold_text, override_texts
from jobboard.cli.values import as_written
from jobboard.core.diagnostic import visible
from jobboard.core.plans.blame import paths_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.plan import Plan
    from jobboard.reconcile.around import Around

NOTHING = "/dev/null"


def plan_diff(plan: Plan, around: Around) -> Iterator[str]:
    """The lines of the diff; none where there is nothing to say."""
    for conflict in plan.conflicts:
        paths = ", ".join(field.path for field in conflict.fields)
        yield f"# conflict: {conflict.address} {paths}"
    for clash in plan.clashes:
        yield f"# conflict: {' '.join(clash.message.split())}"
    for refusal in plan.refusals:
        yield f"# refused: {' '.join(refusal.message.split())}"
    yield from map(_comment, _aside(plan, around))
    for change in plan.changes:
        before = change.before.spec if change.before else None
        yield from job_diff(change.address, before, change.after, change.source)


def _comment(text: str) -> str:
    return f"# {' '.join(visible(text).split())}"


def _aside(plan: Plan, around: Around) -> Iterator[str]:
    """What is no line of any definition."""
    for change in plan.changes:
        if change.source is not None:
            yield f"{change.action}: {change.source} → {change.address}"
        elif change.action == "record":
            paths = ", ".join(field.path for field in change.fields)
            yield f"record: {change.address} {paths or 'stays away'}"
    for board in plan.boards:
        yield from (f"notice: board {board.name}: {notice}" for notice in board.notices)
    for job in plan.outdated:
        yield f"requeue: {job.address} {job.runs} queued"
    for drift in plan.drift:
        yield f"drift: {drift.address} {', '.join(field.path for field in drift.fields)}; kept"
    for scope, holds in sorted(around.holds.items()):
        for hold in holds:
            yield f"held: {hold_text(scope, hold, around.now_ms)}"
    for address, skip in around.skips.items():
        yield f"skip: {address}: {skip.words}"
    for address in around.overridden:
        yield from (f"override: {address} {text}" for text in override_texts(address, around))


def job_diff(
    address: str, before: Spec | None, after: Spec | None, source: str | None = None
) -> Iterator[str]:
    """What is between two definitions of a job; None is none. `source` is the address it had before."""
    old, new = spec_lines(before), spec_lines(after)
    yield from unified_diff(
        old,
        new,
        NOTHING if before is None else f"a/{source or address}",
        NOTHING if after is None else f"b/{address}",
        lineterm="",
    )


def spec_lines(spec: Spec | None) -> list[str]:
    """A definition, a value a line; what has several lines of its own is set below its path."""
    return [line for path, value in paths_of(spec or {}).items() for line in _value_lines(path, value)]


def _value_lines(path: str, value: object) -> Iterable[str]:
    written = as_written(path, value)
    if len(written) == 1 and not (isinstance(value, dict) and "run" not in value):
        return [f"{path}: {written[0]}"]
    return [f"{path}:", *(f"  {line}" for line in written)]
