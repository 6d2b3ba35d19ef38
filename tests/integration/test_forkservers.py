"""Functions called in a fork of a process that has their module loaded."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import wait_for_event
from kit.web import serving_web
from kit.work import ZOO, board, finished, output, start, until, working

from jobboard.clock import monotonic_s
from jobboard.core.jobs.resolve import resolve_job
from jobboard.daemon.agent import forkservers
from jobboard.daemon.system import linux, tree
from jobboard.daemon.worker.news import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.daemon.worker.worker import Worker
    from jobboard.store.calls.connect import Store

MODULE = """
import os, sys, threading, time
from jobboard import hooks
from jobboard.job import Failed, current, progress
LOADED_IN = os.getpid()
WORD = "first"

@hooks.before
def say(run):
    print("before", run.attempt)

def where():
    print("warm" if os.getpid() != LOADED_IN else "cold", os.environ["JOBBOARD_RUN_ID"])

def word():
    print("warm" if os.getpid() != LOADED_IN else "cold", WORD, os.getcwd(), os.environ["COLOUR"])

def odd(*, n):
    print("oops", file=sys.stderr)
    raise Failed(f"{n} is odd", group="odd", exit_code=7)

def told():
    print(sys.stdin.read())
    progress(40, "half")

def untidy():
    import atexit
    atexit.register(print, "at exit")
    from concurrent.futures import ThreadPoolExecutor
    ThreadPoolExecutor(2).submit(lambda: (time.sleep(0.05), print("in a thread")))
    print("warm" if os.getpid() != LOADED_IN else "cold")

def bounds():
    import resource
    print("warm" if os.getpid() != LOADED_IN else "cold", end=" ")
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], resource.getrlimit(resource.RLIMIT_CPU)[0], end=" ")
    print(os.nice(0), oct(os.umask(0)))

def take():
    print(len(bytearray(200 << 20)))

def animal(path, kind):
    import runpy
    sys.argv = [path, kind, "word"]
    sys.stdout.flush()
    runpy.run_path(path, run_name="__main__")

def hold(path):
    print("up", os.getpid(), flush=True)
    while not os.path.exists(path):
        time.sleep(0.005)

def die():
    os.kill(os.getpid(), 9)

def family():
    import signal, subprocess
    print(subprocess.run(["false"]).returncode, end=" ")
    print(signal.getsignal(signal.SIGCHLD).name, signal.set_wakeup_fd(-1))

def linger():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "mod" / "daily.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    return path


def calling(module: Path, function: str, **keys: Any) -> Any:
    """A job that calls a function of the module."""
    raw = {"call": f"{module.stem}:{function}", "cwd": str(module.parent), **keys}
    spec, faults = resolve_job(raw, board="ops", name="job")
    assert faults == []
    return spec


@contextmanager
def warm(store: Store, home: Path, job: Any, *more: Any) -> Iterator[Worker]:
    """A worker that has had the job's module called until a process is forked for it."""
    board(store, {"job": job, **{f"job{n}": one for n, one in enumerate(more, 2)}})
    with working(store, home) as worker:
        until(lambda: b"warm" in called(store)[1])
        yield worker


def called(store: Store, job: str = "job") -> tuple[dict[str, Any], bytes]:
    """A run of the job: its record and its output."""
    run_id = start(store, job)
    return finished(store, run_id), output(store, run_id)


def test_a_function_called_again_and_again_is_called_in_a_fork(
    store: Store, tmp_path: Path, module: Path
) -> None:
    with warm(store, tmp_path, calling(module, "where")):
        for _ in range(3):
            record, said = called(store)
            assert (record["state"], record["exit"]) == ("ok", 0)
            assert said.decode().splitlines() == ["before 1", f"warm {record['id']}"]


def test_what_a_function_is_given_and_what_it_says_are_the_same(
    store: Store, tmp_path: Path, module: Path
) -> None:
    jobs = [calling(module, "odd", **{"with": {"n": 3}}), calling(module, "told", stdin="a word")]
    with warm(store, tmp_path, calling(module, "where"), *jobs):
        failed, said = called(store, "job2")
        assert (failed["state"], failed["exit"], failed["group"]) == ("failed", 7, "odd")
        assert failed["reason"] == "exit 7: 3 is odd"
        assert sorted(said.decode().splitlines()) == ["3 is odd", "before 1", "oops"]
        record, said = called(store, "job3")
        assert record["state"] == "ok"
        assert said == b"before 1\na word\n"


def test_the_end_of_a_fork_is_that_of_a_program(store: Store, tmp_path: Path, module: Path) -> None:
    with warm(store, tmp_path, calling(module, "untidy")):
        assert called(store)[1].decode().splitlines() == ["before 1", "warm", "in a thread", "at exit"]


def test_a_changed_file_is_loaded_anew(store: Store, tmp_path: Path, module: Path) -> None:
    with warm(store, tmp_path, calling(module, "word", env={"COLOUR": "red"})):
        module.write_text(MODULE.replace('"first"', '"second"'))
        assert b"cold second" in called(store)[1]
        until(lambda: b"warm second" in called(store)[1])


def test_another_directory_of_the_same_name_is_seen(store: Store, tmp_path: Path, module: Path) -> None:
    later = tmp_path / "later" / module.name
    later.parent.mkdir()
    later.write_text(MODULE.replace('"first"', '"second"'))
    current = tmp_path / "current"
    current.symlink_to(module.parent)
    with warm(store, tmp_path, calling(current / module.name, "word", env={"COLOUR": "red"})):
        current.unlink()
        current.symlink_to(later.parent)
        assert b"cold second" in called(store)[1]


def test_another_environment_has_a_process_of_its_own(store: Store, tmp_path: Path, module: Path) -> None:
    red, blue = (calling(module, "word", env={"COLOUR": colour}) for colour in ("red", "blue"))
    with warm(store, tmp_path, red, blue):
        assert called(store, "job2")[1].endswith(f"cold first {module.parent} blue\n".encode())


@pytest.mark.parametrize(
    "line",
    [
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "import socket; S = socket.socket()",
    ],
)
def test_a_module_that_cannot_be_copied_is_loaded_each_time(
    store: Store, tmp_path: Path, module: Path, line: str
) -> None:
    module.write_text(f"{MODULE}\n{line}\n")
    board(store, {"job": calling(module, "where")})
    with working(store, tmp_path):
        assert all(b"cold" in called(store)[1] for _ in range(5))


def test_a_job_may_want_a_process_of_its_own(store: Store, tmp_path: Path, module: Path) -> None:
    with warm(store, tmp_path, calling(module, "where"), calling(module, "where", warm=False)):
        assert b"cold" in called(store, "job2")[1]
        assert b"warm" in called(store)[1]


def test_what_a_fork_may_use_is_bounded_as_of_any_command(store: Store, tmp_path: Path, module: Path) -> None:
    limits = {"files": 100, "cpu": "9s", "memory": "100M"}
    jobs = [
        calling(module, "bounds", nice=3, umask="027", limits=limits),
        calling(module, "take", limits=limits),
    ]
    with warm(store, tmp_path, calling(module, "where"), *jobs):
        assert called(store, "job2")[1].split()[2:] == [b"warm", b"100", b"9", b"3", b"0o27"]
        taken, said = called(store, "job3")
        assert taken["state"] == "failed"
        assert taken["reason"].startswith("out of memory, over 100M: ") or b"MemoryError" in said


def test_a_bound_that_the_system_refuses_is_named(
    store: Store, tmp_path: Path, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warm(store, tmp_path, calling(module, "where")):
        servers = forked_or_forking()
        monkeypatch.setattr("jobboard.daemon.worker.attempt.confinement_of", lambda *_: {"nice": 2**80})
        record = called(store)[0]
        assert (record["state"], record["exit"]) == ("failed", 126)
        assert record["reason"].startswith("exit 126: nice: ")
        until(lambda: forked_or_forking() == servers)


def test_who_kills_the_agent_ends_forks_and_forking(store: Store, tmp_path: Path, module: Path) -> None:
    jobs = [calling(module, "linger", on_lost="fail")]
    with warm(store, tmp_path, calling(module, "where"), *jobs) as worker:
        servers = forked_or_forking()
        run_id = start(store, "job2")
        until(lambda: len(forked_or_forking()) == len(servers) + 2)
        agent = worker._executor._agent
        assert agent is not None
        (pid,) = {pid for pid, one in linux.processes().items() if one.parent == agent.guard_pid}
        os.kill(pid, signal.SIGKILL)
        assert finished(store, run_id)["reason"] == "the agent died"
        assert forked_or_forking() == set()
        assert called(store)[0]["state"] == "ok"


def forked_or_forking() -> set[int]:
    """Fork servers below this process, and what they have forked."""
    return {pid for pid in tree.below(os.getpid()) if b"daemon.agent.forkserver" in cmdline(pid)}


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_timeout_ends_all_that_a_function_has_forked(store: Store, tmp_path: Path, module: Path) -> None:
    lingers = calling(module, "linger", timeout="1s", kill_after="100ms")
    with warm(store, tmp_path, calling(module, "where"), lingers):
        servers = forked_or_forking()
        run_id = start(store, "job2")
        until(lambda: len(forked_or_forking()) == len(servers) + 2)
        record = finished(store, run_id)
        assert (record["state"], record["reason"]) == ("failed", "timeout after 1s")
        assert output(store, run_id) == b"before 1\nup\n"
        assert forked_or_forking() == servers
    assert forked_or_forking() == set()


@pytest.mark.parametrize("kind", ["deaf", "daemon", "bare", "closed", "forking", "crowd"])
def test_nobody_escapes_the_kill_who_was_forked(
    store: Store, tmp_path: Path, module: Path, kind: str
) -> None:
    beast = calling(module, "animal", args=[str(ZOO / "tree.py"), kind], kill_after="50ms")
    with warm(store, tmp_path, calling(module, "where"), beast) as worker:
        before = tree.below(os.getpid())
        run_id = start(store, "job2")
        until(lambda: len(output(store, run_id).splitlines()) > 1)
        assert tree.below(os.getpid()) > before
        worker.end_running()
        assert finished(store, run_id)["reason"] == "ended by a signal to its worker"
        assert tree.below(os.getpid()) == before


def test_there_are_only_so_many(store: Store, tmp_path: Path, module: Path) -> None:
    colours = [str(n) for n in range(forkservers.MOST + 1)]
    jobs = [calling(module, "word", env={"COLOUR": colour}) for colour in colours]
    with warm(store, tmp_path, *jobs):
        for n in range(2, len(jobs) + 1):
            for _ in range(2):
                assert called(store, f"job{n}")[0]["state"] == "ok"
        assert len(forked_or_forking()) == forkservers.MOST


def test_a_fork_server_that_dies_or_hangs_costs_no_run(store: Store, tmp_path: Path, module: Path) -> None:
    with warm(store, tmp_path, calling(module, "where")):
        (server,) = forked_or_forking()
        os.kill(server, signal.SIGKILL)
        assert called(store)[0]["state"] == "ok"
        until(lambda: b"warm" in called(store)[1])
        (server,) = forked_or_forking()
        os.kill(server, signal.SIGSTOP)
        record, said = called(store)
        assert (record["state"], said.split()[2]) == ("ok", b"cold")
    assert forked_or_forking() == set()


def test_an_end_is_seen_although_the_fork_server_is_gone(store: Store, tmp_path: Path, module: Path) -> None:
    flag = tmp_path / "flag"
    with warm(store, tmp_path, calling(module, "where"), calling(module, "hold", args=[str(flag)])):
        (server,) = forked_or_forking()
        run_id = start(store, "job2")
        until(lambda: output(store, run_id).endswith(b"\n") and b"up" in output(store, run_id))
        os.kill(server, signal.SIGKILL)
        until(lambda: server not in linux.processes())
        flag.touch()
        assert finished(store, run_id)["state"] == "ok"


def test_an_end_that_the_fork_server_did_not_tell_of_is_seen(
    store: Store, tmp_path: Path, module: Path
) -> None:
    flag = tmp_path / "flag"
    with warm(store, tmp_path, calling(module, "where"), calling(module, "hold", args=[str(flag)])):
        (server,) = forked_or_forking()
        run_id = start(store, "job2")
        until(lambda: output(store, run_id).endswith(b"\n") and b"up" in output(store, run_id))
        os.kill(server, signal.SIGSTOP)
        flag.touch()
        until(lambda: forked_or_forking() == {server})
        os.kill(server, signal.SIGKILL)
        assert finished(store, run_id)["state"] == "ok"


def test_how_a_fork_ended_is_told_as_of_any_command(store: Store, tmp_path: Path, module: Path) -> None:
    jobs = [calling(module, "die"), calling(module, "family")]
    with warm(store, tmp_path, calling(module, "where"), *jobs):
        record, _ = called(store, "job2")
        assert (record["state"], record["signal"], record["reason"]) == (
            "failed",
            "SIGKILL",
            "signal SIGKILL",
        )
        assert called(store, "job3")[1] == b"before 1\n1 SIG_DFL -1\n"


def test_a_run_that_is_cancelled_while_a_process_is_forked_for_it_is_ended(
    store: Store, tmp_path: Path, module: Path
) -> None:
    with warm(store, tmp_path, calling(module, "where"), calling(module, "linger")) as worker:
        (server,) = forked_or_forking()
        os.kill(server, signal.SIGSTOP)
        run_id = start(store, "job2")
        until(lambda: worker._executor.count == 1)
        worker.end_running()
        record = finished(store, run_id)
        assert (record["state"], record.get("signal")) == ("failed", "SIGTERM")


def test_what_was_forked_once_the_lease_was_over_does_not_begin(
    store: Store, tmp_path: Path, module: Path
) -> None:
    where = calling(module, "where", locks={"db": 3})
    with warm(store, tmp_path, where, where, where) as worker:

        def believe(span_s: float) -> None:
            at_s = monotonic_s() + span_s
            worker.tell(Asked(lambda: worker._executor.believed(at_s, at_s + 60, at_s + 60)))

        (server,) = forked_or_forking()
        os.kill(server, signal.SIGSTOP)
        forked = start(store, "job2")
        until(lambda: worker._executor.count == 1)
        believe(0)
        other = start(store, "job3")
        returned(store, other)
        os.kill(server, signal.SIGCONT)
        returned(store, forked)
        believe(60)
        worker._clerk.resume()
        for run_id in (forked, other):
            assert finished(store, run_id)["state"] == "ok"
            assert output(store, run_id).count(run_id.encode()) == 1


def returned(store: Store, run_id: str) -> None:
    """Wait until a worker has taken a run and given it back."""
    taken = wait_for_event(store, lambda e: e["e"] == "reserved" and e["run"] == run_id)
    wait_for_event(store, lambda e: e["e"] == "queued" and e["run"] == run_id, after=taken["id"])


def test_requests_are_made_in_forks_too(store: Store, tmp_path: Path) -> None:
    with serving_web() as web:
        web.answers["/x"] = 200, {}, b"fine\n"
        spec, faults = resolve_job({"http": f"{web.url}/x"}, board="ops", name="job")
        assert faults == []
        board(store, {"job": spec})
        with working(store, tmp_path):
            assert {called(store)[1] for _ in range(3)} == {b"fine\n"}
            until(forked_or_forking)
            assert {called(store)[1] for _ in range(3)} == {b"fine\n"}
            record = called(store)[0]
            assert (record["state"], web.asked[-1].headers["Jobboard-Run"]) == ("ok", record["id"])
