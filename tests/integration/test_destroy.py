"""Runs removed for good, from every state they can be in."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard import Client, errors
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.calls.wire import unpack
from jobboard.store.runs import destroy as destroying
from jobboard.store.runs import marks, past, pushes, retries
from jobboard.store.runs.destroy import destroy
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

BY = {"actor": "ana", "reason": "it held a secret"}


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A namespace with a worker; it holds together when the test is over."""
    built = Engine(store)
    built.worker()
    yield built
    assert fsck.check(store) == []


def start(engine: Engine, address: str = "b/x", **spec: Any) -> Record:
    engine.define(address, **spec)
    return known(engine, engine.runs.start_run(address, by="ana"))


def known(engine: Engine, run_id: str) -> Record:
    found = past.read_run(engine.store, run_id)
    assert found is not None
    return found


def over(engine: Engine, address: str = "b/x", verdict: Any = "failed") -> Record:
    run = start(engine, address)
    reserved = engine.reserve_one()
    engine.runs.output(run.run_id, reserved.token, 1, [b"password"])
    engine.finish(reserved, verdict)
    return known(engine, run.run_id)


def named(engine: Engine, run_id: str) -> list[str]:
    """The keys that still hold something of a run, but for what was told of it and to its worker."""
    store, found = engine.store, []
    for key in store.client.scan_iter(match=f"{store.key('')}*"):
        word = key.decode().removeprefix(store.key(""))
        if word.partition(":")[0] not in (
            "audit",
            "events",
            "worker",
            "ctl",
        ) and run_id.encode() in key + store.client.dump(key):
            found.append(word)
    return found


@pytest.mark.parametrize("verdict", ["ok", "failed", "cancelled"])
def test_of_a_run_that_is_over_nothing_is_left(engine: Engine, verdict: str) -> None:
    run, other = over(engine, verdict=verdict), over(engine, "b/y")
    marks.mark(engine.store, run, by=BY, add=["acme"], tracked=True)
    assert named(engine, run.run_id)
    assert destroy(engine.store, run, by=BY).outcome == "destroyed"
    assert named(engine, run.run_id) == []
    assert known(engine, other.run_id).state == "failed"


def test_every_record_of_a_run_that_was_retried_goes(engine: Engine) -> None:
    run = over(engine)
    for _ in range(past.KEPT_BY_JOB + 2):
        retries.retry_one(engine.store, run, by="ana")
        engine.finish(engine.reserve_one(), "failed", reason="exit 3")
    done = destroy(engine.store, known(engine, run.run_id), by=BY)
    assert (done.outcome, done.complete) == ("destroyed", True)
    assert named(engine, run.run_id) == []


@pytest.mark.parametrize("state", ["queued", "delayed", "waiting", "blocked"])
def test_what_has_not_started_is_gone_and_whoever_waits_for_it_hears(engine: Engine, state: str) -> None:
    start(engine, "b/holder", locks={"db": 1}, queue="side")
    engine.worker("w2", "side")
    held = engine.reserve_one("w2", "side")
    run = start(engine, locks={"db": 1} if state == "waiting" else {})
    if state == "waiting":
        engine.reserve()
    elif state == "delayed":
        engine.finish(engine.reserve_one(), "retry", delay_ms=60_000)
    elif state == "blocked":
        pushes.depend(engine.store, run.run_id, add=[held.run_id])
    child = start(engine, "b/child")
    pushes.depend(engine.store, child.run_id, add=[run.run_id])
    assert destroy(engine.store, known(engine, run.run_id), by=BY).outcome == "destroyed"
    engine.runs.tick("s1")
    assert known(engine, child.run_id).reason == f"after: {run.run_id} cancelled"
    assert past.read_run(engine.store, run.run_id) is None
    assert engine.members("live", "b/x") == set()


def test_what_runs_is_left_alone_unless_forced(engine: Engine) -> None:
    run = start(engine)
    reserved = engine.reserve_one()
    engine.runs.output(run.run_id, reserved.token, 1, [b"password"])
    marks.mark(engine.store, run, by=BY, tracked=True)
    assert destroy(engine.store, run, by=BY).outcome == "running"
    assert destroy(engine.store, run, by=BY, force=True).outcome == "stopping"
    assert engine.state(run.run_id) == "stopping"
    assert engine.runs.beat("w1", 30_000).cancel == [run.run_id]
    engine.finish(reserved, "cancelled")
    assert named(engine, run.run_id) == []
    # A result that was on its way is fenced off as any late one is.
    assert engine.finish(reserved) == "FENCED"


def test_one_that_is_being_stopped_is_destroyed_by_force(engine: Engine) -> None:
    run = start(engine)
    reserved = engine.reserve_one()
    engine.runs.cancel(run.run_id, "ana")
    assert destroy(engine.store, run, by=BY).outcome == "running"
    assert destroy(engine.store, run, by=BY, force=True).outcome == "stopping"
    engine.runs.lost("w1")
    assert named(engine, reserved.run_id) == []


def test_its_id_may_be_pushed_again(engine: Engine) -> None:
    parcel = make_parcel(engine.store, queue="common", keys={"run": "true"}, id="1")
    (run,) = pushes.push(engine.store, [parcel], by="ana")
    engine.finish(engine.reserve_one())
    destroy(engine.store, known(engine, run.run_id), by=BY)
    (again,) = pushes.push(engine.store, [parcel], by="ana")
    assert again.outcome == "pushed"


def test_the_next_in_line_gets_its_turn(engine: Engine) -> None:
    engine.define("b/x", overlap="queue")
    first, second = engine.fired("b/x", 1_000_000), engine.fired("b/x", 2_000_000)
    destroy(engine.store, known(engine, first), by=BY)
    assert engine.state(second) == "queued"


def test_a_repeat_of_the_call_finds_what_it_did(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = over(engine)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "m")
    for _ in range(2):
        assert destroy(engine.store, run, by=BY).outcome == "destroyed"
    monkeypatch.undo()
    assert destroy(engine.store, run, by=BY).outcome == "unknown"


def test_several_go_with_one_look_through_the_past(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [over(engine, f"b/{name}") for name in ("x", "y", "z")]
    left = over(engine, "b/w")
    running = start(engine)
    engine.reserve()
    words = [run.run_id for run in (*runs, running, runs[0])]
    assert jobboard(store, "destroy", *words, "--auto-approve") == errors.Refused.exit_code
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("is gone.") for line in lines] == [True, True, True, False]
    assert "--force" in lines[-1]
    assert [named(engine, run.run_id) for run in runs] == [[], [], []]
    assert known(engine, left.run_id).state == "failed"
    engine.runs.lost("w1")


def test_it_says_when_the_past_is_longer_than_what_was_looked_through(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = over(engine)
    over(engine, "b/y")
    monkeypatch.setattr(destroying, "PAGE", 1)
    monkeypatch.setattr(destroying, "MOST", 1)
    assert not destroy(engine.store, run, by=BY).complete


def test_the_audit_says_who_and_why(engine: Engine) -> None:
    run = over(engine)
    destroy(engine.store, run, by=BY)
    ((_, entry),) = cast("Any", engine.client.xrevrange(engine.store.key("audit"), count=1))
    assert (entry[b"what"], entry[b"subject"].decode()) == (b"destroy", run.run_id)
    assert unpack(entry[b"by"])["reason"] == "it held a secret"


def test_the_command_line_asks_and_says(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = over(engine), over(engine)
    assert jobboard(store, "destroy", "x") == 64
    assert "jobboard runs x" in capsys.readouterr().err
    assert jobboard(store, "destroy", run.run_id) == 64
    assert "--auto-approve" in capsys.readouterr().err
    assert told(store, capsys, "destroy", run.run_id, "--auto-approve") == f"{run.run_id} is gone.\n"
    said = asked(store, capsys, "destroy", other.run_id, "--auto-approve")
    assert said == {"runs": [{"run": other.run_id, "outcome": "destroyed", "complete": True}]}
    running = start(engine)
    engine.reserve()
    assert jobboard(store, "destroy", running.run_id, "--auto-approve") == errors.Refused.exit_code
    assert "jobboard cancel" in capsys.readouterr().err
    assert "being stopped" in told(store, capsys, "destroy", running.run_id, "--force", "--auto-approve")
    engine.runs.lost("w1")


def test_a_program_does_it_too(engine: Engine, store: Store) -> None:
    run = over(engine)
    running = start(engine)
    engine.reserve()
    with Client(store.url, store.namespace, actor="ana") as client:
        assert client.destroy(run.run_id, reason="wrong input")
        with pytest.raises(errors.Refused, match="runs"):
            client.destroy(running.run_id)
        assert client.destroy(running.run_id, force=True)
    engine.runs.lost("w1")
