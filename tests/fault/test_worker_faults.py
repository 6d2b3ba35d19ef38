"""Runner, agent and guard killed; the store gone, hung, full or flushed, under a worker that has work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import events_of, wait_for_event
from kit.work import (
    board,
    finished,
    output,
    placed,
    running_with,
    start,
    until,
    word_of,
    working,
    working_process,
)

from jobboard import errors
from jobboard.daemon.agent.guard import REPORTED
from jobboard.daemon.system import linux
from jobboard.daemon.worker.process import _legible
from jobboard.daemon.worker.spool import Spool, folder_of
from jobboard.store.runs.runs import Runs
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kit.server import Server

    from jobboard.store.calls.connect import Store

GONE_WITHIN_S = 2.0
SHORT_LEASE_MS = 1500


@pytest.fixture(autouse=True)
def holds_together(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever was killed: nothing in the store contradicts anything else afterwards."""
    stores = [request.getfixturevalue(n) for n in ("store", "own_store") if n in request.fixturenames]
    yield
    for store in stores:
        assert fsck.check(store) == []


def run(text: str, **fields: Any) -> dict[str, Any]:
    return {"command": {"run": text}, **fields}


def family(runner: int) -> tuple[int, int]:
    """Guard and agent of a runner."""
    (guard,) = [pid for pid, process in linux.processes().items() if process.parent == runner]
    table = linux.processes()
    (agent,) = [pid for pid, process in table.items() if process.parent == guard]
    return guard, agent


def kill_at_once(child: subprocess.Popen[bytes], who: str) -> None:
    """Kill some of runner, guard and agent before any of the others can act on it."""
    guard, agent = family(child.pid)
    pids = {"runner": child.pid, "agent": agent, "guard": guard}
    doomed = {pids[name] for name in who.split("+")}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    for pid in set(pids.values()) - doomed:
        os.kill(pid, signal.SIGCONT)


def pause_for_leases(count: int) -> None:
    """Let so much time pass: an outage has no other end than the one we give it."""
    threading.Event().wait(count * SHORT_LEASE_MS / 1000)


def wait_until_up(store: Store, run_id: str) -> None:
    until(lambda: output(store, run_id) == b"up\n")


def ticked(store: Store) -> bool:
    """Do what a scheduler does, whom nothing keeps from reaping workers; whether the store answered."""
    try:
        Runs(store).tick("s")
    except errors.StoreUnreachable:
        return False
    return True


@pytest.mark.parametrize("kind", ["deaf", "daemon", "bare", "closed", "forking"])
@pytest.mark.parametrize("who", ["runner", "agent", "guard", "runner+agent", "runner+guard", "agent+guard"])
def test_whoever_is_killed_trees_end_and_the_run_is_tried_again(
    store: Store, tmp_path: Path, who: str, kind: str
) -> None:
    with working_process(store, tmp_path, lease_ms=60_000) as child:
        run_id = placed(store, kind, kill_after=600_000)
        doomed = running_with(word_of(store))
        kill_at_once(child, who)
        until(lambda: not doomed & running_with(word_of(store)), GONE_WITHIN_S)
        lost = wait_for_event(store, lambda e: e["e"] == "lost" and e["run"] == run_id, GONE_WITHIN_S)
        wait_for_event(store, lambda e: e["e"] == "queued" and e["run"] == run_id, after=lost["id"])
        if "runner" not in who:
            # It goes on with a new agent.
            wait_for_event(store, lambda e: e["e"] == "reserved" and e["run"] == run_id, after=lost["id"])


def test_a_frozen_runner_does_not_keep_runs_with_locks_beyond_the_lease(store: Store, tmp_path: Path) -> None:
    with working_process(store, tmp_path, lease_ms=SHORT_LEASE_MS) as child:
        placed(store, "deaf", locks={"db": 1})
        child.send_signal(signal.SIGSTOP)
        until(lambda: not running_with(word_of(store)), SHORT_LEASE_MS / 1000)
        child.send_signal(signal.SIGCONT)
        wait_for_event(store, lambda e: e["e"] == "lost")


def test_all_three_killed_leave_the_rest_to_the_next_worker_here(store: Store, tmp_path: Path) -> None:
    with working_process(store, tmp_path, lease_ms=60_000) as child:
        run_id = placed(store, "deaf", on_lost="fail")
        kill_at_once(child, "runner+guard+agent")
        child.wait()
    assert running_with(word_of(store))
    with working(store, tmp_path):
        record = finished(store, run_id)
    assert record["state"] == "lost"
    assert not running_with(word_of(store))


def test_a_result_that_was_not_sent_is_sent_by_the_next_worker(store: Store, tmp_path: Path) -> None:
    board(store, {"job": run("true")})
    run_id = start(store, "job")
    runs = Runs(store)
    runs.hello("w.1", host="h", pid=1, queues=["common"], slots=1, lease_ms=60_000, version="0")
    (taken,) = runs.reserve("w.1", ["common"], 1)
    incarnation: Any = store.client.hget(store.key("meta"), "incarnation")
    spool = Spool(tmp_path, store.namespace, incarnation.decode(), "w.1", "1")
    spool.add(
        [
            {
                "run_id": run_id,
                "token": taken.token,
                "verdict": "ok",
                "delay_ms": 0,
                "exit_code": 0,
                "signal": None,
                "reason": "",
                "started_at_ms": None,
                "ended_at_ms": 0,
                "output_bytes": 0,
                "dropped_bytes": 0,
            }
        ]
    )
    os.close(spool._fd)
    with working(store, tmp_path):
        record = finished(store, run_id)
    assert (record["state"], record["worker"]) == ("ok", "w.1")
    assert list(folder_of(tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    ("how", "more"),
    [("hangs", {}), ("killed", {}), ("hangs", {"locks": {"db": 10}, "on_disconnect": "keep"})],
    ids=["hangs", "killed", "kept with locks"],
)
def test_ten_runs_that_are_kept_outlive_three_leases_without_a_store(
    own_server: Server, own_store: Store, tmp_path: Path, how: str, more: dict[str, Any]
) -> None:
    gate = tmp_path / "gate"
    text = f"echo up; until test -e {gate}; do sleep 0.05; done; echo x >> {tmp_path}/$JOBBOARD_QUEUE"
    board(own_store, {f"job{n}": {**run(text), **more} for n in range(10)})
    with working(own_store, tmp_path, slots=10, lease_ms=SHORT_LEASE_MS):
        runs = [start(own_store, f"job{n}") for n in range(10)]
        for run_id in runs:
            wait_until_up(own_store, run_id)
        assert ticked(own_store)
        if how == "hangs":
            own_server.process.send_signal(signal.SIGSTOP)
        else:
            own_server.kill()
        pause_for_leases(3)
        if how == "hangs":
            own_server.process.send_signal(signal.SIGCONT)
        else:
            own_server.start()
        until(lambda: ticked(own_store))
        gate.touch()
        records = [finished(own_store, run_id) for run_id in runs]
    assert {(r["state"], r["attempt"]) for r in records} == {("ok", 1)}
    assert (tmp_path / "common").read_text() == "x\n" * 10
    started = [e["run"] for e in events_of(own_store) if e["e"] == "reserved"]
    assert sorted(started) == sorted(runs)


def ended_while_the_store_is_away(server: Server, store: Store, folder: Path) -> str:
    """A run that starts, loses its store, and ends with 4; its id, once the result is in the spool."""
    gate = folder / "gate"
    board(store, {"job": run(f"echo up; until test -e {gate}; do sleep 0.05; done; echo end; exit 4")})
    run_id = start(store, "job")
    wait_until_up(store, run_id)
    server.kill()
    gate.touch()
    (spool,) = folder_of(folder).iterdir()
    until(lambda: run_id in spool.read_text())
    return run_id


def test_a_result_is_kept_while_the_store_is_away(
    own_server: Server, own_store: Store, tmp_path: Path
) -> None:
    with working(own_store, tmp_path, lease_ms=60_000):
        run_id = ended_while_the_store_is_away(own_server, own_store, tmp_path)
        own_server.start()
        record = finished(own_store, run_id)
    assert (record["state"], record["exit"]) == ("failed", 4)
    assert output(own_store, run_id) == b"up\nend\n"


@pytest.mark.parametrize(
    ("more", "rule"),
    [({"locks": {"db": 1}}, "the run holds locks"), ({"on_disconnect": "kill"}, "on_disconnect says kill")],
    ids=["locks", "on_disconnect"],
)
def test_what_must_not_run_twice_ends_before_the_lease_does(
    own_server: Server, own_store: Store, tmp_path: Path, more: dict[str, Any], rule: str
) -> None:
    with working(own_store, tmp_path, lease_ms=SHORT_LEASE_MS):
        run_id = placed(own_store, "deaf", on_lost="fail", **more)
        own_server.process.send_signal(signal.SIGSTOP)
        until(lambda: not running_with(word_of(own_store)), SHORT_LEASE_MS / 1000)
        own_server.process.send_signal(signal.SIGCONT)
        record = finished(own_store, run_id)
    assert record["state"] == "lost"
    assert record["reason"] == f"the store was out of reach, and {rule}"


def test_a_flushed_store_ends_what_it_no_longer_knows(
    own_server: Server, own_store: Store, tmp_path: Path
) -> None:
    with working(own_store, tmp_path, lease_ms=SHORT_LEASE_MS):
        placed(own_store, "deaf", kill_after=50)
        own_store.client.flushall()
        until(lambda: not running_with(word_of(own_store)))
        board(own_store, {"other": run("true")})
        assert finished(own_store, start(own_store, "other"))["state"] == "ok"


def test_a_full_store_drops_output_and_harms_no_run(
    own_server: Server, own_store: Store, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    board(own_store, {"job": run(f"echo up; until test -e {gate}; do sleep 0.05; done; echo lost")})
    with working(own_store, tmp_path):
        run_id = start(own_store, "job")
        wait_until_up(own_store, run_id)
        own_store.client.config_set("maxmemory", "1mb")
        gate.touch()
        record = finished(own_store, run_id)
        own_store.client.config_set("maxmemory", "0")
    assert record["state"] == "ok"
    assert (record["output_bytes"], record["dropped_bytes"]) == (8, 5)
    assert output(own_store, run_id) == b"up\n"


def test_a_stopped_worker_leaves_what_it_could_not_send(
    own_server: Server, own_store: Store, tmp_path: Path
) -> None:
    with working(own_store, tmp_path, lease_ms=60_000):
        run_id = ended_while_the_store_is_away(own_server, own_store, tmp_path)
    own_server.start()
    with working(own_store, tmp_path):
        assert finished(own_store, run_id)["exit"] == 4
    assert list(folder_of(tmp_path).iterdir()) == []


def test_a_disk_that_is_full_costs_no_result(store: Store, tmp_path: Path) -> None:
    board(store, {"job": run("true")})
    with working_process(store, tmp_path, file_limit_bytes=0):
        record = finished(store, start(store, "job"))
    assert record["state"] == "ok"


def test_who_turns_into_the_survivor_second_still_knows_where_the_store_is(store: Store) -> None:
    about = {"url": store.url, "namespace": store.namespace, "worker": "w.1"}
    shared = _legible(json.dumps(about).encode())
    command = [sys.executable, "-m", "jobboard.daemon.agent.survivor", str(shared)]
    try:
        for _ in range(2):
            assert subprocess.run(command, pass_fds=(shared,), check=False).returncode == REPORTED
    finally:
        os.close(shared)
