"""How an attempt ended: as the worker knows it, as its spool keeps it, and as the store takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import clock
from jobboard.core.runs.run import Result

if TYPE_CHECKING:
    from jobboard.daemon.worker.attempt import Outcome
    from jobboard.daemon.worker.spool import Entry


def entry_of(outcome: Outcome) -> Entry:
    """An outcome as the spool keeps it: instants by the wall, as the monotonic clock means nothing later."""
    shift_ms = clock.now_ms() - clock.monotonic_ms()
    started_at_s = outcome.started_at_s
    return {
        "run_id": outcome.run_id,
        "token": outcome.token,
        "verdict": outcome.verdict,
        "delay_ms": outcome.delay_ms,
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        "reason": outcome.reason,
        "started_at_ms": None if started_at_s is None else round(1000 * started_at_s) + shift_ms,
        "ended_at_ms": round(1000 * outcome.ended_at_s) + shift_ms,
        "output_bytes": outcome.output_bytes,
        "dropped_bytes": outcome.dropped_bytes,
        "group": outcome.group,
    }


def result_of(entry: Entry) -> Result:
    """A spooled outcome as the store takes it: instants become spans before now."""
    fields = dict(entry)
    started_at_ms, ended_at_ms = fields.pop("started_at_ms"), fields.pop("ended_at_ms")
    now_ms = clock.now_ms()
    return Result(
        **fields,
        started_ago_ms=None if started_at_ms is None else max(0, now_ms - started_at_ms),
        ended_ago_ms=max(0, now_ms - ended_at_ms),
    )
