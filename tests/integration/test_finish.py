"""The end of an attempt: taken once, under its token only, and kept on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.engine import T0, Engine
from kit.events import events_of

from jobboard import errors
from jobboard.core.runs.run import Result
from jobboard.store.calls.wire import unpack
from jobboard.store.runs import config

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store, "b/x")


def _stream(engine: Engine, name: str) -> list[dict[str, Any]]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", engine.client.xrange(engine.store.key(name)))
    return [unpack(fields[b"r"]) for _, fields in entries]


def test_success_is_recorded_and_leaves_nothing(engine: Engine) -> None:
    reserved = engine.running()
    assert engine.finish(reserved, exit_code=0, output_bytes=12) == "FINISHED"
    (record,) = engine.last("b/x")
    assert (record["id"], record["state"], record["exit"]) == (reserved.run_id, "ok", 0)
    assert (record["worker"], record["attempt"], record["output_bytes"]) == ("w1", 1, 12)
    assert _stream(engine, "history") == [record]
    assert _stream(engine, "failures") == []
    assert not engine.members("live", "b/x")
    assert not engine.members("holding", "w1")
    assert not engine.client.exists(engine.store.key("run", reserved.run_id))


def test_instants_are_the_stores(engine: Engine, clock: StoreClock) -> None:
    reserved = engine.running()
    clock.set(T0 + 60_000)
    engine.finish(reserved, started_ago_ms=30_000, ended_ago_ms=10_000)
    (record,) = engine.last("b/x")
    assert 0 <= record["started_at"] - (T0 + 30_000) < 5_000
    assert record["ended_at"] - record["started_at"] == 20_000


def test_a_failure_is_among_the_failures(engine: Engine) -> None:
    engine.finish(engine.running(), "failed", exit_code=3, reason="exit 3")
    assert [record["reason"] for record in _stream(engine, "failures")] == ["exit 3"]


def test_a_result_sent_twice_counts_once(engine: Engine) -> None:
    reserved = engine.running()
    assert [engine.finish(reserved) for _ in range(3)] == ["FINISHED", "ALREADY", "ALREADY"]
    assert len(engine.last("b/x")) == 1


def test_a_result_sent_again_is_known_however_many_ended_since(engine: Engine) -> None:
    reserved = engine.running()
    engine.finish(reserved)
    for _ in range(21):
        engine.runs.start_run("b/x", by="ana")
        engine.finish(engine.reserve_one())
    assert engine.finish(reserved) == "ALREADY"
    assert engine.runs.cancel(reserved.run_id, "ana") == "ALREADY"
    assert not [told for told in events_of(engine.store) if told["e"] == "fenced"]


def test_a_retry_sent_twice_counts_once(engine: Engine) -> None:
    reserved = engine.running()
    assert engine.finish(reserved, "retry", delay_ms=1_000) == "RETRIED"
    assert engine.finish(reserved, "retry", delay_ms=1_000) == "ALREADY"
    assert engine.client.hget(engine.store.key("run", reserved.run_id), "attempt") == b"2"


def test_a_retry_waits_and_comes_back_as_the_next_attempt(engine: Engine, clock: StoreClock) -> None:
    reserved = engine.running()
    engine.finish(reserved, "retry", delay_ms=10_000, exit_code=1, reason="exit 1")
    assert engine.runs.tick("s1").promoted == 0
    assert engine.reserve() == []
    clock.advance(10_000)
    assert engine.runs.tick("s1").promoted == 1
    again = engine.reserve_one()
    assert (again.run_id, again.attempt) == (reserved.run_id, 2)
    assert again.token > reserved.token
    engine.finish(again)
    (record,) = engine.last("b/x")
    assert [(t["attempt"], t["state"], t["reason"]) for t in record["tries"]] == [(1, "retry", "exit 1")]


def test_a_retry_without_delay_is_queued_at_once(engine: Engine) -> None:
    engine.finish(engine.running(), "retry", delay_ms=0)
    assert engine.reserve_one().attempt == 2


def test_a_retry_wakes_a_scheduler_that_would_sleep_past_it(engine: Engine) -> None:
    engine.finish(engine.running(), "retry", delay_ms=10_000)
    assert engine.client.lpop(engine.store.key("wake", "scheduler")) == b"look"
    assert (engine.runs.tick("s1").next_at_ms or 0) > 0


def test_a_deferred_run_uses_up_no_try(engine: Engine, clock: StoreClock) -> None:
    assert engine.finish(engine.running(), "defer", delay_ms=1_000, reason="exit 75") == "DEFERRED"
    clock.advance(1_000)
    engine.runs.tick("s1")
    again = engine.reserve_one()
    assert (again.attempt, again.defers) == (1, 1)


def test_a_run_that_is_let_go_is_skipped_and_no_failure(engine: Engine) -> None:
    engine.define("b/after", after=["b/x"])
    assert engine.finish(engine.running(), "drop", exit_code=75, reason="not now: exit 75") == "FINISHED"
    (record,) = engine.last("b/x")
    assert (record["state"], record["exit"], record["reason"]) == ("skipped", 75, "not now: exit 75")
    assert _stream(engine, "failures") == []
    assert [told["state"] for told in engine.last("b/after")] == ["skipped"]
    assert engine.reserve() == []


def test_a_drained_run_goes_back_and_counts_nothing(engine: Engine) -> None:
    assert engine.finish(engine.running(), "drained") == "RETRIED"
    again = engine.reserve_one()
    assert (again.attempt, again.defers, again.lost) == (1, 0, 0)


def test_a_result_of_an_attempt_that_was_given_to_another_is_fenced(engine: Engine) -> None:
    late = engine.running()
    engine.runs.lost("w1")
    engine.worker("w2")
    present = engine.reserve_one("w2")
    assert engine.finish(late) == "FENCED"
    assert engine.state(present.run_id) == "running"
    assert engine.finish(present, name="w2") == "FINISHED"
    (record,) = engine.last("b/x")
    assert (record["worker"], record["overlapped"], record["lost"]) == ("w2", True, 1)
    assert [e["worker"] for e in events_of(engine.store) if e["e"] == "fenced"] == ["w1"]


def test_a_late_result_is_fenced_even_after_the_other_has_finished(engine: Engine) -> None:
    late = engine.running()
    engine.runs.lost("w1")
    engine.worker("w2")
    engine.finish(engine.reserve_one("w2"), name="w2")
    assert engine.finish(late, "failed") == "FENCED"
    assert [record["state"] for record in engine.last("b/x")] == ["ok"]


def test_many_results_in_one_call(engine: Engine) -> None:
    for i in range(250):
        engine.define(f"b/j{i}")
        engine.runs.start_run(f"b/j{i}", by="ana")
    reserved = engine.reserve(limit=250)
    results = [Result(r.run_id, r.token, "ok") for r in reserved]
    assert engine.runs.finish("w1", results) == ["FINISHED"] * 250
    assert engine.members("holding", "w1") == set()


def test_output_is_kept_byte_for_byte(engine: Engine) -> None:
    reserved = engine.running()
    chunks = [bytes(range(256)), b"\xff\xfe", b""]
    assert engine.runs.output(reserved.run_id, reserved.token, 1, chunks)
    entries = cast(
        "list[tuple[bytes, dict[bytes, bytes]]]",
        engine.client.xrange(engine.store.key("out", reserved.run_id)),
    )
    assert [fields[b"d"] for _, fields in entries] == chunks


def test_output_of_an_attempt_that_is_over_is_fenced(engine: Engine) -> None:
    reserved = engine.running()
    engine.finish(reserved)
    assert not engine.runs.output(reserved.run_id, reserved.token, 1, [b"late"])
    assert not engine.client.exists(engine.store.key("out", reserved.run_id))


def test_the_oldest_output_goes_first_success_before_failure_and_never_a_live_runs(engine: Engine) -> None:
    config.configure(engine.store, "output-bytes", 250, by={})
    ids = {}
    for name, verdict in (("failed", "failed"), ("old", "ok"), ("new", "ok"), ("live", None)):
        engine.define(f"b/{name}")
        engine.runs.start_run(f"b/{name}", by="ana")
        reserved = engine.reserve_one()
        ids[name] = reserved.run_id
        engine.runs.output(reserved.run_id, reserved.token, 1, [b"x" * 100])
        if verdict:
            engine.finish(reserved, cast("Any", verdict))
    kept = {name for name, run in ids.items() if engine.client.exists(engine.store.key("out", run))}
    assert kept == {"failed", "live"}
    assert engine.client.hget(engine.store.key("meta"), "output_bytes") == b"200"
    assert engine.members("outputs") == {ids["failed"], ids["live"]}


def test_cancelling_what_does_not_run_ends_it(engine: Engine) -> None:
    run_id = engine.fired("b/x", T0)
    assert engine.runs.cancel(run_id, "ana") == "CANCELLED"
    (record,) = engine.last("b/x")
    assert (record["state"], record["reason"], record["by"]) == ("cancelled", "cancelled by ana", "ana")
    assert engine.runs.cancel(run_id, "ana") == "ALREADY"
    assert engine.reserve() == []


def test_cancelling_what_runs_tells_its_worker(engine: Engine) -> None:
    reserved = engine.running()
    assert engine.runs.cancel(reserved.run_id, "ana") == "STOPPING"
    message = unpack(cast("bytes", engine.client.lpop(engine.store.key("ctl", "w1"))))
    assert message == {"cancel": reserved.run_id, "token": reserved.token}
    assert engine.runs.beat("w1", 30_000).cancel == [reserved.run_id]
    assert engine.runs.cancel(reserved.run_id, "ana") == "ALREADY"
    engine.finish(reserved, "cancelled", reason="cancelled by ana")
    assert engine.last("b/x")[0]["state"] == "cancelled"


def test_cancelling_what_never_was(engine: Engine) -> None:
    assert engine.runs.cancel("b/x@never", "ana") == "UNKNOWN"


def test_a_cancelled_run_that_succeeded_first_succeeded(engine: Engine) -> None:
    reserved = engine.running()
    engine.runs.cancel(reserved.run_id, "ana")
    engine.finish(reserved, "ok")
    assert engine.last("b/x")[0]["state"] == "ok"


def test_by_hand_past_an_unfinished_run_unless_asked(engine: Engine) -> None:
    engine.runs.start_run("b/x", by="ana")
    engine.runs.start_run("b/x", by="ana")
    with pytest.raises(errors.Refused, match="has not finished"):
        engine.runs.start_run("b/x", by="ana", respect_overlap=True)


def test_by_hand_under_a_hold_only_by_force(engine: Engine) -> None:
    engine.hold("job:b/x", 0)
    with pytest.raises(errors.Refused, match="paused by ana: holiday"):
        engine.runs.start_run("b/x", by="ana")
    assert engine.runs.start_run("b/x", by="ana", force=True)


def test_by_hand_what_is_disabled_only_by_force(engine: Engine) -> None:
    engine.define("b/x", enabled=False)
    with pytest.raises(errors.Refused, match="disabled"):
        engine.runs.start_run("b/x", by="ana")
    assert engine.runs.start_run("b/x", by="ana", force=True)


def test_by_hand_what_does_not_exist(engine: Engine) -> None:
    with pytest.raises(errors.UsageError, match="no job b/nope"):
        engine.runs.start_run("b/nope", by="ana")
