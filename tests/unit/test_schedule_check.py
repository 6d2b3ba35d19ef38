"""`core.times.schedule_check`: what an author is warned of."""

from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule_check import check_schedule, crowded

NOW_MS = parse_instant("2026-03-01")


@pytest.mark.parametrize(
    ("schedule", "key", "severity", "told"),
    [
        ({"cron": "0 0 30 2 *"}, "cron", "error", "never comes"),
        ({"cron": "0 0 * * *", "timezone": "Mars"}, "timezone", "error", "no time zone 'Mars'"),
        ({"every": 1000, "start": 5, "stop": 5}, "stop", "error", "stops before it starts"),
        ({"cron": "0 0 1 * *", "start": 1, "stop": 9}, "stop", "warning", "never runs"),
        ({"every": 60_000, "jitter": 70_000}, "jitter", "warning", "1m10s is longer than the interval"),
        ({"cron": "0 0-23 * * *"}, "cron", "warning", "listed one by one"),
        ({"cron": "0 0 1 * 0-6"}, "cron", "warning", "the day of the month means nothing"),
    ],
)
def test_one_fault(schedule: dict[str, Any], key: str, severity: str, told: str) -> None:
    (fault,) = check_schedule(schedule, NOW_MS)
    assert (fault.path, fault.severity) == ((key,), severity)
    assert told in fault.message


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("30 2 * * *", ["skips 02:00 to 03:00 on 2026-03-29: it runs once, at 03:00", "the first time only"]),
        ("*/5 2 * * *", ["it does not run then", "repeats 02:00 to 03:00 on 2026-10-25: it runs both times"]),
        ("0 2 25 10 *", ["the first time only"]),
        ("0 */6 * * *", []),
        ("0 3 * * *", []),
        ("*/5 * * * *", []),
        ("30 * * * *", []),
    ],
)
def test_a_clock_change_ahead(cron: str, told: list[str]) -> None:
    faults = check_schedule({"cron": cron, "timezone": "Europe/Madrid"}, NOW_MS)
    assert [fault.severity for fault in faults] == ["warning"] * len(told)
    assert [part in fault.message for part, fault in zip(told, faults, strict=True)] == [True] * len(told)
    assert check_schedule({"cron": cron}, NOW_MS) == []


@pytest.mark.parametrize(
    "schedule", [{"every": 1000}, {"at": [1]}, {"cron": "H H * * *"}, {"cron": "@daily"}]
)
def test_nothing_to_say(schedule: dict[str, Any]) -> None:
    assert check_schedule(schedule, NOW_MS, "a/b") == []


def test_many_jobs_on_one_minute() -> None:
    jobs: dict[str, dict[str, Any]] = {f"a/{n}": {"cron": "0 0 * * *"} for n in range(4)}
    jobs |= {"a/alias": {"cron": "@daily"}, "a/every": {"every": 1000}, "a/hashed": {"cron": "H 0 * * *"}}
    jobs |= {f"a/jitter-{n}": {"cron": "0 0 * * *", "jitter": 1000} for n in range(9)}
    jobs |= {f"a/zone-{n}": {"cron": "0 0 * * *", "timezone": "Asia/Tokyo"} for n in range(3)}
    (fault,) = crowded(jobs, most=4)
    assert (fault.path, fault.severity) == (("a/alias", "cron"), "warning")
    assert "5 jobs start at the same minutes, 0 0 * * * (UTC)" in fault.message
    assert crowded(jobs, most=5) == []
