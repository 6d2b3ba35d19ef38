from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.jobs.model import Definition
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.forecast import crowded_instant, effect_of, next_due_ms

NOW = 1_795_262_400_000  # 2026-11-21T12:00:00Z
MINUTE_MS = 60_000
HOUR = 60 * MINUTE_MS
DAY = 24 * HOUR


def job(**schedule: Any) -> dict[str, Any]:
    return {"command": {"run": "x"}, "schedule": schedule}


def test_a_job_is_next_due_strictly_after_now() -> None:
    assert next_due_ms("ops/a", job(cron="0 12 * * *"), NOW) == NOW + DAY
    assert next_due_ms("ops/a", job(cron="0 12 * * *"), NOW - 1) == NOW
    assert next_due_ms("ops/a", job(every=HOUR, phase=0), NOW) == NOW + HOUR


@pytest.mark.parametrize(
    "spec",
    [
        {"command": {"run": "x"}},
        {**job(cron="0 12 * * *"), "enabled": False},
        job(at=[NOW]),
        job(every=HOUR, start=0, stop=NOW),
    ],
)
def test_what_never_comes_is_none(spec: dict[str, Any]) -> None:
    assert next_due_ms("ops/a", spec, NOW) is None


def test_jitter_delays_what_is_due_and_no_more_than_it_may() -> None:
    due = {
        address: next_due_ms(address, job(cron="0 13 * * *", jitter=HOUR), NOW)
        for address in (f"ops/j{n}" for n in range(20))
    }
    assert all(at is not None and NOW + HOUR <= at < NOW + 2 * HOUR for at in due.values())
    assert len(set(due.values())) > 10


def test_a_change_is_due_before_and_after() -> None:
    before = Definition(1, 1, 1, job(cron="0 13 * * *"), {})
    after = job(cron="0 14 * * *")
    effect = effect_of(JobChange("ops/a", "change", before, after, after), NOW)
    assert (effect.next_before_ms, effect.next_after_ms) == (NOW + HOUR, NOW + 2 * HOUR)
    gone = effect_of(JobChange("ops/a", "destroy", before, None, None), NOW)
    assert (gone.next_before_ms, gone.next_after_ms) == (NOW + HOUR, None)
    new = effect_of(JobChange("ops/a", "add", None, after, after), NOW)
    assert (new.next_before_ms, new.next_after_ms) == (None, NOW + 2 * HOUR)


def test_a_crowd_is_ten_in_one_minute() -> None:
    minute = [NOW + n * 1000 for n in range(9)]
    assert crowded_instant(minute) is None
    assert crowded_instant([]) is None
    assert crowded_instant([None] * 50) is None
    assert crowded_instant([*minute, NOW + MINUTE_MS - 1, None, NOW + MINUTE_MS]) == (10, NOW)
    both = [NOW] * 10 + [NOW - MINUTE_MS] * 10
    assert crowded_instant(both) == (10, NOW - MINUTE_MS)
