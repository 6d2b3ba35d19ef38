"""Why a job did or did not run, or a run is as it is: the facts gathered and explained. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.runs.why import explain_job, explain_run
from jobboard.core.runs.why_not import explain_nominal, nominal_of_day
from jobboard.core.times.instant import parse_instant
from jobboard.store.runs.past import known_runs
from jobboard.store.runs.views import SHOWN, either, find_job_or_past, find_run
from jobboard.store.runs.walking import walk_on
from jobboard.store.runs.world import read_job_facts, read_world
from jobboard.store.views.kept import read_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.facts import Explanation, JobFacts, World
    from jobboard.core.runs.record import Record
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
    """The same of a job and an instant or a date, which is no id of a run; None where that is neither."""
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
    until_ms = at_ms + DAY_MS if len(text) == len("2026-03-01") else at_ms + 1
    told, searched_to_ms = _told_of(store, facts, at_ms, until_ms)
    runs = {record.run_id: record for record in told if record.run_id}
    if len(runs) > 1:
        several = either(list(runs))
        raise errors.UsageError(f"{len(runs)} runs of {address} or more are of {text}", f"write {several}")
    if runs:
        (run,) = runs.values()
        world = read_world(store, now_ms, [run])
        return facts, world, explain_run(run, facts, world)
    world = read_world(store, now_ms, facts.live)
    if until_ms > at_ms + 1:
        at_ms = nominal_of_day(at_ms, until_ms, facts)
    known = replace(facts, records=(*facts.records, *told))
    kept = read_kept(store, address, at_ms, now_ms, searched_to_ms)
    return facts, world, explain_nominal(at_ms, known, world, kept)


def _told_of(store: Store, facts: JobFacts, at_ms: int, until_ms: int) -> tuple[Sequence[Record], int | None]:
    """The records of nominals in a stretch of time, and up to where they were searched, if not to the end."""

    def is_told(record: Record) -> bool:
        first_ms = record.nominal_ms if record.first_ms is None else record.first_ms
        is_meant = record.job == facts.job and record.trigger != "manual"
        return is_meant and first_ms < until_ms and at_ms <= record.nominal_ms

    known = [record for record in (*facts.live, *facts.records) if is_told(record)]
    if known:
        return known, None
    found = walk_on(store, is_told, from_ms=at_ms, limit=SHOWN + 1)
    return found.records, None if found.complete or found.records else found.back_to_ms
