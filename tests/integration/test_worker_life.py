"""The life of a worker as the system sees it: signals, readiness, titles, idleness, the first process."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.events import wait_for_event
from kit.work import board, finished, record, reserved, start, until

from jobboard.clock import monotonic_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.store.calls.connect import Store

LONG = {"exec": ["sleep", "60"]}


@contextmanager
def command(
    store: Store, home: Path, *options: str, environ: dict[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """``jobboard worker``, once it is ready; killed at the end if it is still there."""
    ready = home / "ready"
    words = ["worker", "--redis", store.url, "--namespace", store.namespace, "--name", "w", "--slots", "4"]
    with (home / "log").open("w") as log:
        child = subprocess.Popen(
            [*before, sys.executable, "-m", "jobboard", *words, "--ready-file", str(ready), *options],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "JOBBOARD_HOME": str(home),
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )
    try:
        until(lambda: ready.exists() or child.poll() is not None, 20)
        assert child.poll() is None, (home / "log").read_text()
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(20)


def running(store: Store, job: str = "long") -> str:
    """Start a job; its run id once its command runs."""
    run = start(store, job)
    reserved(store, run)
    return run


def said(home: Path, text: str) -> None:
    """Wait until the log has it."""
    until(lambda: text in (home / "log").read_text())


def test_term_drains_for_a_while_and_then_ends_what_runs(store: Store, tmp_path: Path) -> None:
    board(store, {"long": {"command": LONG}})
    with command(store, tmp_path, "--grace", "10ms") as worker:
        assert (tmp_path / "ready").read_text() == f"{worker.pid}\n"
        run = running(store)
        until(lambda: "long" in title(worker.pid))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert not (tmp_path / "ready").exists()
    wait_for_event(store, lambda e: e["run"] == run and e.get("reason") == "the worker was stopped")
    assert store.client.hget(store.key("run", run), "state") == b"queued"


def test_quit_lets_everything_finish_and_takes_nothing_new(store: Store, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    board(store, {"long": {"command": {"run": f"read line < {fifo}"}}, "next": {"command": {"run": "true"}}})
    with command(store, tmp_path, "--grace", "10ms") as worker:
        run = running(store)
        until(lambda: "long" in title(worker.pid))
        worker.send_signal(signal.SIGQUIT)
        until(lambda: not (tmp_path / "ready").exists())
        waiting = start(store, "next")
        fifo.write_text("go\n")
        assert worker.wait(20) == 0
    assert record(store, run)["state"] == "ok"
    assert store.client.hget(store.key("run", waiting), "state") == b"queued"


def test_term_after_quit_hurries(store: Store, tmp_path: Path) -> None:
    board(store, {"long": {"command": LONG}})
    with command(store, tmp_path) as worker:
        running(store)
        worker.send_signal(signal.SIGQUIT)
        until(lambda: not (tmp_path / "ready").exists())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


def test_usr1_ends_what_runs_and_goes_on(store: Store, tmp_path: Path) -> None:
    board(store, {"long": {"command": LONG}, "next": {"command": {"run": "true"}}})
    with command(store, tmp_path) as worker:
        run = running(store)
        until(lambda: "long" in title(worker.pid))
        worker.send_signal(signal.SIGUSR1)
        ended = finished(store, run)
        assert (ended["state"], ended["reason"]) == ("failed", "ended by a signal to its worker")
        assert finished(store, start(store, "next"))["state"] == "ok"


def test_usr2_pauses_and_shows_where_every_thread_is_and_cont_goes_on(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    with command(store, tmp_path) as worker:
        worker.send_signal(signal.SIGUSR2)
        said(tmp_path, "paused")
        log = (tmp_path / "log").read_text()
        assert re.search(r"(?s)Thread 0x.*clerk\.py.*worker\.py", log)
        # By a thread that holds the interpreter's lock, so that none of the others runs meanwhile.
        assert re.search(r"Current thread .*\n(  File .*\n)*  File .* in _listen\n", log)
        until(lambda: title(worker.pid).endswith("paused"))
        run = start(store, "next")
        worker.send_signal(signal.SIGCONT)
        assert finished(store, run)["state"] == "ok"
        log = (tmp_path / "log").read_text()
        assert log.index("paused") < log.index("going on")


def test_a_paused_worker_takes_nothing(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    with command(store, tmp_path) as worker:
        worker.send_signal(signal.SIGUSR2)
        said(tmp_path, "paused")
        run = start(store, "next")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert store.client.hget(store.key("run", run), "state") == b"queued"


def test_hup_finishes_what_runs_and_starts_anew_as_the_same_process(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    with command(store, tmp_path) as worker:
        worker.send_signal(signal.SIGHUP)
        until(lambda: (tmp_path / "log").read_text().count("the agent is ready") == 2, 20)
        until((tmp_path / "ready").exists)
        assert (tmp_path / "ready").read_text() == f"{worker.pid}\n"
        assert finished(store, start(store, "next"))["state"] == "ok"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


def test_hup_means_nothing_to_who_was_told_to_ignore_it(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    with command(store, tmp_path, before=["nohup"]) as worker:
        worker.send_signal(signal.SIGHUP)
        assert finished(store, start(store, "next"))["state"] == "ok"
        assert (tmp_path / "ready").exists()


def title(pid: int) -> str:
    """What ps(1) shows of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


def test_the_title_says_what_runs(store: Store, tmp_path: Path) -> None:
    board(store, {"long": {"command": LONG}})
    with command(store, tmp_path) as worker:
        until(lambda: title(worker.pid) == "jobboard w: idle")
        running(store)
        until(lambda: title(worker.pid) == "jobboard w: ops/long")
        assert Path(f"/proc/{worker.pid}/comm").read_text() == "jobboard-worker\n"


def messages(sock: socket.socket, until_one: str) -> list[str]:
    """What a service manager is told, up to a message."""
    heard: list[str] = []
    give_up_at_s = monotonic_s() + 20
    while until_one not in heard:
        ready, _, _ = select.select([sock], [], [], give_up_at_s - monotonic_s())
        assert ready, heard
        heard.append(sock.recv(4096).decode())
    return heard


def test_a_service_manager_hears_of_its_life(store: Store, tmp_path: Path) -> None:
    board(store, {"long": {"command": LONG}})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = str(tmp_path / "notify")
        manager.bind(address)
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "100000"}
        with command(store, tmp_path, "--grace", "10ms", environ=environ) as worker:
            assert messages(manager, "READY=1")[0] == "WATCHDOG=1"
            messages(manager, "STATUS=0 of 4 running, idle")
            running(store)
            messages(manager, "STATUS=1 of 4 running: ops/long")
            messages(manager, "WATCHDOG=1")
            worker.send_signal(signal.SIGTERM)
            messages(manager, "STOPPING=1")
            assert worker.wait(20) == 0


def test_a_worker_with_nothing_to_do_stops(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    run = start(store, "next")
    with command(store, tmp_path, "--idle-after", "300ms") as worker:
        assert worker.wait(20) == 0
    assert record(store, run)["state"] == "ok"


def test_a_worker_with_nothing_to_do_runs_a_command_once_and_goes_on(store: Store, tmp_path: Path) -> None:
    board(store, {"next": {"command": {"run": "true"}}})
    lines = tmp_path / "lines"
    with command(store, tmp_path, "--idle-after", "50ms", "--idle-run", f"echo idle >> {lines}; exit 3"):
        said(tmp_path, "the idle command ended: exit 3")
        assert lines.read_text() == "idle\n"
        assert finished(store, start(store, "next"))["state"] == "ok"
        until(lambda: lines.read_text() == "idle\nidle\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--idle-run", "true"], "--idle-run does not say when"),
        (["--idle-after", "soon"], "--idle-after: "),
        (["--grace", "never"], "--grace: "),
        (["--ready-file", "/nowhere/ready"], "--ready-file /nowhere/ready: no such file or directory"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    store: Store, tmp_path: Path, options: list[str], message: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "jobboard", "worker", "--redis", store.url, *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "JOBBOARD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 64
    assert message in ended.stderr


def _pid_namespaces() -> bool:
    tried = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


def test_the_first_process_of_a_container_reaps_and_obeys(store: Store, tmp_path: Path) -> None:
    """Where the system lets us make one; else the same by hand, without the namespace."""
    board(store, {"next": {"command": {"run": "true"}}})
    before = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] if _pid_namespaces() else []
    with command(store, tmp_path, before=before) as outer:
        (first,) = children(outer.pid) if before else {outer.pid}
        if before:
            # Somebody enters the container, and dies before what they started.
            fifo = tmp_path / "fifo"
            os.mkfifo(fifo)
            known = children(first)
            entered = ["nsenter", "--target", str(first), "--pid", "sh", "-c", f"read x < {fifo} &"]
            subprocess.run(entered, check=True)
            until(lambda: children(first) - known)
            fifo.write_text("die\n")
            until(lambda: children(first) == known)
        assert finished(store, start(store, "next"))["state"] == "ok"
        os.kill(first, signal.SIGTERM)
        assert outer.wait(20) == 0


def children(pid: int) -> set[int]:
    """Processes a process has started, dead ones too."""
    return {int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
