"""What the due set is to hold for a job that changes: worked out here, applied by a script in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.depend import parents_of
from jobboard.core.jobs.gate import needs_of, reach_ms
from jobboard.core.plans.change import moves_schedule
from jobboard.core.plans.forecast import next_due_between

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import JobChange


def schedule_entry(change: JobChange, now_ms: int) -> dict[str, Any] | None:
    """What the due set is to hold for a changed job, or None where it stays as it is.

    A changed schedule starts from now: it is never due at once for what it would have done before.
    """
    if change.source is not None and not change.moves_schedule:
        expectation = _expectation(change.ran, change.runs, now_ms)
        return {"from": change.source, **ties(change.runs or {}), **expectation}
    entry = entry_between(change.address, change.ran, change.runs, now_ms)
    return {**entry, "from": change.source} if entry is not None and change.source is not None else entry


def entry_between(address: str, ran: Spec | None, runs: Spec | None, now_ms: int) -> dict[str, Any] | None:
    """The same for a job that ran by one definition and is to run by another; None for no job."""
    old_parents = parents_of(ran or {})
    if runs is None:
        return {"due": False, "before": old_parents, "expected": False}
    entry = _expectation(ran, runs, now_ms)
    same_edges = parents_of(runs) == old_parents and (ran or {}).get("on") == runs.get("on")
    if ran is None or moves_schedule(ran, runs) or not same_edges:
        due = next_due_between(address, ran, runs, now_ms)
        cursor = now_ms if "schedule" in runs else False
        entry |= {"due": due or False, "cursor": cursor, "before": old_parents, **ties(runs)}
    return entry or None


def ties(spec: Spec) -> dict[str, Any]:
    """Which jobs are to tell a job how their runs end, and which of them are to remember it, for how long."""
    asked = [need.parent for need in needs_of(spec)] if "schedule" in spec else []
    reach = {"asks": asked, "reach": reach_ms(spec)} if asked else {}
    return {"after": parents_of(spec), **reach}


def _expectation(ran: Spec | None, runs: Spec | None, now_ms: int) -> dict[str, Any]:
    """By when the job is to have ended ok, where that is another instant than before; False for never."""
    span_ms = (runs or {}).get("expected_every")
    if span_ms == (ran or {}).get("expected_every"):
        return {}
    return {"expected": now_ms + span_ms if span_ms is not None else False}
