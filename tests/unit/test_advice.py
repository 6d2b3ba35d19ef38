from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.jobs.advice import PILE, lock_order, pile_up, untimed_lock

CROWD = 100


def jobs(count: int, cron: str, prefix: str = "j", **more: Any) -> dict[str, dict[str, Any]]:
    return {f"b/{prefix}{n}": {"cron": cron, **more} for n in range(count)}


def test_a_lock_without_a_timeout_is_warned_of() -> None:
    assert untimed_lock({"locks": {"db": 1}, "timeout": 1000}) is None
    assert untimed_lock({}) is None
    fault = untimed_lock({"locks": {"api": 1, "db": 1}})
    assert fault is not None
    assert '"api" and "db"' in fault.message
    assert (fault.rule, fault.severity) == ("lock-timeout", "warning")


def test_two_orders_of_the_same_locks_are_warned_of_once() -> None:
    listed = [("b/x", ["a", "b", "c"]), ("b/y", ["a", "c"]), ("b/z", ["c", "b", "a"]), ("b/w", ["d", "a"])]
    ((address, fault),) = lock_order(listed)
    assert address == "b/z"
    assert fault.message == 'lists "c" before "b", and b/x the other way round'


def test_a_pile_is_more_than_so_many_jobs_at_minute_0() -> None:
    assert pile_up(jobs(PILE, "0 3 * * *"), CROWD) == []
    ((address, fault),) = pile_up(jobs(PILE + 1, "0 3 * * *"), CROWD)
    assert address == f"b/j{PILE}"
    assert fault.message == f"{PILE + 1} jobs start at 03:00 sharp (UTC)"


@pytest.mark.parametrize(
    ("one", "other", "hours"),
    [
        ("0 3 * * *", "0 3 * * 1", ["03"]),
        ("0 3 * * 2", "0 3 * * 1", []),
        ("0 3,5 * * *", "0 1-5/2 * * *", ["03", "05"]),
        ("0 */12 * * *", "0 6/6 * * *", ["12"]),
        ("0 3 * * *", "1 3 * * *", []),
        ("0 3 * * *", "0 H * * *", []),
        ("0 3 * * *", ["0 3 * * *"], ["03"]),
    ],
)
def test_different_expressions_pile_up_where_they_meet(one: str, other: Any, hours: list[str]) -> None:
    found = pile_up({**jobs(20, one), **jobs(20, other, "k")}, CROWD)
    assert [fault.message.partition(":")[0][-2:] for _, fault in found] == hours
    assert all(fault.message.startswith("40 jobs") for _, fault in found)


def test_what_is_spread_or_crowded_anyway_is_no_pile() -> None:
    assert pile_up(jobs(50, "0 3 * * *", jitter=60_000), CROWD) == []
    assert pile_up(jobs(101, "0 3 * * *"), CROWD) == []
    assert (
        pile_up({**jobs(20, "0 3 * * *"), **jobs(20, "0 3 * * *", "k", timezone="Asia/Tokyo")}, CROWD) == []
    )
