"""Why a job did or did not run, or a run is as it is: the facts gathered and explained. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.runs.why import explain_job, explain_run
from jobboard.core.runs.why_not import explain_nominal, nominal_of_day
from jobboard.core.times.instant import parse_instant
from jobboard.store.runs.past import known_runs
from jobboard.store.runs.views import find_job_or_past, find_run
from jobboard.store.runs.world import read_job_facts, read_world

if TYPE_CHECKING:
    from jobboard.core.runs.facts import Explanation, JobFacts, World
    from jobboard.store.calls.connect import Store


DAY_MS = 86_400_000


def explain(store: Store, what: str, now_ms: int) -> tuple[JobFacts, World, Explanation]:
    """What is known of a job, what surrounds it, and what that means.

    Args:
        store: Where.
        what: A job, or a run as ``JOB@`` and the beginning of its nominal; or ``JOB@`` and an instant or a
            date for which the job has no run.
        now_ms: The store's time.

    Raises:
        errors.UsageError: There is no such job or run.
    """
    if "@" in what:
        try:
            run = find_run(store, what)
        except errors.UsageError:
            if (found := _without_run(store, what, now_ms)) is None:
                raise
            return found
        facts = read_job_facts(store, run.job, now_ms)
        world = read_world(store, now_ms, [run])
        return facts, world, explain_run(run, facts, world)
    facts = read_job_facts(store, find_job_or_past(store, what), now_ms)
    world = read_world(store, now_ms, facts.live)
    return facts, world, explain_job(facts, world)


def _without_run(store: Store, what: str, now_ms: int) -> tuple[JobFacts, World, Explanation] | None:
    """The same of a job and an instant it has no run for, or a date; None where that is neither."""
    name, _, text = what.partition("@")
    try:
        at_ms = parse_instant(text)
    except ValueError:
        return None
    address = find_job_or_past(store, name)
    if any(run.suffix.startswith(text) for run in known_runs(store, address)):
        # There are several, and it is for the person to say which is meant.
        return None
    facts = read_job_facts(store, address, now_ms)
    if len(text) == len("2026-03-01"):
        at_ms = nominal_of_day(at_ms, at_ms + DAY_MS, facts)
    world = read_world(store, now_ms, facts.live)
    return facts, world, explain_nominal(at_ms, facts, world)
