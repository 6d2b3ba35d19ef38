from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import wait_for_event
from kit.work import (
    animal,
    board,
    finished,
    most_memory_kib,
    output,
    reserved,
    running_with,
    start,
    until,
    working,
    working_process,
)

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule
from jobboard.daemon.worker.output import HEAD_BYTES, TAIL_BYTES
from jobboard.daemon.worker.serving import Serving
from jobboard.daemon.worker.spool import folder_of
from jobboard.daemon.worker.worker import Worker
from jobboard.store.runs import past
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store


def run(text: str, **fields: Any) -> dict[str, Any]:
    return {"command": {"run": text}, **fields}


def ran(store: Store, home: Path, spec: dict[str, Any], **options: Any) -> tuple[dict[str, Any], bytes]:
    """What became of one run of a job: its record and its output."""
    board(store, {"job": spec})
    with working(store, home, **options):
        run_id = start(store, "job")
        return finished(store, run_id), output(store, run_id)


def test_a_run_succeeds(store: Store, tmp_path: Path) -> None:
    record, text = ran(store, tmp_path, run("echo out; echo err >&2"))
    assert (record["state"], record["exit"], record["output_bytes"]) == ("ok", 0, 8)
    assert text == b"out\nerr\n"
    assert record["queued_at"] <= record["started_at"] <= record["ended_at"]


def test_a_run_fails_with_its_code(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("exit 3"))
    assert (record["state"], record["exit"], record["reason"]) == ("failed", 3, "exit 3")


def test_a_failed_run_is_tried_again(store: Store, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    spec = run(f"echo x >> {counter}; echo try $JOBBOARD_ATTEMPT; test $(wc -l < {counter}) = 3")
    spec["retries"] = {"max": 5, "delay": 0}
    record, text = ran(store, tmp_path, spec)
    assert (record["state"], record["attempt"]) == ("ok", 3)
    assert text == b"try 1\ntry 2\ntry 3\n"


def test_a_run_times_out(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("sleep 60", timeout=100))
    assert (record["state"], record["reason"], record["signal"]) == (
        "failed",
        "timeout after 100ms",
        "SIGTERM",
    )


def test_a_command_that_is_not_there_says_so(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("no-such-command --now"))
    assert record["state"] == "failed"
    assert record["reason"] == "exit 127: command not found: no-such-command"


def test_a_run_knows_itself_and_little_else(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBBOARD_REDIS_URL", store.url)
    monkeypatch.setenv("SOME_SECRET", "x")
    monkeypatch.setenv("WANTED", "yes")
    dump = 'python3 -c "import os, json; print(json.dumps(dict(os.environ)))"'
    board(store, {"job": run(dump, inherit=["WANTED", "JOBBOARD_REDIS_URL"], env={"MINE": "ünï"})})
    with working(store, tmp_path):
        run_id = start(store, "job")
        record = finished(store, run_id)
        env = json.loads(output(store, run_id))
    assert env["JOBBOARD_JOB"] == "ops/job"
    assert env["JOBBOARD_RUN_ID"] == run_id
    assert run_id.startswith("ops/job@" + env["JOBBOARD_NOMINAL"])
    assert env["JOBBOARD_ATTEMPT"] == "1"
    assert env["JOBBOARD_FENCE"] == str(record["token"])
    assert env["JOBBOARD_QUEUE"] == "common"
    assert (env["WANTED"], env["MINE"]) == ("yes", "ünï")
    assert "SOME_SECRET" not in env
    assert store.url not in json.dumps(env)


def test_a_run_of_a_window_knows_its_bounds(store: Store, tmp_path: Path) -> None:
    windows = {"cron": "0 0 * * *", "timezone": "Europe/Madrid"}
    spec = run('echo "$JOBBOARD_WINDOW_START $JOBBOARD_WINDOW_END"', after=["ops/job"], schedule=windows)
    _, text = ran(store, tmp_path, spec)
    begin_ms, end_ms = map(parse_instant, text.decode().split())
    schedule = compile_schedule(windows, "")
    assert schedule.prev_at(begin_ms) == begin_ms
    assert schedule.next_after(begin_ms) == end_ms


def test_cwd_stdin_and_shell_are_the_jobs_own(store: Store, tmp_path: Path) -> None:
    spec = run("cat; pwd; echo $0", cwd=str(tmp_path), stdin="in\n", shell="/bin/bash")
    _, text = ran(store, tmp_path, spec)
    assert text.decode() == f"in\n{tmp_path}\n/bin/bash\n"


def test_references_are_resolved_here_and_masked_in_output(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    (tmp_path / "key").write_text("s3cr3t-key\n")
    env = {"URL": "u:${env:PASSWORD}@h", "KEY": f"${{file:{tmp_path}/key}}", "PLAIN": "$${env:PASSWORD}"}
    spec = run('echo "$URL" "$KEY" "$PLAIN"; printf hun; sleep 0.3; printf ter2; echo ${#KEY}', env=env)
    record, text = ran(store, tmp_path, spec)
    assert record["state"] == "ok"
    assert text == b"u:***@h *** ${env:PASSWORD}\n***10\n"


def test_a_reference_without_a_value_fails_the_run_and_uses_up_no_tries(store: Store, tmp_path: Path) -> None:
    spec = run("true", env={"A": "${env:NO_SUCH_NAME}"}, retries={"max": 5, "delay": 0})
    record, _ = ran(store, tmp_path, spec)
    assert (record["state"], record["attempt"]) == ("failed", 1)
    assert record["reason"] == "${env:NO_SUCH_NAME} is not set where the worker runs"


def test_the_stores_url_cannot_be_had_by_reference(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPY", store.url)
    record, _ = ran(store, tmp_path, run("env", env={"A": "${env:COPY}"}))
    assert record["reason"] == "${env:COPY} would show where the store is"


def test_output_of_any_bytes_is_kept(store: Store, tmp_path: Path) -> None:
    record, text = ran(store, tmp_path, run(r"printf '\377\376\000x\n'"))
    assert text == b"\xff\xfe\0x\n"
    assert record["output_bytes"] == 5


def test_of_huge_output_head_and_tail_are_kept(store: Store, tmp_path: Path) -> None:
    huge, more_kib = 5 * 2**30, 16 * 1024
    board(store, {"before": run("true"), "job": run("echo first; yes | head -c 5G; echo last; exit 3")})
    stored = store.client.info("memory")["used_memory"]
    with working_process(store, tmp_path) as worker:
        finished(store, start(store, "before"))
        before_kib = most_memory_kib(worker.pid)
        run_id = start(store, "job")
        record = finished(store, run_id, timeout_s=60)
        text = output(store, run_id)
        assert most_memory_kib(worker.pid) < before_kib + more_kib
    assert store.client.info("memory")["used_memory"] < stored + more_kib * 1024
    assert (record["state"], record["exit"]) == ("failed", 3)
    assert record["output_bytes"] == huge + 11
    assert record["dropped_bytes"] == huge + 11 - HEAD_BYTES - TAIL_BYTES
    assert len(text) == HEAD_BYTES + TAIL_BYTES
    assert text.startswith(b"first\ny\n")
    assert text.endswith(b"y\nlast\n")


def test_output_is_there_while_the_run_goes_on(store: Store, tmp_path: Path) -> None:
    board(store, {"job": run("echo one; read line < $FIFO; echo two", env={"FIFO": str(tmp_path / "fifo")})})
    os.mkfifo(tmp_path / "fifo")
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: output(store, run_id) == b"one\n")
        (tmp_path / "fifo").write_text("go\n")
        finished(store, run_id)
        assert output(store, run_id) == b"one\ntwo\n"


@pytest.mark.parametrize("kind", ["leaver", "chatty"])
def test_a_grandchild_that_holds_the_output_does_not_hold_the_run(
    store: Store, tmp_path: Path, kind: str
) -> None:
    word = f"word-{store.namespace}"
    board(store, {"job": {"command": animal("tree", kind, word)}})
    with working(store, tmp_path):
        run_id = start(store, "job")
        assert finished(store, run_id)["state"] == "ok"
        left = running_with(word)
        assert len(left) == 1
        assert b"left\n" in output(store, run_id)
    for pid in running_with(word):
        os.kill(pid, signal.SIGKILL)


def test_a_cancelled_run_ends_with_its_tree(store: Store, tmp_path: Path) -> None:
    word = f"word-{store.namespace}"
    board(store, {"job": {"command": animal("tree", "deaf", word), "kill_after": 100}})
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: output(store, run_id) == b"deaf\n")
        assert Runs(store).cancel(run_id, "ana") == "STOPPING"
        record = finished(store, run_id)
    assert (record["state"], record["signal"]) == ("cancelled", "SIGKILL")
    assert not running_with(word)


def test_no_more_runs_at_once_than_slots(store: Store, tmp_path: Path) -> None:
    text = f"mkdir {tmp_path}/busy && sleep 0.05 && rmdir {tmp_path}/busy"
    board(store, {f"job{n}": run(text) for n in range(8)})
    runs = [start(store, f"job{n}") for n in range(8)]
    with working(store, tmp_path, slots=1):
        assert {finished(store, run_id)["state"] for run_id in runs} == {"ok"}


def test_many_runs_through_few_slots(store: Store, tmp_path: Path) -> None:
    board(store, {f"job{n}": run(f"echo {n}") for n in range(200)})
    with working(store, tmp_path, slots=8):
        runs = [start(store, f"job{n}") for n in range(200)]
        for n, run_id in enumerate(runs):
            assert finished(store, run_id)["state"] == "ok"
            assert output(store, run_id) == f"{n}\n".encode()


def test_a_full_worker_leaves_the_wake_token_to_another(store: Store, tmp_path: Path) -> None:
    board(store, {"long": run("sleep 60"), "short": run("true")})
    with working(store, tmp_path, slots=1, name="full") as full:
        long = start(store, "long")
        reserved(store, long)
        with working(store, tmp_path, slots=1, name="free"):
            for _ in range(5):
                record = finished(store, start(store, "short"))
                assert record["worker"].startswith("free.")
        assert full.id.startswith("full.")


def test_a_worker_that_was_full_hears_again_once_it_has_room(store: Store, tmp_path: Path) -> None:
    board(store, {"long": run(f"read line < {tmp_path}/fifo"), "short": run("true")})
    os.mkfifo(tmp_path / "fifo")
    with working(store, tmp_path, slots=1):
        for _ in range(3):
            long = start(store, "long")
            reserved(store, long)
            short = start(store, "short")
            until(lambda: store.client.llen(store.key("wake:common")))
            (tmp_path / "fifo").write_text("go\n")
            finished(store, long)
            finished(store, short)
            finished(store, start(store, "short"))


def held_by_a_fifo(folder: Path) -> dict[str, Any]:
    """A job that says ``up``, waits for a word in the folder's fifo and says ``end``."""
    os.mkfifo(folder / "fifo")
    return run(f"echo up; read line < {folder}/fifo; echo end")


def test_a_stopped_worker_lets_its_runs_end_and_takes_no_more(store: Store, tmp_path: Path) -> None:
    board(store, {"job": held_by_a_fifo(tmp_path), "later": run("true")})
    stop = threading.Event()
    with working(store, tmp_path, stop=stop) as worker:
        run_id = start(store, "job")
        until(lambda: output(store, run_id) == b"up\n")
        stop.set()
        until(lambda: worker._draining)
        later = start(store, "later")
        (tmp_path / "fifo").write_text("go\n")
        assert finished(store, run_id)["state"] == "ok"
    assert output(store, run_id) == b"up\nend\n"
    assert store.client.hget(store.key("run", later), "state") == b"queued"
    assert store.client.zcard(store.key("workers")) == 0
    assert list(folder_of(tmp_path).iterdir()) == []


@pytest.mark.parametrize("how", ["grace", "hurry"])
def test_a_run_that_does_not_end_in_time_goes_back_and_no_try_is_counted(
    store: Store, tmp_path: Path, how: str
) -> None:
    word = f"word-{store.namespace}"
    board(store, {"job": {"command": animal("tree", "deaf", word), "kill_after": 50}})
    stop, hurry = threading.Event(), threading.Event()
    with working(store, tmp_path, stop=stop, hurry=hurry, grace_ms=10 if how == "grace" else None):
        run_id = start(store, "job")
        until(lambda: output(store, run_id) == b"deaf\n")
        stop.set()
        if how == "hurry":
            hurry.set()
        queued = wait_for_event(store, lambda e: e["e"] == "queued" and e.get("reason", "") != "")
    assert queued["reason"] == "the worker was stopped"
    assert not running_with(word)
    (live,) = past.read_live(store, [run_id])
    assert (live.state, live.attempt) == ("queued", 1)


def test_an_idle_worker_leaves_the_store_in_peace(store: Store, tmp_path: Path) -> None:
    with working(store, tmp_path, lease_ms=1000):
        wait_for_event(store, lambda e: e["e"] == "worker")
        before = calls(store)
        started_at_s = monotonic_s()
        store.client.blpop([store.key("nothing")], 2)
        made, leases = calls(store) - before, monotonic_s() - started_at_s
    # With the usual lease of 30 s, 15 a lease are one every two seconds.
    assert made <= 15 * leases


def calls(store: Store) -> int:
    """Scripts called by anyone on this server so far, and blocking pops."""
    stats: Any = store.client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval", "blpop"))


def test_a_worker_that_is_told_to_stop_before_it_starts_stops(store: Store, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with working(store, tmp_path, stop=stop):
        pass
    assert store.client.zcard(store.key("workers")) == 0


def test_a_definition_that_makes_no_sense_fails_its_run_alone(store: Store, tmp_path: Path) -> None:
    board(store, {"odd": {"command": {"magic": "x"}}, "even": run("true")})
    with working(store, tmp_path):
        record = finished(store, start(store, "odd"))
        assert record["state"] == "failed"
        assert record["reason"].startswith("not a definition this worker can run")
        assert finished(store, start(store, "even"))["state"] == "ok"


@pytest.mark.parametrize(("name", "slots"), [("../x", 1), ("", 1), ("a\nb", 1), ("w", 0)])
def test_a_worker_needs_a_name_and_a_slot(store: Store, tmp_path: Path, name: str, slots: int) -> None:
    with pytest.raises(errors.UsageError):
        Worker(store, name=name, serving=Serving(("common",), slots), home=tmp_path)


def in_queue(queue: str, text: str) -> dict[str, Any]:
    return run(text, queue=queue)


def test_a_queue_of_one_slot_leaves_the_others_free(store: Store, tmp_path: Path) -> None:
    """While a run holds the slow queue's only slot, those of the other queue go on; then its next does."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    jobs = {
        "first": in_queue("slow", f"cat {gate}"),
        "second": in_queue("slow", "true"),
        "quick": in_queue("common", "true"),
    }
    board(store, jobs)
    with working(store, tmp_path, queues=["slow", "common"], own_slots={"slow": 1}, slots=4, order="strict"):
        first = start(store, "first")
        reserved(store, first)
        second = start(store, "second")
        for _ in range(3):
            assert finished(store, start(store, "quick"))["state"] == "ok"
        assert store.client.hget(store.key("run", second), "state") == b"queued"
        gate.write_text("go")
        assert finished(store, first)["state"] == "ok"
        assert finished(store, second)["state"] == "ok"
    assert check(store) == []


def test_a_full_queues_token_wakes_another_worker(store: Store, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    board(store, {"first": in_queue("slow", f"cat {gate}"), "second": in_queue("slow", "true")})
    with working(store, tmp_path / "a", name="a", queues=["slow", "common"], own_slots={"slow": 1}):
        first = start(store, "first")
        reserved(store, first)
        with working(store, tmp_path / "b", name="b", queues=["slow"]):
            second = finished(store, start(store, "second"))
            assert (second["state"], second["worker"].partition(".")[0]) == ("ok", "b")
        gate.write_text("go")
        assert finished(store, first)["state"] == "ok"


def test_a_hosts_queue_is_served_on_that_host_alone(store: Store, tmp_path: Path) -> None:
    board(store, {"here": in_queue("@web-2", "true")})
    with working(store, tmp_path / "a", name="a", queues=["common", "@web-1"]):
        run_id = start(store, "here")
        with working(store, tmp_path / "b", name="b", queues=["common", "@web-2"]):
            assert finished(store, run_id)["worker"].partition(".")[0] == "b"
