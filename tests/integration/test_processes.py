"""Who commands run as, how much they may use, and what they say while they run."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import wait_for_event
from kit.work import PYTHON, board, finished, output, start, until, working

from jobboard import report
from jobboard.daemon.agent import child, memory
from jobboard.daemon.system import confine, linux
from jobboard.store.runs.past import read_run

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

JOBBOARD = f"{sys.executable} -m jobboard"


def run(text: str, **fields: Any) -> dict[str, Any]:
    return {"command": {"run": text}, **fields}


def ran(store: Store, home: Path, spec: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    board(store, {"job": spec})
    with working(store, home):
        run_id = start(store, "job")
        return finished(store, run_id), output(store, run_id)


def test_umask_nice_and_limits_hold_for_the_command(store: Store, tmp_path: Path) -> None:
    limits = {"cpu": 90_500, "files": 64, "file_size": 2**20}
    text = "umask; nice; ulimit -t; ulimit -n; ulimit -f"
    record, said = ran(store, tmp_path, run(text, umask="027", nice=5, limits=limits, shell="/bin/bash"))
    assert record["state"] == "ok", said
    assert said.split() == [b"0027", str(min(os.nice(0) + 5, 19)).encode(), b"91", b"64", b"1024"]


@pytest.mark.parametrize("door", [None, "/nowhere/cgroup.procs"])
def test_without_a_control_group_memory_is_bounded_for_each_process(door: str | None) -> None:
    wanted: dict[str, Any] = {"limits": {"memory": 2**30, "files": 64}}
    confined = wanted if door is None else confine.in_room(wanted, door)
    pid, (fd,) = child.start(
        ["/bin/bash", "-c", "ulimit -v; ulimit -n"], {"PATH": os.environ["PATH"]}, None, None, confined
    )
    with os.fdopen(fd, "rb") as file:
        assert file.read().split() == [b"1048576", b"64"]
    assert os.waitpid(pid, 0)[1] == 0


HUNGRY = "x = bytearray(200 << 20); print(len(x))"


@pytest.mark.parametrize("within", [False, True])
def test_a_command_that_takes_too_much_memory_is_ended_and_says_so(
    store: Store, tmp_path: Path, *, within: bool
) -> None:
    text = f"{sys.executable} -c '{HUNGRY}'; exit $?" if within else f"exec {sys.executable} -c '{HUNGRY}'"
    spec = {**run(text), "limits": {"memory": 100 << 20}, "retries": {"max": 0}}
    grouped = _has_room()
    record, said = ran(store, tmp_path, spec)
    assert record["state"] == "failed"
    if grouped:
        assert record["reason"].startswith("out of memory, over 100M: ")
        assert record["group"] == "oom"
    else:
        assert (record["reason"], b"MemoryError" in said) == ("exit 1", True)


def test_a_command_that_takes_less_is_not(store: Store, tmp_path: Path) -> None:
    limits = {"memory": 1 << 30}
    record, said = ran(store, tmp_path, {**run(f"{sys.executable} -c '{HUNGRY}'"), "limits": limits})
    assert (record["state"], said) == ("ok", b"209715200\n")


def _has_room() -> bool:
    """Whether commands can have control groups with a bound here."""
    rooms = memory.Rooms()
    room = rooms.make(f"test-{os.getpid()}", 1 << 30)
    if room is not None:
        rooms.give_up(room)
    return room is not None


def test_a_command_that_writes_too_large_a_file_is_stopped(store: Store, tmp_path: Path) -> None:
    command = {"exec": ["dd", "if=/dev/zero", f"of={tmp_path}/big", "bs=1000", "count=100"]}
    record, _ = ran(store, tmp_path, {"command": command, "limits": {"file_size": 10_000}})
    assert (record["state"], record["reason"]) == ("failed", "signal SIGXFSZ")
    assert (tmp_path / "big").stat().st_size == 10_000


def test_a_confined_command_that_is_not_there_says_so(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("no-such-command", nice=1))
    assert record["reason"] == "exit 127: command not found: no-such-command"


def test_what_the_system_refuses_is_named() -> None:
    with pytest.raises(child.Refusal, match=r"^exit 126: nice: ."):
        child.start(["true"], {"PATH": os.environ["PATH"]}, None, None, {"nice": 2**80})


def test_a_command_runs_as_its_user(store: Store, tmp_path: Path) -> None:
    record, said = ran(store, tmp_path, run("id -un; echo $HOME $USER $LOGNAME", user="nobody"))
    if os.geteuid() == 0:
        assert (record["state"], said) == ("ok", b"nobody\n/nonexistent nobody nobody\n")
    else:
        assert record["reason"] == 'only a worker of root can run a command as "nobody"'


def test_a_user_that_is_not_there_fails_the_run(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("true", user="no-such-user", retries={"max": 3, "delay": 0}))
    assert (record["state"], record["attempt"]) == ("failed", 1)
    assert record["reason"] == 'there is no user "no-such-user" where the worker runs'


def test_env_files_lie_below_env(store: Store, tmp_path: Path) -> None:
    (tmp_path / "vars").write_text("A=file\nB=file\n")
    spec = run("echo $A $B", env_files=["vars", "-none"], env={"B": "own"}, cwd=str(tmp_path))
    assert ran(store, tmp_path, spec)[1] == b"file own\n"


def test_what_may_be_a_secret_in_an_env_file_is_masked(store: Store, tmp_path: Path) -> None:
    (tmp_path / "vars").write_text("MODE=debug\nPASSWORD='hunter2 hunter2'\n")
    spec = run("echo $MODE $PASSWORD", env_files=["vars"], cwd=str(tmp_path))
    assert ran(store, tmp_path, spec)[1] == b"debug ***\n"


def test_a_missing_env_file_fails_the_run(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("true", env_files=[f"{tmp_path}/none"]))
    assert record["reason"] == f"env_files: there is no {tmp_path}/none where the worker runs"


def test_a_command_that_prints_too_much_is_stopped(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run("yes", limits={"output": 2**20}))
    assert (record["state"], record["reason"]) == ("failed", "printed over 1M")


def test_silence_is_a_failure(store: Store, tmp_path: Path) -> None:
    record, said = ran(store, tmp_path, run("echo up; exec sleep 60", heartbeat=200))
    assert (record["state"], record["reason"], said) == ("failed", "silent for 200ms", b"up\n")


def test_silence_is_retried_like_a_timeout(store: Store, tmp_path: Path) -> None:
    text = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 60; }}"
    retries = {"max": 1, "delay": 0, "on": ["timeout"]}
    record, _ = ran(store, tmp_path, run(text, heartbeat=200, retries=retries))
    assert (record["state"], record["attempt"]) == ("ok", 2)
    assert record["tries"][0]["reason"] == "silent for 200ms"


def test_a_command_that_prints_or_reports_is_not_silent(store: Store, tmp_path: Path) -> None:
    loop = "for i in range(12):\n  time.sleep(0.1)\n  if i % 2: print(i, flush=True)\n  else: progress(i)\n"
    code = f"import time\nfrom jobboard.report import progress\n{loop}"
    record, _ = ran(store, tmp_path, {"command": {"exec": [PYTHON, "-c", code]}, "heartbeat": 1000})
    assert record["state"] == "ok"


def test_progress_is_there_for_people_to_see(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    board(store, {"job": run(f'{JOBBOARD} progress 40 "copying"; read line < {tmp_path}/fifo')})
    with working(store, tmp_path):
        run_id = start(store, "job")
        event = wait_for_event(store, lambda e: e["e"] == "progress")
        assert (event["run"], event["percent"], event["text"]) == (run_id, "40", "copying")
        seen = read_run(store, run_id)
        assert seen is not None
        assert (seen.percent, seen.doing, seen.progress) == (40, "copying", "40%, copying")
        (tmp_path / "fifo").write_text("go\n")
        assert finished(store, run_id)["state"] == "ok"
    after = read_run(store, run_id)
    assert after is not None
    assert after.progress == ""


def test_a_run_names_its_failure_and_its_group(store: Store, tmp_path: Path) -> None:
    text = f'{JOBBOARD} progress --failure "the disk is full" --group disk; exit 3'
    record, _ = ran(store, tmp_path, run(text))
    assert (record["reason"], record["group"]) == ("exit 3: the disk is full", "disk")


def test_what_a_run_says_of_failing_means_nothing_when_it_succeeds(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, run(f"{JOBBOARD} progress --failure bad --group disk"))
    assert (record["state"], record.get("reason"), record.get("group")) == ("ok", None, None)


def test_whoever_has_no_key_is_not_listened_to(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    board(store, {"job": run(f"echo $JOBBOARD_REPORT; read line < {tmp_path}/fifo; exit 3")})
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: output(store, run_id).endswith(b"\n"))
        address, _, key = output(store, run_id).decode().strip().rpartition("#")
        where = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            for said in (
                b"\xff",
                b"[]",
                b'{"key": 5}',
                b'{"key": "x", "failure": "forged"}',
                b'{"failure": "forged"}',
            ):
                sock.sendto(said, where)
            sock.sendto(json.dumps({"key": key, "failure": "true", "percent": "x"}).encode(), where)
        (tmp_path / "fifo").write_text("go\n")
        assert finished(store, run_id)["reason"] == "exit 3: true"


@pytest.mark.parametrize("spec", [{}, {"nice": 1}], ids=["spawned", "forked"])
def test_a_command_reports_by_writing_lines(store: Store, tmp_path: Path, spec: dict[str, Any]) -> None:
    os.mkfifo(tmp_path / "fifo")
    lines = (
        """printf '{"percent": 40, "text": "copying"}\\n{"failure": "no room", "group": "disk"}\\nwhat\\n'"""
    )
    command = f"{lines} >&$JOBBOARD_REPORT_FD; echo said; read line < {tmp_path}/fifo; exit 3"
    board(store, {"job": run(command, **spec)})
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: store.client.hget(store.key("run", run_id), "progress"))
        (tmp_path / "fifo").write_text("go\n")
        record = finished(store, run_id)
    assert output(store, run_id) == b"said\n"
    assert (record["reason"], record["group"]) == ("exit 3: no room", "disk")


def test_a_line_it_writes_is_a_sign_of_life(store: Store, tmp_path: Path) -> None:
    command = "for n in 1 2 3 4; do sleep 0.2; echo '{}' >&$JOBBOARD_REPORT_FD; done"
    record, _ = ran(store, tmp_path, run(command, heartbeat=500))
    assert record["state"] == "ok"


def test_a_name_that_is_taken_cannot_be_sent_under() -> None:
    sock, address = linux.open_datagram("jobboard-test-reader")
    with sock:
        sender = linux.open_sender("jobboard-test-name", address)
        if not linux.IS_LINUX:
            assert sender is None
            return
        assert sender is not None
        with sender:
            assert linux.open_sender("jobboard-test-name", address) is None
            sender.send(b"{}")
            assert sock.recvfrom(10) == (b"{}", b"\0jobboard-test-name")


def test_a_failure_that_is_allowed_is_ok_and_keeps_its_reason(store: Store, tmp_path: Path) -> None:
    spec = run("exit 3", allow_failure=True, retries={"max": 1, "delay": 0})
    record, _ = ran(store, tmp_path, spec)
    assert (record["state"], record["reason"], record["exit"], record["attempt"]) == ("ok", "exit 3", 3, 2)


def test_a_datagram_socket_works_with_a_file_too() -> None:
    sock, address = linux.open_named("x")
    with sock, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"hello", address)
        assert sock.recv(100) == b"hello"
    Path(address).unlink()
    Path(address).parent.rmdir()


def test_reporting_outside_of_a_run_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(report.VARIABLE, raising=False)
    assert not report.progress(40)
    monkeypatch.setenv(report.VARIABLE, "@jobboard-nobody#key")
    assert not report.progress(40)
    with pytest.raises(ValueError, match="101 is no percentage"):
        report.progress(101)


def test_a_run_that_cannot_be_started_soon_goes_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that is there and never ready: stopped before its first word."""
    board(store, {"job": run("true")})
    run_id = start(store, "job")
    with working(store, tmp_path) as worker:
        until(lambda: worker._executor._agent is not None)
        agent = worker._executor._agent
        assert agent is not None
        os.kill(agent.guard_pid, signal.SIGSTOP)
        back = wait_for_event(store, lambda e: e["e"] == "queued" and e.get("reason") == "")
        assert back["run"] == run_id
        os.kill(agent.guard_pid, signal.SIGCONT)
        assert finished(store, run_id)["state"] == "ok"
