"""Why a job did or did not run, or a run is as it is: the facts gathered and explained. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.why import explain_job, explain_run
from jobboard.store.views import find_job_or_past, find_run
from jobboard.store.world import read_job_facts, read_world

if TYPE_CHECKING:
    from jobboard.core.facts import Explanation, JobFacts, World
    from jobboard.store.connect import Store


def explain(store: Store, what: str, now_ms: int) -> tuple[JobFacts, World, Explanation]:
    """What is known of a job, what surrounds it, and what that means.

    Args:
        store: Where.
        what: A job, or a run as ``JOB@`` and the beginning of its nominal.
        now_ms: The store's time.

    Raises:
        errors.UsageError: There is no such job or run.
    """
    if "@" in what:
        run = find_run(store, what)
        facts = read_job_facts(store, run.job, now_ms)
        world = read_world(store, now_ms, [run])
        return facts, world, explain_run(run, facts, world)
    facts = read_job_facts(store, find_job_or_past(store, what), now_ms)
    world = read_world(store, now_ms, facts.live)
    return facts, world, explain_job(facts, world)
