"""What a plan says of a board although it stands in nobody's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.plans.refusal import LARGE, LARGEST_LOSS_PERCENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jobboard.core.jobs.model import Definition
    from jobboard.core.plans.change import JobChange

NAMED = 5
"""Jobs that a notice names."""


def notices(live: Mapping[str, Definition], changes: Collection[JobChange]) -> Iterator[str]:
    """The notices of one board: many jobs that change at once, and fields that this version does not know.

    Args:
        live: Its jobs in the store.
        changes: What would be written.
    """
    changed = [change for change in changes if change.action == "change"]
    # One changed default moves many jobs alike, and is one thing to look at.
    ways = {tuple((f.path, repr(f.live), repr(f.result)) for f in change.fields) for change in changed}
    if len(live) >= LARGE and len(ways) * 100 > len(live) * LARGEST_LOSS_PERCENT:
        yield f"{len(changed):,} of its {len(live):,} jobs change, in {len(ways):,} ways"
    unknown = {job: names for job, definition in live.items() if (names := _unknown(definition))}
    if unknown:
        numbers = ", ".join(sorted({name for names in unknown.values() for name in names}))
        jobs = ", ".join(sorted(unknown)[:NAMED])
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        yield f"{jobs}{more}: a newer version wrote fields unknown to this one ({numbers}), which stay"


def _unknown(definition: Definition) -> list[str]:
    """Fields that `store.boards.codec` keeps under their number, since nothing here has it."""
    return [name for name in definition.spec if name[0] == "#"]
