from __future__ import annotations

import os
import resource
import secrets
import select
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.work import animal, running_with, until

from jobboard.clock import monotonic_s
from jobboard.daemon.system import cgroup, linux, tree
from jobboard.daemon.worker.process import AgentProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.daemon.frames import Message

SOON_S = 2.0
PATIENCE_S = 10.0


class Driver:
    """Plays the runner."""

    def __init__(self, groups: Path | None) -> None:
        self.instance = secrets.token_hex(4)
        self.word = f"word-{self.instance}"
        self.agent = AgentProcess(
            self.instance, {"url": "unix:///nowhere", "namespace": "n", "worker": "w"}, groups
        )
        self.messages: list[Message] = []
        self.pid: int = self.hear("ready")["pid"]
        self._count = 0

    def spawn(self, command: dict[str, Any] | list[str], **changes: Any) -> str:
        self._count += 1
        argv = command["exec"] if isinstance(command, dict) else command
        order = {
            "type": "spawn",
            "id": str(self._count),
            "argv": argv,
            "env": {"PATH": os.environ["PATH"], "JOBBOARD_RUN_ID": "ops/a@1"},
            "cwd": None,
            "stdin": None,
            "mark": tree.mark_of(self.instance, self._count),
            "timeout_ms": None,
            "kill_after_ms": 10_000,
            "fenced": False,
            **changes,
        }
        self.agent.channel.put(order)
        return str(order["id"])

    def animal(self, kind: str, **changes: Any) -> str:
        """Start one of the zoo and wait until it is in place."""
        name = self.spawn(animal("tree", kind, self.word), **changes)
        self.line(self.hear("started", name)["fd"])
        return name

    def end(self, name: str, why: str = "cancel", within_ms: int | None = None) -> None:
        self.agent.channel.put({"type": "end", "id": name, "why": why, "within_ms": within_ms})

    def hear(self, kind: str, name: str | None = None) -> Message:
        """The next message of that kind, about that attempt."""
        deadline_s = monotonic_s() + PATIENCE_S
        while True:
            for message in self.messages:
                if message["type"] == kind and message.get("id") == name:
                    self.messages.remove(message)
                    return message
            assert monotonic_s() < deadline_s, f"no {kind} {name}: {self.messages}"
            self._wait(deadline_s)
            self.messages += self.agent.channel.take()
            assert self.agent.channel.open, "the agent is gone"

    def _wait(self, deadline_s: float) -> None:
        self.agent.channel.flush()
        poll = select.poll()
        poll.register(
            self.agent.channel.sock, select.POLLIN | (select.POLLOUT if self.agent.channel.waiting else 0)
        )
        poll.poll(max(0.0, deadline_s - monotonic_s()) * 1000)
        self.agent.channel.flush()

    def line(self, fd: int) -> bytes:
        """One line of an attempt's output; the pipe stays open."""
        text = b""
        while not text.endswith(b"\n"):
            piece = os.read(fd, 1)
            assert piece, f"it wrote only {text!r}"
            text += piece
        return text

    def whole(self, fd: int) -> bytes:
        with os.fdopen(fd, "rb") as file:
            return file.read()

    def wait_until_gone(self) -> None:
        until(lambda: not running_with(self.word), SOON_S)


def writable_groups() -> Path | None:
    """Where control groups may be made; None where there is no such place."""
    made = cgroup.make(secrets.token_hex(4), parent := cgroup.own())
    if made is not None:
        made.remove()
    return parent if made is not None else None


GROUPS = {None, writable_groups()}
"""Every test runs without a control group, and with one where the system lets us make it."""


@pytest.fixture(params=sorted(GROUPS, key=str), ids=lambda groups: "group" if groups else "walk")
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    one = Driver(request.param)
    yield one
    if one.agent.channel.open:
        one.agent.quit()
    else:
        one.agent.bury()
    for pid in running_with(one.word):
        os.kill(pid, signal.SIGKILL)


def test_a_command_runs_and_its_output_comes_in_order(driver: Driver) -> None:
    name = driver.spawn(["sh", "-c", "echo a; echo b >&2; echo c; exit 3"])
    fd = driver.hear("started", name)["fd"]
    ended = driver.hear("exited", name)
    assert driver.whole(fd) == b"a\nb\nc\n"
    assert (ended["code"], ended["signal"], ended["why"]) == (3, None, None)


def test_the_pipe_is_large(driver: Driver) -> None:
    name = driver.spawn(["sleep", "30"])
    fd = driver.hear("started", name)["fd"]
    if linux.IS_LINUX:
        import fcntl

        assert fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) == linux.PIPE_BYTES
    os.close(fd)
    driver.end(name)
    driver.hear("exited", name)


def test_a_command_leads_a_session_and_has_only_its_own_environment(driver: Driver) -> None:
    name = driver.spawn(["sh", "-c", "echo $$; ps -o sid= -p $$; env"])
    pid, session, *env = driver.whole(driver.hear("started", name)["fd"]).split()
    assert pid == session
    names = {line.partition(b"=")[0] for line in env}
    assert names == {b"PATH", b"PWD", b"JOBBOARD_RUN_ID", b"JOBBOARD_TREE"}


def test_standard_input_is_nothing_or_the_text_given(driver: Driver) -> None:
    assert driver.whole(driver.hear("started", driver.spawn(["cat"]))["fd"]) == b""
    text = "täxt\n" * 100_000
    name = driver.spawn(["cat"], stdin=text)
    assert driver.whole(driver.hear("started", name)["fd"]).decode() == text


def test_no_descriptor_of_ours_reaches_a_command(driver: Driver) -> None:
    others = driver.spawn(["sleep", "30"])
    os.close(driver.hear("started", others)["fd"])
    name = driver.spawn(["ls", "/proc/self/fd"])
    open_fds = driver.whole(driver.hear("started", name)["fd"]).split()
    assert open_fds == [b"0", b"1", b"2", b"3"]  # the last is ls's own, of the directory
    driver.end(others)


def test_signals_are_at_their_defaults_in_a_command(driver: Driver) -> None:
    name = driver.spawn(["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"])
    lines = driver.whole(driver.hear("started", name)["fd"]).split()
    # Signals 32 and 33 are the C library's own: no program can set them, so they stay as they were inherited.
    settable = ~(0b11 << 31)
    assert [int(mask, 16) & settable for mask in lines[1::2]] == [0, 0]


@pytest.mark.parametrize(
    ("argv", "cwd", "code", "reason"),
    [
        (["no-such-command"], None, 127, "exit 127: command not found: no-such-command"),
        (["/etc/passwd"], None, 126, "exit 126: permission denied: /etc/passwd"),
        (["true"], "/no/such", 126, "exit 126: no such directory: /no/such"),
        (["true"], "/etc/passwd", 126, "exit 126: not a directory: /etc/passwd"),
        (["true", "a\0b"], None, 126, "exit 126: not runnable: embedded null byte"),
    ],
)
def test_what_cannot_be_started_says_why(
    driver: Driver, argv: list[str], cwd: str | None, code: int, reason: str
) -> None:
    refused = driver.hear("refused", driver.spawn(argv, cwd=cwd))
    assert (refused["code"], refused["reason"]) == (code, reason)


def test_a_script_without_a_first_line_says_what_it_lacks(driver: Driver, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo hi\n")
    script.chmod(0o755)
    assert "needs a first line" in driver.hear("refused", driver.spawn([str(script)]))["reason"]


def test_a_signal_is_named(driver: Driver) -> None:
    ended = driver.hear("exited", driver.spawn(["sh", "-c", "kill -SEGV $$"]))
    assert (ended["code"], ended["signal"]) == (None, "SIGSEGV")


def test_an_attempt_that_times_out_gets_term(driver: Driver) -> None:
    # Long enough for a shell on a busy machine to have set its trap.
    name = driver.spawn(["sh", "-c", "trap 'echo bye; exit 5' TERM; sleep 60 & wait"], timeout_ms=4000)
    fd = driver.hear("started", name)["fd"]
    ended = driver.hear("exited", name)
    assert driver.whole(fd) == b"bye\n"
    assert (ended["code"], ended["why"]) == (5, "timeout")


def test_term_is_followed_by_kill(driver: Driver) -> None:
    name = driver.animal("deaf", kill_after_ms=100)
    driver.end(name)
    ended = driver.hear("exited", name)
    assert (ended["signal"], ended["why"]) == ("SIGKILL", "cancel")
    assert not running_with(driver.word)


def test_a_stopped_process_is_woken_to_hear_term(driver: Driver) -> None:
    name = driver.spawn(["sh", "-c", "trap 'exit 6' TERM; kill -STOP $$; sleep 60"])
    pid = driver.hear("started", name)["pid"]
    until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T")
    driver.end(name)
    assert driver.hear("exited", name)["code"] == 6


def test_an_order_to_hurry_brings_the_kill_forward(driver: Driver) -> None:
    name = driver.animal("deaf", kill_after_ms=600_000)
    driver.end(name, "drain")
    driver.end(name, "drain", within_ms=50)
    ended = driver.hear("exited", name)
    assert (ended["signal"], ended["why"]) == ("SIGKILL", "drain")


@pytest.mark.parametrize("kind", ["deaf", "daemon", "bare", "closed", "forking", "crowd"])
def test_nobody_of_a_tree_escapes_the_kill(driver: Driver, kind: str) -> None:
    name = driver.animal(kind, kill_after_ms=50)
    driver.end(name)
    assert driver.hear("exited", name)["why"] == "cancel"
    driver.wait_until_gone()


def test_other_attempts_are_not_touched(driver: Driver) -> None:
    first, second = driver.animal("deaf", kill_after_ms=0), driver.animal("deaf", kill_after_ms=0)
    driver.end(first)
    driver.hear("exited", first)
    assert len(running_with(driver.word)) == 1
    driver.end(second)
    driver.hear("exited", second)


def test_who_left_session_and_environment_is_told_apart_from_others_who_did(driver: Driver) -> None:
    first, second = driver.animal("bare", kill_after_ms=0), driver.animal("bare", kill_after_ms=0)
    assert len(running_with(driver.word)) == 4
    driver.end(first)
    driver.hear("exited", first)
    assert len(running_with(driver.word)) == 2
    driver.end(second)
    driver.hear("exited", second)
    assert not running_with(driver.word)


def test_a_timeout_ends_who_left_session_and_environment(driver: Driver) -> None:
    name = driver.spawn(animal("tree", "bare", driver.word), timeout_ms=1500, kill_after_ms=50)
    driver.line(driver.hear("started", name)["fd"])
    assert driver.hear("exited", name)["why"] == "timeout"
    assert not running_with(driver.word)


def test_an_attempt_that_is_ended_counts_as_exited_once_nobody_is_left(driver: Driver) -> None:
    name = driver.spawn(animal("tree", "leaf", driver.word), kill_after_ms=60_000)
    driver.line(driver.hear("started", name)["fd"])
    driver.end(name)
    assert driver.hear("exited", name)["signal"] == "SIGTERM"
    assert not running_with(driver.word)


def test_what_is_left_in_the_background_lives_on(driver: Driver) -> None:
    name = driver.spawn(animal("tree", "leaver", driver.word))
    fd = driver.hear("started", name)["fd"]
    ended = driver.hear("exited", name)
    assert (ended["code"], ended["why"]) == (0, None)
    assert {driver.line(fd), driver.line(fd)} == {b"left\n", b"leaf\n"}
    assert running_with(driver.word)
    driver.agent.quit()
    assert running_with(driver.word)


@pytest.mark.parametrize("kind", ["deaf", "daemon", "bare", "closed", "forking", "crowd", "leaver"])
@pytest.mark.parametrize("victim", ["runner", "agent", "guard"])
def test_whoever_dies_every_tree_ends(driver: Driver, kind: str, victim: str) -> None:
    driver.animal(kind, kill_after_ms=600_000)
    if kind in ("daemon", "bare"):
        until(lambda: len(running_with(driver.word)) == 2)
    if victim == "runner":
        driver.agent.channel.close()
    else:
        os.kill(driver.pid if victim == "agent" else driver.agent.guard_pid, signal.SIGKILL)
    driver.wait_until_gone()
    driver.agent.bury()


def test_the_agent_outlives_the_signals_that_stop_a_worker(driver: Driver) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(driver.pid, number)
        os.kill(driver.agent.guard_pid, number)
    assert driver.hear("exited", driver.spawn(["true"]))["code"] == 0


def test_runs_that_hold_locks_end_with_the_lease(driver: Driver) -> None:
    free, fenced = driver.animal("deaf", fenced=False), driver.animal("deaf", fenced=True)
    now_s = monotonic_s()
    driver.agent.channel.put({"type": "lease", "term_at_s": now_s + 0.05, "kill_at_s": now_s + 0.2})
    ended = driver.hear("exited", fenced)
    assert (ended["signal"], ended["why"]) == ("SIGKILL", "lease")
    assert len(running_with(driver.word)) == 1
    driver.end(free, within_ms=0)
    driver.hear("exited", free)


def test_a_renewed_lease_lets_them_live(driver: Driver) -> None:
    name = driver.animal("deaf", fenced=True)
    now_s = monotonic_s()
    driver.agent.channel.put({"type": "lease", "term_at_s": now_s + 0.3, "kill_at_s": now_s + 0.3})
    driver.agent.channel.put({"type": "lease", "term_at_s": now_s + 60, "kill_at_s": now_s + 70})
    other = driver.spawn(["sleep", "0.5"])
    driver.hear("exited", other)
    assert len(running_with(driver.word)) == 1
    driver.end(name, within_ms=0)
    driver.hear("exited", name)


def test_what_holds_locks_is_not_started_once_the_lease_is_over(driver: Driver) -> None:
    """What was reserved before a runner was frozen may run elsewhere by the time it thaws."""
    now_s = monotonic_s()
    driver.agent.channel.put({"type": "lease", "term_at_s": now_s, "kill_at_s": now_s + 60})
    driver.hear("late", driver.spawn(animal("tree", "leaf", driver.word), fenced=True))
    driver.hear("exited", driver.spawn(["true"]))
    driver.agent.channel.put({"type": "lease", "term_at_s": now_s + 60, "kill_at_s": now_s + 70})
    driver.hear("exited", driver.spawn(["true"]))
    assert not running_with(driver.word)


def test_many_commands_at_once(driver: Driver) -> None:
    names = [driver.spawn(["sh", "-c", f"echo {n}"]) for n in range(300)]
    outputs = []
    for name in names:
        fd = driver.hear("started", name)["fd"]
        assert driver.hear("exited", name)["code"] == 0
        outputs.append(driver.whole(fd))
    assert outputs == [f"{n}\n".encode() for n in range(300)]


def test_processes_read_the_same_from_proc_and_from_ps() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        seen, shown = linux.processes_of_proc()[child.pid], linux.processes_of_ps()[child.pid]
        assert seen.parent == shown.parent == os.getpid()
        assert seen.group == shown.group == child.pid
        assert seen.session == child.pid
        child.kill()
    assert child.pid not in linux.processes_of_proc()
    assert child.pid not in linux.processes_of_ps()


def test_trees_end_without_what_only_linux_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "IS_LINUX", False)
    assert linux.become_subreaper() is False
    with subprocess.Popen(
        ["sh", "-c", "trap '' TERM; sleep 60 & echo up; wait; sleep 60"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        assert len(tree.members(child.pid, "none.0")) == 2
        tree.kill(lambda: tree.members(child.pid, "none.0"))
        assert child.wait(SOON_S) == -signal.SIGKILL
    until(lambda: not tree.members(child.pid, "none.0"), SOON_S)


@pytest.mark.parametrize("is_linux", [True, False])
def test_an_unnamed_file_holds_what_is_written(monkeypatch: pytest.MonkeyPatch, is_linux: bool) -> None:
    monkeypatch.setattr(linux, "IS_LINUX", is_linux)
    fd = linux.open_unnamed()
    os.write(fd, b"text")
    assert os.pread(fd, 10, 0) == b"text"
    assert not os.get_inheritable(fd)
    os.close(fd)


@pytest.mark.parametrize("is_linux", [True, False])
def test_what_is_started_carries_a_number_where_the_system_can_do_that(
    monkeypatch: pytest.MonkeyPatch, is_linux: bool
) -> None:
    monkeypatch.setattr(linux, "IS_LINUX", is_linux)
    limit = resource.getrlimit(resource.RLIMIT_RTTIME)
    number = 2**60 + 12345
    try:
        assert linux.brand_children(number) is is_linux
        with subprocess.Popen(["env", "-i", "setsid", "cat"], stdin=subprocess.PIPE) as child:
            assert (linux.brand_of(child.pid) == number) is is_linux
    finally:
        resource.setrlimit(resource.RLIMIT_RTTIME, limit)
    assert linux.brand_of(child.pid) is None


def test_a_limit_that_is_not_ours_to_raise_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5, 5))
    assert linux.brand_children(2**60) is False
