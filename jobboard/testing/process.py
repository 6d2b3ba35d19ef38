"""One command, started as the agent starts it and waited for: its output, and how it ended."""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s
from jobboard.daemon.agent import child
from jobboard.daemon.agent.reaping import exit_of

if TYPE_CHECKING:
    from jobboard.daemon.frames import Message

_CHUNK_BYTES = 1 << 16


@dataclass(slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code, signal: One of them; neither for a command that would not die.
        timed_out: Whether it was ended because its time was up.
        output: What it wrote until then.
    """

    code: int | None = None
    signal: str | None = None
    timed_out: bool = False
    output: bytearray = field(default_factory=bytearray)


def ran(order: Message) -> Ended:
    """Carry out an order for the agent, to its end.

    Raises:
        child.Refusal: The command could not be started.
    """
    env, cwd, confined = order["env"], order["cwd"], order["confined"]
    pid, (output_fd,) = child.start(order["argv"], env, cwd, order["stdin"], confined)
    ended = Ended()
    exit_fd, told_fd = os.pipe()
    statuses: list[int] = []

    def wait() -> None:
        statuses.append(os.waitpid(pid, 0)[1])
        os.close(told_fd)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    try:
        _listen(ended, order, pid, (output_fd, exit_fd))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        waiter.join()
        os.close(exit_fd)
        os.close(output_fd)
    ended.code, ended.signal = exit_of(statuses[0])
    return ended


def _listen(ended: Ended, order: Message, pid: int, fds: tuple[int, int]) -> None:
    """Read until the command has ended; TERM when its time is up, KILL when that was no use."""
    output_fd, exit_fd = fds
    os.set_blocking(output_fd, False)
    timeout_ms = order["timeout_ms"]
    due_s = None if timeout_ms is None else monotonic_s() + timeout_ms / 1000
    poll = select.poll()
    poll.register(output_fd, select.POLLIN)
    poll.register(exit_fd, select.POLLIN)
    while True:
        ready = dict(poll.poll(None if due_s is None else max(0.0, due_s - monotonic_s()) * 1000))
        if output_fd in ready and not _read(ended, output_fd):
            poll.unregister(output_fd)
        if exit_fd in ready:
            while _read(ended, output_fd):
                pass
            return
        if due_s is not None and monotonic_s() >= due_s:
            os.killpg(pid, signal.SIGKILL if ended.timed_out else signal.SIGTERM)
            due_s = None if ended.timed_out else monotonic_s() + order["kill_after_ms"] / 1000
            ended.timed_out = True


def _read(ended: Ended, fd: int) -> bool:
    """Read once; whether there was anything."""
    try:
        chunk = os.read(fd, _CHUNK_BYTES)
    except BlockingIOError:
        return False
    ended.output += chunk
    return bool(chunk)
