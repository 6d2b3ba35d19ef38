"""A plan as a unified diff: each job as Redis has it, and as it would have it.

A value a line, so that any viewer of patches shows it; what is no change stands in comments before the first.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from jobboard.cli.values import as_written
from jobboard.core.blame import paths_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobboard.core.model import Spec
    from jobboard.core.plan import Plan

NOTHING = "/dev/null"


def plan_diff(plan: Plan) -> Iterator[str]:
    """The lines of the diff; none where nothing would be written and nothing is in the way."""
    for conflict in plan.conflicts:
        paths = ", ".join(field.path for field in conflict.fields)
        yield f"# conflict: {conflict.address} {paths}"
    for clash in plan.clashes:
        yield f"# conflict: {' '.join(clash.message.split())}"
    for refusal in plan.refusals:
        yield f"# refused: {' '.join(refusal.message.split())}"
    for change in plan.changes:
        before = change.before.spec if change.before else None
        yield from job_diff(change.address, before, change.after)


def job_diff(address: str, before: Spec | None, after: Spec | None) -> Iterator[str]:
    """What is between two definitions of a job; None is none."""
    old, new = spec_lines(before), spec_lines(after)
    yield from unified_diff(
        old,
        new,
        NOTHING if before is None else f"a/{address}",
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
