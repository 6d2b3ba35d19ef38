"""Why a nominal has no run: passed over, still waited for, left out, still to come, or none of the job's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.model import seed_of
from jobboard.core.runs.facts import Explanation
from jobboard.core.runs.why import past_of, waits_for
from jobboard.core.times.instant import local_text
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from jobboard.core.runs.facts import JobFacts, World
    from jobboard.core.runs.kept import Kept
    from jobboard.core.times.schedule import Schedule

_EXCLUSIONS = ("exclude", "on_exclude")


def explain_nominal(at_ms: int, facts: JobFacts, world: World, kept: Kept) -> Explanation:
    """Why a job has no run for an instant.

    Args:
        at_ms: The instant.
        facts: Of the job, with all records that may be about the instant.
        world: What surrounds it.
        kept: How much of the past is known.
    """
    when = local_text(at_ms, facts.zone)
    for record in facts.records:
        first_ms = record.first_ms if record.first_ms is not None else record.nominal_ms
        if record.passed_over and first_ms <= at_ms <= record.nominal_ms:
            found = past_of(facts, record, world)
            headline = f"{facts.job} did not run for {when}: {found.state}, {found.text}."
            return Explanation(headline, command=found.command)
    for join in facts.joins:
        if join.nominal_ms == at_ms:
            found = waits_for(join)
            return Explanation(f"{facts.job} waits at {when} {found.text}.", command=found.command)
    headline, outlook = _by_schedule(at_ms, facts, world)
    if at_ms <= world.now_ms and outlook is None:
        outlook = kept.about(facts.job, at_ms, facts.zone)
    return Explanation(headline, outlook=outlook, command=f"jobboard why {facts.job}")


def nominal_of_day(from_ms: int, until_ms: int, facts: JobFacts) -> int:
    """The first nominal of a job in a stretch of time, left out or not; its beginning where there is none."""
    schedule: Mapping[str, Any] = (facts.spec or {}).get("schedule", {})
    if not schedule or "delay" in schedule:
        return from_ms
    found_ms = _bare(schedule, facts).next_after(from_ms - 1)
    return from_ms if found_ms is None or found_ms >= until_ms else found_ms


def _by_schedule(at_ms: int, facts: JobFacts, world: World) -> tuple[str, str | None]:
    """What the schedule says of an instant that nothing is known of."""
    when, job = local_text(at_ms, facts.zone), facts.job
    if facts.spec is None:
        return f"{job} is on no board any more, and has no record of {when}.", None
    schedule: Mapping[str, Any] = facts.spec.get("schedule", {})
    if not schedule or "delay" in schedule:
        how = (
            "follow from when its runs end" if schedule else "are those of the jobs before it, or of a person"
        )
        return f"{job} has no run for {when}, and its instants {how}.", None
    own = compile_schedule(schedule, seed_of(job, facts.spec))
    if own.prev_at(at_ms) == at_ms:
        if at_ms > world.now_ms:
            due = own.due(at_ms)
            jitter = f", due at {local_text(due, facts.zone)} after its jitter" if due != at_ms else ""
            return f"{job} is still to run for {when}{jitter}.", None
        return f"{job} has no record of {when}.", None
    if _bare(schedule, facts).prev_at(at_ms) == at_ms:
        return f"{job} does not run for {when}: its exclude leaves that out.", _put_off(own, at_ms, facts)
    return f"{when} is no instant of {job}'s schedule.", _nearest(own, at_ms, facts)


def _bare(schedule: Mapping[str, Any], facts: JobFacts) -> Schedule:
    """The schedule as it would be if it left nothing out."""
    bare = {key: value for key, value in schedule.items() if key not in _EXCLUSIONS}
    return compile_schedule(bare, seed_of(facts.job, facts.spec or {}))


def _put_off(own: Schedule, at_ms: int, facts: JobFacts) -> str | None:
    next_ms = own.next_after(at_ms)
    if next_ms is None:
        return None
    when = local_text(next_ms, facts.zone)
    is_deferred = (facts.spec or {})["schedule"].get("on_exclude") == "defer"
    return f"It is put off to {when}." if is_deferred else f"The next that counts is {when}."


def _nearest(own: Schedule, at_ms: int, facts: JobFacts) -> str | None:
    near = [own.prev_at(at_ms), own.next_after(at_ms)]
    named = [local_text(each, facts.zone) for each in near if each is not None]
    return f"Nearest are {' and '.join(named)}." if named else None
