"""What is counted of runs, and how `stats` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard.core.runs.run import Result
from jobboard.core.runs.tally import total
from jobboard.store.runs import counts
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

DAY_MS = 86_400_000
T0 = 1_600_041_600_000
"""2020-09-14T00:00:00Z."""
NOON = T0 + DAY_MS // 2


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(NOON)
    return Engine.at_work(store, "b/x", "b/slow")


def _ran(engine: Engine, job: str, nominal: int, verdict: Any = "ok", **how: Any) -> None:
    engine.fired(job, nominal)
    engine.finish(engine.reserve_one(), verdict, **how)


def _counted(engine: Engine) -> None:
    """So many ends, one a call, that they are all counted."""
    for n in range(16):
        _ran(engine, "b/x", NOON + n)
    assert not engine.client.exists(engine.store.key("uncounted"))


def test_ends_are_told_of_before_and_after_they_are_counted(engine: Engine, store: Store) -> None:
    told_of = []
    for n in range(40):
        _ran(engine, "b/x" if n % 2 else "b/slow", NOON + n, started_ago_ms=n)
        queues, _ = counts.by_queue(store, NOON, NOON)
        jobs, _ = counts.by_job(store, NOON, NOON)
        assert total(jobs.values()) == queues["common"]
        days = counts.of_job(store, "b/slow", NOON, NOON)
        assert days == {NOON // DAY_MS * DAY_MS: jobs["b/slow"]}
        told_of.append((queues["common"].runs, queues["common"].ran.total_ms))
    assert told_of == [(n + 1, n * (n + 1) / 2) for n in range(40)]
    assert engine.client.llen(store.key("uncounted")) == 40 % 16


def test_minutes_that_are_counted_together_add_up_to_their_day(
    engine: Engine, store: Store, clock: StoreClock
) -> None:
    until = NOON + 40 * 20_000
    for n in range(40):
        clock.set(NOON + n * 20_000)
        _ran(engine, "b/x" if n % 3 else "b/slow", NOON + n, started_ago_ms=n * n)
    minutes, _ = counts.by_queue(store, NOON, until)
    days, _ = counts.by_queue(store, until - 3 * DAY_MS, until)
    jobs, _ = counts.by_job(store, NOON, until)
    assert minutes == days == {"common": total(jobs.values())}
    assert days["common"].runs == 40
    assert days["common"].ran.total_ms == sum(n * n for n in range(40))
    assert len(list(store.client.scan_iter(store.key("minute", "*")))) > 5


def test_what_is_damaged_of_the_counts_keeps_no_run_from_ending(engine: Engine, store: Store) -> None:
    store.client.rpush(store.key("uncounted"), b"\xc1", b"\x01")
    for n in range(20):
        _ran(engine, "b/x", NOON + n)
    queues, _ = counts.by_queue(store, NOON, NOON)
    assert queues["common"].runs == 20


def test_ends_of_two_days_are_counted_for_each(engine: Engine, store: Store, clock: StoreClock) -> None:
    _ran(engine, "b/x", NOON)
    clock.advance(DAY_MS)
    engine.worker()
    for n in range(20):
        _ran(engine, "b/x", NOON + DAY_MS + n)
    days = counts.of_job(store, "b/x", NOON, NOON + DAY_MS)
    assert [days[day].runs for day in sorted(days)] == [1, 20]


def test_ends_are_counted_with_how_long_they_took(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for n, took_ms in enumerate((100, 100, 100, 2_000)):
        _ran(engine, "b/x", NOON + n, started_ago_ms=took_ms)
    _ran(engine, "b/slow", NOON, "failed", exit_code=3, started_ago_ms=60_000)
    said = asked(store, capsys, "stats")
    assert (said["runs"], said["ok_share"], said["states"]) == (5, 0.8, {"failed": 1, "ok": 4})
    assert [queue["queue"] for queue in said["queues"]] == ["common"]
    assert said["ran"]["max_ms"] == 60_000
    assert said["ran"]["p50_ms"] == pytest.approx(100, rel=0.1)
    assert said["waited"]["count"] == 5
    assert [job["job"] for job in said["slowest"]] == ["b/slow", "b/x"]
    assert [job["job"] for job in said["flakiest"]] == ["b/slow"]


def test_a_result_sent_twice_is_counted_once(engine: Engine, store: Store) -> None:
    engine.fired("b/x", NOON)
    reserved = engine.reserve_one()
    assert [engine.finish(reserved) for _ in range(2)] == ["FINISHED", "ALREADY"]
    found, _ = counts.by_queue(store, NOON, NOON)
    assert found["common"].states == {"ok": 1}


def test_many_results_of_one_call_are_all_counted(engine: Engine, store: Store) -> None:
    for job in ("b/x", "b/slow", "b/y", "b/z"):
        engine.define(job)
        engine.fired(job, NOON)
    engine.runs.finish("w1", [Result(r.run_id, r.token, "ok", started_ago_ms=7) for r in engine.reserve()])
    queues, _ = counts.by_queue(store, NOON, NOON)
    jobs, _ = counts.by_job(store, NOON, NOON)
    assert queues["common"].states == {"ok": 4}
    assert {job: one.states["ok"] for job, one in jobs.items()} == {"b/x": 1, "b/slow": 1, "b/y": 1, "b/z": 1}
    assert queues["common"].ran == total(jobs.values()).ran


def test_tries_and_what_was_passed_over_are_counted(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.fired("b/x", NOON)
    engine.finish(engine.reserve_one(), "retry", delay_ms=0)
    # A nominal while the run lives is passed over.
    assert engine.fire("b/x", NOON + 1, next_due=NOON + DAY_MS)[0] == "SKIPPED"
    engine.finish(engine.reserve_one())
    said = asked(store, capsys, "stats", "b/x")
    assert (said["runs"], said["retries"], said["states"]) == (1, 1, {"ok": 1, "skipped": 1})
    assert "1 skipped" in told(store, capsys, "stats", "b/x")


def test_a_job_is_shown_day_by_day(
    engine: Engine, store: Store, clock: StoreClock, capsys: pytest.CaptureFixture[str]
) -> None:
    _ran(engine, "b/x", NOON)
    clock.set(NOON + DAY_MS)
    engine.worker("w2")
    engine.fired("b/x", NOON + DAY_MS)
    engine.finish(engine.reserve_one("w2"), "failed", "w2")
    said = asked(store, capsys, "stats", "b/x", "--since", "7d")
    days = said["days"]
    assert said["since"] == "2020-09-08T00:00:00Z"
    assert [(day["day"], day["runs"], day["ok_share"]) for day in days] == [
        ("2020-09-14T00:00:00Z", 1, 1.0),
        ("2020-09-15T00:00:00Z", 1, 0.0),
    ]
    table = told(store, capsys, "stats", "b/x", "--since", "7d")
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [
        ["2020-09-14", "1", "100%"],
        ["2020-09-15", "1", "0%"],
        ["all", "2", "50%"],
    ]


def test_further_back_than_minutes_are_kept_days_are_read(
    engine: Engine, store: Store, clock: StoreClock
) -> None:
    _ran(engine, "b/x", NOON)
    later = NOON + 10 * DAY_MS
    clock.set(later)
    found, since_ms = counts.by_queue(store, NOON, later)
    assert (found["common"].runs, since_ms) == (1, T0)
    assert counts.by_queue(store, later - 3_600_000, later)[0] == {}


def test_counts_drop_themselves(engine: Engine, store: Store) -> None:
    _counted(engine)
    spans = {"minute": 2, "day": 400, "jobday": 30}
    for family, days in spans.items():
        number = NOON // (60_000 if family == "minute" else DAY_MS)
        left_s = store.client.ttl(store.key(family, str(number)))
        assert (days - 1) * 86_400 < left_s <= days * 86_400, family


def test_counts_that_would_stay_for_ever_are_found_and_mended(engine: Engine, store: Store) -> None:
    _counted(engine)
    day = str(NOON // DAY_MS)
    store.client.persist(store.key("jobday", day))
    (problem,) = fsck.repair(store)
    assert str(problem) == f"{day} has counts that nothing would ever drop"
    assert fsck.check(store) == []
    assert store.client.ttl(store.key("jobday", day)) == pytest.approx(30 * 86_400, abs=60)


def test_one_queue(engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    _ran(engine, "b/x", NOON)
    said = asked(store, capsys, "stats", "--queue", "common")
    assert (said["runs"], "slowest" in said) == (1, False)
    assert told(store, capsys, "stats", "--queue", "common").startswith(
        "Since Sun 12:00 UTC in queue common: 1 run,"
    )
    assert "No run has ended in queue nobody" in told(store, capsys, "stats", "--queue", "nobody")


def test_a_job_that_has_not_run_is_said(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "jobboard why b/x" in told(store, capsys, "stats", "b/x")
    assert asked(store, capsys, "stats", "b/x")["days"] == []


@pytest.mark.parametrize(
    "words",
    [["b/x", "--queue", "common"], ["-n", "-1"], ["--since", "2099-01-01"], ["--since", "soon"], ["b/y"]],
)
def test_what_makes_no_sense_is_a_usage_error(engine: Engine, store: Store, words: list[str]) -> None:
    assert jobboard(store, "stats", *words) == 64
