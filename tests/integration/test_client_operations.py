"""The Python client as an operator uses it: queues, locks, workers, settings; jobs as they stand, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from kit.engine import MINUTE, Engine

from jobboard import Client, errors
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

T0 = 1_800_000_000_000


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(T0)
    built = Engine(store)
    built.worker("w1")
    return built


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    with Client(store.url, store.namespace, actor="ana") as opened:
        yield opened
    assert fsck.check(store) == []


def test_queues_are_seen_limited_and_trimmed(client: Client, engine: Engine, clock: StoreClock) -> None:
    first = client.push("slow", run="true").run_id
    clock.advance(MINUTE)
    rest = [client.push("slow", run="true").run_id for _ in range(3)]
    client.limit("slow", limit=2, rate=(30, "1m"))
    (slow,) = (one for one in client.queues() if one.queue == "slow")
    assert (slow.waiting, slow.rule.limit, slow.rule.rate) == (4, 2, (30, MINUTE))
    assert MINUTE <= (slow.oldest_ms or 0) < 2 * MINUTE
    assert client.trim("slow", older="30s") == [first]
    assert client.trim("slow", keep=1) == rest[1:]
    assert client.run(rest[1]).state == "cancelled"
    client.limit("slow")
    assert not any(one.rule.limit for one in client.queues())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda client: client.limit("slow", limit=0), "1 or more"),
        (lambda client: client.limit("slow", rate=(0, "1m")), "one run or more"),
        (lambda client: client.limit("a b"), "cannot be a queue"),
        (lambda client: client.trim("slow"), "--keep"),
        (lambda client: client.break_lock("db", reason="why"), "no job has a lock db"),
        (lambda client: client.drain("w9"), "there is no worker w9"),
        (lambda client: client.configure("colour", "red"), "there is no setting"),
        (lambda client: client.configure("failures", "3"), "3m for minutes"),
        (lambda client: client.jobs("nowhere"), "there is no board nowhere"),
        (lambda client: client.why("b/none"), "there is no job"),
        (lambda client: client.pause("b/none"), "there is no job"),
        (lambda client: client.pause("none"), "there is no"),
        (lambda client: client.retry_all(job="b/none"), "there is no job"),
        (lambda client: client.stats("2100-01-01"), "in the future"),
        (lambda client: client.stats("soon"), "soon"),
        (lambda client: client.skip_next("b/x"), "run by hand"),
        (lambda client: client.skip_next("b/x", 0), "from 1 to"),
        (lambda client: client.edit("b/x", reason="why", retires=3), "retires"),
        (lambda client: client.override("b/x", reason="why", after="y"), "cannot be overridden"),
        (lambda client: client.override("b/x", reason=" ", timeout="1h"), "needs a reason"),
        (lambda client: client.override("b/x", reason="why", until="2100-01-01", for_="1h"), "both say"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: Client, engine: Engine, wrong: Callable[[Client], object], said: str
) -> None:
    engine.define("b/x")
    with pytest.raises(errors.UsageError, match=said):
        wrong(client)


def test_a_lock_is_taken_away_by_hand(client: Client, engine: Engine) -> None:
    engine.define("b/x", locks={"db": 1}, overlap="allow")
    held = client.start("b/x").run_id
    engine.reserve_one()
    waiting = client.start("b/x").run_id
    engine.reserve()
    (lock,) = client.locks()
    assert [run.run_id for run in lock.holders] == [held]
    assert [run.run_id for run in lock.waiters] == [waiting]
    with pytest.raises(errors.Refused, match="does not hold"):
        client.break_lock("db", reason="wrong one", run=waiting)
    assert client.break_lock("db", reason="the host is gone") == held
    (taken,) = client.run(held).unlocked
    assert (taken.lock, taken.by, taken.reason) == ("db", "ana", "the host is gone")


def test_workers_are_seen_drained_and_given_up(client: Client, engine: Engine) -> None:
    engine.define("b/x")
    run_id = client.start("b/x").run_id
    engine.reserve_one()
    (worker,) = client.workers()
    assert (worker.name, worker.held, worker.state) == ("w1", 1, "up")
    assert client.drain("w1", reason="new kernel") == 1
    assert client.workers()[0].state == "draining"
    assert client.forget("w1", reason="its host is gone") == 1
    assert client.workers() == []
    assert client.run(run_id).lost == 1


def test_what_is_kept_is_shown_and_set(client: Client, engine: Engine) -> None:
    client.configure("failures", "30d")
    setting = client.config()["failures"]
    assert (setting.value, setting.is_set, setting.bound.unit) == (30 * 24 * 60 * MINUTE, True, "ms")
    client.configure("failures", None)
    assert not client.config()["failures"].is_set
    assert client.config()["history-bytes"].kept == 0


def test_jobs_are_seen_as_they_stand_and_why(client: Client, engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE})
    engine.define("c/y", enabled=False)
    assert [standing.job for standing in client.jobs()] == ["b/x", "c/y"]
    assert [standing.enabled for standing in client.jobs("c")] == [False]
    assert all(len(repr(standing)) < 200 for standing in client.jobs())
    run_id = engine.fired("b/x", T0)
    facts = client.job("b/x")
    assert [run.run_id for run in facts.live] == [run_id]
    assert [finding.state for finding in client.why("c/y").findings] == ["disabled"]
    assert "queued" in client.why(run_id).headline
    client.pause("b/x", reason="vendor outage")
    assert [hold.reason for hold in client.holds()["job:b/x"]] == ["vendor outage"]


def test_what_ended_is_counted(client: Client, engine: Engine, clock: StoreClock) -> None:
    engine.define("b/x")
    for verdict in ("ok", "failed"):
        client.start("b/x")
        engine.finish(engine.reserve_one(), verdict)
    for since in ("1h", timedelta(hours=1), datetime.fromtimestamp(T0 / 1000 - 60, UTC), "2027-01-15"):
        assert client.stats(since)["common"].states == {"ok": 1, "failed": 1}
    today = datetime.fromtimestamp(T0 / 1000, UTC).date()
    assert {day: tally.runs for day, tally in client.job_stats("b/x").items()} == {today: 2}


def test_what_is_overdue_is_listed(client: Client, engine: Engine, clock: StoreClock) -> None:
    assert client.incidents() == []
    client.put("beat", run="true", every="1m", expected_every="5m")
    clock.advance(10 * MINUTE)
    engine.runs.tick("s1")
    (incident,) = client.incidents()
    assert (incident.kind, incident.job) == ("overdue", "loose/beat")


def test_the_next_runs_are_passed_over(client: Client, engine: Engine) -> None:
    client.put("x", run="true", every="1m")
    assert client.skip_next("x", 2, reason="the disk is being moved") == 0
    assert (skip := client.job("x").skip) is not None
    assert (skip.left, skip.by, skip.reason) == (2, "ana", "the disk is being moved")
    assert client.skip_next("x", None) == 2
    assert client.job("x").skip is None


def test_a_job_is_edited_and_overridden(client: Client, engine: Engine) -> None:
    engine.define("b/x", timeout=60_000)
    assert client.edit("b/x", reason="it grew", timeout="2m", **{"env.LANG": "C"}) == ("timeout", "env.LANG")
    assert client.edit("b/x", timeout="2m") == ()
    (laid,) = client.override("b/x", reason="vendor is slow", for_=timedelta(hours=2), timeout="4h")
    assert (laid.path, laid.value, laid.by) == ("timeout", 14_400_000, "ana")
    assert laid.until_ms is not None
    assert 0 <= laid.until_ms - (T0 + 120 * MINUTE) < MINUTE
    spec = client.job("b/x").spec or {}
    assert (spec["timeout"], spec["env"]) == (14_400_000, {"LANG": "C"})
    (cleared,) = client.clear_override("b/x", "timeout")
    assert cleared == laid
    assert (client.job("b/x").spec or {})["timeout"] == 120_000


def test_what_failed_is_retried_all_at_once(client: Client, engine: Engine) -> None:
    for name, group in (("x", "disk full"), ("y", "")):
        engine.define(f"b/{name}")
        client.start(f"b/{name}")
        engine.finish(engine.reserve_one(), "failed", exit_code=1, reason="exit 1", group=group)
    assert client.retry_all(group="out of paper") == []
    (first,) = client.retry_all(group="disk full", reason="there is room again")
    assert (first.run_id.partition("@")[0], first.outcome) == ("b/x", "retried")
    assert [one.run_id.partition("@")[0] for one in client.retry_all(board="b", since="1h")] == ["b/y"]
    assert client.retry_all(job="b/y", states=["cancelled"]) == []


def test_a_hold_may_end_what_runs(client: Client, engine: Engine) -> None:
    engine.define("b/x")
    run_id = client.start("b/x").run_id
    engine.reserve_one()
    client.pause("x", reason="vendor outage", stop=True)
    assert list(client.holds()) == ["job:b/x"]
    assert client.run(run_id).state == "stopping"


def test_what_came_in_an_inbox_and_is_no_run_is_sorted_out(client: Client, store: Store) -> None:
    for entry in (b"{", b"["):
        store.client.xadd(
            store.key("rejected"), {"queue": "common", "entry": entry, "reason": "no", "at": T0, "bytes": 1}
        )
    newest, oldest = client.rejected()
    assert client.sort_out(oldest.id, again=True) == 1
    assert [(box.queue, box.waiting) for box in client.inboxes()] == [("common", 1)]
    assert client.sort_out(newest.id) == 1
    assert client.rejected() == []
