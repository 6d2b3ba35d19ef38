"""Runs that are over run again: under their own id, with what is told of them and of their dependents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard import Client
from jobboard.core.runs.record import Record
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.runs import past, pushes, retries
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

NOMINAL = 1_000_000
RUN = "b/x@1970-01-01T00:16:40Z"


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


def failed(engine: Engine, address: str = "b/x", nominal: int = NOMINAL, **spec: Any) -> str:
    """A scheduled run that fails; its id."""
    if spec or address not in engine.epochs:
        engine.define(address, **spec)
    run_id = engine.fired(address, nominal)
    engine.finish(engine.reserve_one(), "failed", exit_code=3, reason="exit 3", group="disk full")
    return run_id


def again(engine: Engine, *run_ids: str, **how: Any) -> list[str]:
    """Retry them; the outcomes."""
    runs = [retries.Failure(Record(run_id.partition("@")[0], "failed", 0, run_id)) for run_id in run_ids]
    return [one.outcome for one in retries.retry(engine.store, runs, by="ana", **how)]


def run_ids(runs: Sequence[Any]) -> list[str]:
    return [run.run_id for run in runs]


def test_a_failed_run_runs_again_as_its_next_attempt(engine: Engine) -> None:
    run_id = failed(engine)
    assert again(engine, run_id, reason="mended") == ["retried"]
    reserved = engine.reserve_one()
    assert (reserved.run_id, reserved.nominal_ms, reserved.attempt) == (run_id, NOMINAL, 2)
    assert reserved.trigger == "schedule"
    engine.finish(reserved)
    record = past.last_records(engine.store, "b/x")[0]
    assert (record.state, record.attempt) == ("ok", 2)
    (before,) = record.tries
    assert (before.state, before.reason, before.again_by) == ("failed", "exit 3", "ana")
    assert before.again_reason == "mended"
    assert fsck.check(engine.store) == []


def test_a_run_that_never_started_uses_up_no_attempt(engine: Engine) -> None:
    engine.define("b/x")
    run_id = engine.fired("b/x", NOMINAL)
    engine.runs.cancel(run_id, "ana")
    assert again(engine, run_id) == ["retried"]
    assert engine.reserve_one().attempt == 1


def test_what_is_not_to_be_retried_is_left_alone(engine: Engine) -> None:
    run_id = failed(engine)
    again(engine, run_id)
    assert again(engine, run_id) == ["live"]
    engine.finish(engine.reserve_one())
    assert again(engine, run_id) == ["well"]
    assert again(engine, "b/x@nowhere") == ["unknown"]
    gone = failed(engine, "b/gone")
    engine.remove("b/gone")
    assert again(engine, gone) == ["gone"]


def test_a_disabled_job_is_retried_by_force_alone(engine: Engine) -> None:
    run_id = failed(engine)
    engine.define("b/x", enabled=False)
    assert again(engine, run_id) == ["disabled"]
    assert again(engine, run_id, force=True) == ["retried"]


def test_a_call_whose_answer_was_lost_retries_nothing_twice(engine: Engine) -> None:
    run_id = failed(engine)
    asked_twice: dict[str, Any] = {"runs": [[run_id, False]], "by": "ana", "reason": "", "mark": "m"}

    def ask() -> Any:
        return engine.store.call("retry", **asked_twice, force=False)[2]

    assert ask() == [["RETRIED", "queued"]]
    assert ask() == [["ALREADY", "queued"]]
    engine.finish(engine.reserve_one(), "failed")
    assert ask() == [["ALREADY", "failed"]]


def test_the_present_definition_is_what_runs(engine: Engine) -> None:
    run_id = failed(engine)
    engine.define("b/x", command={"run": "mended"}, queue="slow")
    again(engine, run_id)
    engine.worker("w2", "slow")
    assert engine.reserve_one("w2", "slow").spec["command"] == {"run": "mended"}


def test_several_of_one_job_run_one_after_another(engine: Engine) -> None:
    ids = [failed(engine, nominal=NOMINAL + i * 60_000) for i in range(3)]
    assert again(engine, *ids) == ["retried"] * 3
    for run_id in ids:
        reserved = engine.reserve_one()
        assert reserved.run_id == run_id
        engine.finish(reserved)
    assert fsck.check(engine.store) == []


def test_where_overlap_is_allowed_they_run_at_once(engine: Engine) -> None:
    engine.define("b/x", overlap="allow")
    ids = [failed(engine, nominal=NOMINAL + i * 60_000) for i in range(3)]
    again(engine, *ids)
    assert run_ids(engine.reserve()) == ids


def test_what_a_pushed_run_read_is_kept_for_its_retry(engine: Engine) -> None:
    parcel = make_parcel(engine.store, queue="common", keys={"run": "cat"}, payload="hello")
    (pushed,) = pushes.push(engine.store, [parcel], by="ana")
    engine.finish(engine.reserve_one(), "failed")
    assert again(engine, pushed.run_id) == ["retried"]
    reserved = engine.reserve_one()
    assert (reserved.run_id, reserved.spec["stdin"]) == (pushed.run_id, "hello")
    engine.finish(reserved, "failed")
    assert again(engine, pushed.run_id) == ["retried"]


def test_what_was_pushed_with_too_much_to_keep_is_refused(engine: Engine) -> None:
    parcel = make_parcel(engine.store, queue="common", keys={"run": "cat"}, payload="x" * 20_000)
    (pushed,) = pushes.push(engine.store, [parcel], by="ana")
    engine.finish(engine.reserve_one(), "failed")
    assert again(engine, pushed.run_id) == ["heavy"]


def test_output_of_all_attempts_is_kept_while_it_lives(engine: Engine) -> None:
    engine.define("b/x")
    run_id = engine.fired("b/x", NOMINAL)
    reserved = engine.reserve_one()
    engine.runs.output(run_id, reserved.token, 1, [b"one\n"])
    engine.finish(reserved, "failed")
    again(engine, run_id)
    assert engine.client.zscore(engine.store.key("outputs"), run_id) == 9007199254740991
    assert fsck.check(engine.store) == []


# ---- Dependents


def test_what_was_skipped_for_the_failure_runs_after_a_good_retry(engine: Engine) -> None:
    engine.define("b/child", after=["b/x"])
    engine.define("b/grandchild", after=["b/child"])
    run_id = failed(engine)
    assert [record["state"] for record in engine.last("b/child")] == ["skipped"]
    again(engine, run_id)
    engine.finish(engine.reserve_one())
    child = engine.reserve_one()
    assert child.run_id == run_id.replace("b/x", "b/child")
    engine.finish(child)
    assert engine.reserve_one().address == "b/grandchild"


def test_a_retry_that_fails_tells_nobody_twice(engine: Engine) -> None:
    engine.define("b/child", after=["b/x"])
    run_id = failed(engine)
    again(engine, run_id)
    engine.finish(engine.reserve_one(), "failed")
    (record,) = engine.last("b/child")
    assert record["count"] == 1


def test_what_ran_for_the_failure_does_not_run_again(engine: Engine) -> None:
    engine.define("b/child", after=["b/x"], on={"b/x": "finished"})
    run_id = failed(engine)
    engine.finish(engine.reserve_one())
    again(engine, run_id)
    engine.finish(engine.reserve_one())
    assert engine.reserve() == []
    assert [record["state"] for record in engine.last("b/child")] == ["ok"]


@pytest.mark.parametrize("other_first", [True, False])
def test_a_join_is_released_by_the_retry_of_the_parent_that_failed(
    engine: Engine, *, other_first: bool
) -> None:
    engine.define("b/join", after=["b/x", "b/y"])
    engine.define("b/y", queue="side")
    engine.worker("w2", "side")
    run_id = failed(engine)
    engine.fired("b/y", NOMINAL)
    (other,) = engine.reserve("w2", "side")
    if other_first:
        engine.finish(other, name="w2")
    again(engine, run_id)
    engine.finish(engine.reserve_one())
    if not other_first:
        assert engine.reserve() == []
        engine.finish(other, name="w2")
    joined = engine.reserve_one()
    assert joined.address == "b/join"
    engine.finish(joined)
    assert fsck.check(engine.store) == []


def test_a_run_by_hand_takes_its_dependents_along_again(engine: Engine) -> None:
    engine.define("b/x")
    engine.define("b/child", after=["b/x"])
    run_id = engine.runs.start_run("b/x", by="ana", with_dependents=True)
    engine.finish(engine.reserve_one(), "failed")
    again(engine, run_id)
    engine.finish(engine.reserve_one())
    assert engine.reserve_one().address == "b/child"


# ---- The command


def test_one_is_named_and_followed(store: Store, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = failed(engine)
    assert told(store, capsys, "retry", "b/x", "--reason", "mended").splitlines() == [
        f"{run_id} is queued.",
        f"jobboard logs -f {run_id}",
    ]
    engine.finish(engine.reserve_one())
    shown = told(store, capsys, "show", run_id)
    assert "retried by ana: mended" in shown
    assert asked(store, capsys, "show", run_id)["tries"][0]["retried_by"] == "ana"
    assert jobboard(store, "retry", run_id) == 5
    assert "jobboard run b/x" in capsys.readouterr().err


def test_all_of_a_group_are_retried_oldest_first(
    store: Store, engine: Engine, capsys: pytest.CaptureFixture[str], clock: StoreClock
) -> None:
    failed(engine, "b/early")
    clock.advance(3_600_000)
    ids = [failed(engine, f"b/{name}", NOMINAL + 60_000 * i) for i, name in enumerate("zy")]
    engine.define("b/other")
    engine.fired("b/other", NOMINAL)
    engine.finish(engine.reserve_one(), "failed", reason="exit 4")
    words = ["retry", "--all", "--group", "disk full", "--since", "30m"]
    assert jobboard(store, *words) == 64
    assert "This retries 2 runs" in capsys.readouterr().err
    assert engine.reserve() == []
    said = asked(store, capsys, *words, "--auto-approve")
    assert [one["run"] for one in said["runs"]] == ids
    assert run_ids(engine.reserve()) == ids
    assert told(store, capsys, *words, "--auto-approve").startswith("No such run")


def test_what_could_not_be_is_said_and_told_by_the_exit_code(
    store: Store, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    failed(engine, "b/x")
    gone = failed(engine, "b/gone")
    engine.remove("b/gone")
    assert jobboard(store, "retry", "--all", "--auto-approve") == 5
    out = capsys.readouterr().out
    assert "1 run retried." in out
    assert f"{gone} not: it is of a job that is not there any more." in out


def test_hundreds_go_in_pages(store: Store, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.define("b/x", overlap="allow")
    for i in range(120):
        engine.fired("b/x", NOMINAL + i * 60_000)
    while reserved := engine.reserve(limit=50):
        for run in reserved:
            engine.finish(run, "failed", reason="exit 1")
    assert "120 runs retried." in told(store, capsys, "retry", "--all", "--job", "x", "--auto-approve")
    assert len(engine.members("live", "b/x")) == 120


@pytest.mark.parametrize("words", [[], ["x", "--all"], ["x", "--group", "g"], ["--since", "2h"]])
def test_what_makes_no_sense_is_a_usage_error(store: Store, words: list[str]) -> None:
    assert jobboard(store, "retry", *words) == 64


def test_a_program_retries_too(store: Store, engine: Engine) -> None:
    run_id = failed(engine)
    with Client(store.url, store.namespace, actor="shop") as client:
        assert client.retry("b/x", reason="mended") is True
        assert client.retry("b/x") is False
    ((_, entry),) = cast("Any", engine.client.xrevrange(store.key("audit"), count=1))
    assert entry[b"subject"] == run_id.encode()
