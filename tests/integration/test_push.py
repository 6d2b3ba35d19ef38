"""One-off runs: made once, read their payload, wait for instants and for other runs, expire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit import work
from kit.commandline import asked, jobboard, told
from kit.engine import MINUTE, Engine

from jobboard import errors
from jobboard.cli.main import main
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.runs import config, past, pushes
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


T0 = 1_800_000_000_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine.at_work(store)


def push(engine: Engine, **more: Any) -> str:
    """Push a command to ``common``; the run's id."""
    return pushed(engine, **more).run_id


def pushed(engine: Engine, **more: Any) -> pushes.Pushed:
    keys = more.pop("keys", {"run": "true"})
    parcel = make_parcel(engine.store, queue=None if "job" in more else "common", keys=keys, **more)
    (made,) = pushes.push(engine.store, [parcel], by="ana")
    assert fsck.check(engine.store) == []
    return made


def _known(engine: Engine) -> set[str]:
    return engine.members("pushed")


def reason(engine: Engine, run_id: str) -> tuple[str, str | None]:
    run = past.read_run(engine.store, run_id)
    assert run is not None
    return run.state, run.reason


def test_a_command_runs_once_with_its_payload(store: Store, tmp_path: Path) -> None:
    with work.working(store, tmp_path):
        (made,) = pushes.push(
            store,
            [
                make_parcel(
                    store,
                    queue="common",
                    keys={"run": 'cat; echo " $JOBBOARD_PAYLOAD"'},
                    payload="${env:HOME} 7",
                )
            ],
            by="ana",
        )
        assert work.finished(store, made.run_id)["state"] == "ok"
    assert work.output(store, made.run_id) == b"${env:HOME} 7 ${env:HOME} 7\n"
    assert fsck.check(store) == []


def test_a_large_payload_is_on_standard_input_alone(engine: Engine) -> None:
    push(engine, payload="x" * 5000)
    spec = engine.reserve_one().spec
    assert len(spec["stdin"]) == 5000
    assert "env" not in spec
    with pytest.raises(errors.UsageError, match="may have"):
        push(engine, payload="x" * (1 << 21))


def test_a_job_runs_with_a_payload_and_another_priority(engine: Engine) -> None:
    engine.define("b/x", timeout=5000, labels={"a": "b"})
    run_id = push(engine, job="b/x", keys={"priority": 7}, payload="hi", id="mine")
    assert run_id == "b/x@mine"
    reserved = engine.reserve_one()
    assert (reserved.spec["timeout"], reserved.spec["stdin"], reserved.spec["priority"]) == (5000, "hi", 7)
    assert engine.finish(reserved) == "FINISHED"


def test_priority_goes_first(engine: Engine) -> None:
    late, first = push(engine), push(engine, keys={"run": "true", "priority": 5})
    assert [run.run_id for run in engine.reserve()] == [first, late]


def test_the_same_id_is_one_run_while_it_lives_and_after(engine: Engine) -> None:
    assert pushed(engine, id="a") == pushes.Pushed("push/common@a", "pushed")
    assert pushed(engine, id="a").outcome == "already"
    engine.finish(engine.reserve_one())
    assert pushed(engine, id="a").outcome == "already"
    assert engine.reserve() == []


def test_an_id_is_known_however_many_runs_came_after_it(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0)
    pushed(engine, id="a")
    pushed(engine, id="late", delay_ms=DAY)
    engine.finish(engine.reserve_one())
    for _ in range(25):
        push(engine)
        engine.finish(engine.reserve_one())
    clock.advance(14 * DAY - MINUTE)
    assert pushed(engine, id="a").outcome == "already"
    clock.advance(2 * MINUTE)
    engine.runs.tick("s1")
    assert _known(engine) == {"push/common@late"}
    assert pushed(engine, id="a").outcome == "pushed"


def test_how_long_an_id_is_known_can_be_set(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0)
    config.configure(engine.store, "ids", 60 * DAY, by={"actor": "ana", "via": "cli"})
    pushed(engine, id="a")
    engine.finish(engine.reserve_one())
    clock.advance(60 * DAY - MINUTE)
    assert pushed(engine, id="a").outcome == "already"


def test_ids_are_forgotten_a_page_at_a_time(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0)
    engine.client.zadd(engine.store.key("pushed"), {f"push/common@{n}": T0 - 1 for n in range(300)})
    push(engine)
    assert len(_known(engine)) == 300 - 16 + 1
    engine.runs.tick("s1")
    assert len(_known(engine)) == 300 - 16 + 1 - 200


@pytest.mark.parametrize("more", [{}, {"id": "a"}, {"id": "a", "replace": True}])
def test_a_call_whose_reply_got_lost_makes_nothing_twice(engine: Engine, more: dict[str, Any]) -> None:
    made = make_parcel(engine.store, queue="common", keys={"run": "true"}, **more)
    parcel = pushes.packed_parcel(made, "ana")
    assert engine.store.call("push", parcels=[parcel])[2] == [["PUSHED", parcel["id"]]]
    engine.finish(engine.reserve_one())
    for _ in range(25):
        push(engine)
        engine.finish(engine.reserve_one())
    assert engine.store.call("push", parcels=[parcel])[2][0][0] in ("PUSHED", "ALREADY")
    assert engine.reserve() == []
    # Who means to run it once more says so anew.
    if "replace" in more:
        assert pushed(engine, **more).outcome == "pushed"


def test_replacing_takes_the_place_of_what_has_not_started(engine: Engine) -> None:
    push(engine, id="a", payload="old", delay_ms=MINUTE)
    assert pushed(engine, id="a", payload="new", replace=True).outcome == "replaced"
    assert engine.reserve_one().spec["stdin"] == "new"
    with pytest.raises(errors.Refused, match="has started"):
        pushed(engine, id="a", replace=True)


def test_what_is_replaced_is_still_awaited(engine: Engine) -> None:
    first = push(engine, id="a")
    second = push(engine, after=(first,))
    push(engine, id="a", replace=True)
    engine.finish(engine.reserve_one())
    assert engine.reserve_one().run_id == second


@pytest.mark.parametrize("way", ["delay", "instant"])
def test_it_waits_for_its_instant(engine: Engine, clock: StoreClock, way: str) -> None:
    clock.set(1_800_000_000_000)
    when: dict[str, Any] = {"delay_ms": MINUTE} if way == "delay" else {"at": "2027-01-15T08:01:00Z"}
    run_id = push(engine, **when)
    assert engine.state(run_id) == "delayed"
    assert engine.reserve() == []
    clock.advance(MINUTE + 1)
    engine.runs.tick("s1")
    assert engine.reserve_one().run_id == run_id


@pytest.mark.parametrize("kept", ["queued", "delayed", "blocked"])
def test_it_expires_unstarted(engine: Engine, clock: StoreClock, kept: str) -> None:
    more: dict[str, Any] = {"delay_ms": 10 * MINUTE} if kept == "delayed" else {}
    if kept == "blocked":
        more["after"] = (push(engine, keys={"run": "true", "queue": "side"}, delay_ms=10 * MINUTE),)
    run_id = push(engine, expires_in_ms=MINUTE, **more)
    assert engine.state(run_id) == kept
    assert engine.runs.tick("s1").next_at_ms is not None
    clock.advance(MINUTE)
    engine.runs.tick("s1")
    assert reason(engine, run_id) == ("skipped", "expired")
    assert fsck.check(engine.store) == []


def test_an_expired_run_is_not_handed_out_even_before_anybody_ticks(
    engine: Engine, clock: StoreClock
) -> None:
    run_id = push(engine, expires_in_ms=MINUTE)
    clock.advance(MINUTE)
    assert engine.reserve() == []
    engine.runs.tick("s1")
    assert reason(engine, run_id) == ("skipped", "expired")


def test_what_has_started_does_not_expire(engine: Engine, clock: StoreClock) -> None:
    run_id = push(engine, expires_in_ms=MINUTE)
    reserved = engine.reserve_one()
    clock.advance(MINUTE)
    engine.runs.tick("s1")
    assert engine.finish(reserved, "retry", delay_ms=0) == "RETRIED"
    engine.runs.tick("s1")
    assert engine.reserve_one().run_id == run_id


def test_it_waits_for_other_runs(engine: Engine) -> None:
    first, second = push(engine), push(engine)
    third = push(engine, after=(first, second))
    assert engine.state(third) == "blocked"
    for reserved in engine.reserve():
        assert engine.state(third) == "blocked"
        engine.finish(reserved)
    assert engine.reserve_one().run_id == third
    assert fsck.check(engine.store) == []


def test_it_does_not_wait_for_what_has_ended_ok(engine: Engine) -> None:
    first = push(engine)
    engine.finish(engine.reserve_one())
    push(engine, after=(first,))
    engine.reserve_one()


def test_a_chain_is_skipped_when_its_first_fails(engine: Engine) -> None:
    first = push(engine)
    second = push(engine, after=(first,))
    third = push(engine, after=(second,))
    engine.finish(engine.reserve_one(), "failed")
    engine.runs.tick("s1")
    engine.runs.tick("s1")
    assert reason(engine, second) == ("skipped", f"after: {first} failed")
    assert reason(engine, third) == ("skipped", f"after: {second} skipped")
    assert fsck.check(engine.store) == []


def test_needs_are_added_and_removed_while_it_waits(engine: Engine) -> None:
    first, second = push(engine, delay_ms=MINUTE), push(engine)
    assert pushes.depend(engine.store, second, add=[first]) == "blocked"
    with pytest.raises(errors.Refused, match="wait for itself"):
        pushes.depend(engine.store, first, add=[second])
    assert engine.reserve() == []
    assert pushes.depend(engine.store, second, remove=[first]) == "queued"
    assert engine.reserve_one().run_id == second
    with pytest.raises(errors.Refused, match="has started"):
        pushes.depend(engine.store, second, add=[first])
    assert fsck.check(engine.store) == []


def test_what_cannot_be_waited_for_is_refused(engine: Engine) -> None:
    with pytest.raises(errors.UsageError, match="nothing is known"):
        push(engine, after=("push/common@nobody",))
    first = push(engine)
    engine.finish(engine.reserve_one(), "failed")
    with pytest.raises(errors.Refused, match="not ok"):
        push(engine, after=(first,))


def test_a_blocked_run_can_be_called_off(engine: Engine) -> None:
    first = push(engine)
    second = push(engine, after=(first,))
    assert engine.runs.cancel(second, "ana") == "CANCELLED"
    engine.finish(engine.reserve_one())
    assert engine.reserve() == []
    assert fsck.check(engine.store) == []


def test_fsck_mends_a_run_that_nobody_would_wake(engine: Engine) -> None:
    first = push(engine)
    second = push(engine, after=(first,))
    engine.client.delete(engine.store.key("run", first), engine.store.key("awaited", first))
    assert any("will not tell it" in problem.words for problem in fsck.check(engine.store))
    fsck.repair(engine.store)
    fsck.repair(engine.store)
    assert fsck.check(engine.store) == []
    assert engine.state(second) == "queued"


def test_what_says_when_a_job_runs_is_refused(engine: Engine) -> None:
    with pytest.raises(errors.UsageError, match="runs once"):
        push(engine, keys={"run": "true", "every": "5m"})
    with pytest.raises(errors.UsageError, match="nothing to run"):
        push(engine, keys={})


def test_from_the_command_line(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--redis", store.url, "--namespace", store.namespace, "-o", "json")
    assert main([*place, "push", "common", "--id", "one", "--tag", "t", "--", "echo", "-h", "hi"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": "push/common@one", "outcome": "pushed"}
    second = told(store, capsys, "push", "common", "--run", "ls | wc", "--after", "push/common@one").strip()
    run_id = told(store, capsys, "push", "common", "--delay", "1h", "--set", "timeout=5m", "--run", "true")
    assert asked(store, capsys, "show", run_id.strip())["state"] == "delayed"
    assert "waiting for push/common@one" in told(store, capsys, "why", second)
    assert "waiting for push/common@one" in told(store, capsys, "runs")
    assert told(store, capsys, "depend", second, "--off", "push/common@one") == f"{second} is queued\n"
    assert jobboard(store, "push", "common") == 64
    assert jobboard(store, "push", "common", "--id", "one", "--run", "true") == 0
    assert "left alone" in capsys.readouterr().err
    assert jobboard(store, "push", "gpu", "--id", "two", "--run", "true") == 0
    pushed = capsys.readouterr()
    assert pushed.out == "push/gpu@two\n"
    assert 'No worker serves queue "gpu"' in pushed.err
    assert "jobboard worker --queue gpu" in pushed.err
    assert "hi" in told(store, capsys, "show", "push/common@one")


def test_payload_priority_and_expiry_from_the_command_line(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--payload", "hi", "--priority", "7", "--expires", "1h", "--run", "cat")
    run_id = told(engine.store, capsys, "push", "common", *words).strip()
    assert engine.client.zscore(engine.store.key("expiry"), run_id) is not None
    told(engine.store, capsys, "push", "common", "--priority", "8", "--run", "first")
    first, second = engine.reserve()
    assert first.spec["command"] == {"run": "first"}
    assert (second.run_id, second.spec["stdin"], second.spec["priority"]) == (run_id, "hi", 7)


def test_no_board_takes_a_reserved_name(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "push.yaml"
    board.write_text("board: push\njobs:\n  a:\n    run: 'true'\n", encoding="utf-8")
    assert jobboard(store, "lint", str(board)) == 65
    assert "board of what is on no board" in capsys.readouterr().out
