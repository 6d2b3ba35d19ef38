"""The agent as the runner sees it: started, told to quit, found dead."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, ClassVar

from jobboard.clock import monotonic_s
from jobboard.core.jobs.launch import HIDDEN
from jobboard.daemon.agent.guard import ACKNOWLEDGED
from jobboard.daemon.frames import Channel
from jobboard.daemon.system import cgroup, linux, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_QUIT_S = 5.0
_SWEEP_S = 2.0


class AgentProcess:
    """A running agent with its guard.

    Args:
        instance: The random name of this worker process, by which its trees are known.
        report: What the survivor needs to tell the store that this worker is dead: url, namespace, worker.
            It goes through a socket; arguments and environments are there for anyone to read.
        groups: The directory in which it may make a control group of its own; None for none.

    Attributes:
        channel: Messages to and from it.
        pid: Its process id, once it has said so.
        guards: The process ids of all guards of this process.
    """

    guards: ClassVar[set[int]] = set()

    def __init__(self, instance: str, report: Mapping[str, str], groups: Path | None) -> None:
        self._instance = instance
        self._group = cgroup.make(f"{instance}-{secrets.token_hex(2)}", groups)
        linux.become_subreaper()
        self._older = _children()
        ours, theirs = socket.socketpair()
        life_end, self._life_fd = os.pipe()
        survivor_end = _legible(json.dumps(dict(report)).encode())
        passed = (theirs.fileno(), life_end, survivor_end)
        group = [str(self._group.path)] if self._group is not None else []
        try:
            # A session of its own: Ctrl-C in a terminal is for the runner to act on.
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "jobboard.daemon.agent.agent", *map(str, passed), *group],
                stdin=subprocess.DEVNULL,
                env={
                    **{name: value for name, value in os.environ.items() if name != HIDDEN},
                    tree.AGENT: instance,
                },
                pass_fds=passed,
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(life_end)
            os.close(survivor_end)
        self.channel = Channel(ours)
        self.pid: int | None = None
        self.guards.add(self._child.pid)

    @property
    def guard_pid(self) -> int:
        """The process id of the guard; the agent says its own when it is ready."""
        return self._child.pid

    def quit(self) -> None:
        """Have it exit, and wait until it has. What runs of jobs left in the background is left alone."""
        self.channel.put({"type": "quit"})
        self.channel.flush()
        give_up_at_s = monotonic_s() + _QUIT_S
        while self.channel.open and monotonic_s() < give_up_at_s:
            _wait(self.channel, give_up_at_s - monotonic_s())
            self.channel.take()
        linux.become_subreaper(wanted=False)
        self._release()
        if self._group is not None:
            self._group.remove()

    def bury(self) -> None:
        """After its death: end what it left, without the guard, which may be frozen."""
        if self._group is not None:
            self._group.kill()
        end_marked(self._instance)
        self._release()
        _end_all(self._adopted)
        if self._group is not None:
            self._group.remove()

    def _adopted(self) -> set[int]:
        """Processes that came to us since both agent and guard are dead, and everyone below them.

        Whatever else this process has started was there before, or is in our own session.
        """
        table = linux.processes()
        ours = table[os.getpid()]
        found = {
            pid
            for pid in _children() - self._older - self.guards
            if pid in table and table[pid].session != ours.session
        }
        for pid in tuple(found):
            found |= tree.descendants(pid, table)
        return found

    def _release(self) -> None:
        self.channel.close()
        # A byte says that we are alive, and that nobody need tell the store.
        if self._life_fd >= 0:
            with contextlib.suppress(BrokenPipeError):  # the guard may be dead too
                os.write(self._life_fd, ACKNOWLEDGED)
            os.close(self._life_fd)
            self._life_fd = -1
        try:
            self._child.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self.guards.discard(self._child.pid)


def reap_orphans() -> None:
    """Collect dead processes that came to this one because their parents were gone.

    That is the duty of the first process of a container. The guard is waited for elsewhere.
    """
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in AgentProcess.guards:
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(found.si_pid, os.WNOHANG)


def end_marked(instance: str) -> None:
    """Kill every process that a worker process has started and that carries its mark, wherever it is.

    Its agent is one of them: frozen, it would act on what it was told before, once it is thawed.
    """
    _end_all(lambda: tree.marked(instance))


def _end_all(find: Callable[[], set[int]]) -> None:
    """Kill everyone `find` finds until nobody is left, and reap those who are our children."""
    ended: set[int] = set()

    def find_and_note() -> set[int]:
        found = find()
        ended.update(found)
        return found

    give_up_at_s = monotonic_s() + _SWEEP_S
    while tree.kill(find_and_note) and monotonic_s() < give_up_at_s:
        pass
    for pid in ended:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    me = os.getpid()
    return {pid for pid, process in linux.processes().items() if process.parent == me}


def _legible(content: bytes) -> int:
    """A descriptor with `content`, to be peeked at: two share it, and one may die having read it."""
    theirs, ours = socket.socketpair()
    with ours:
        ours.sendall(content)
    return theirs.detach()


def _wait(channel: Channel, span_s: float) -> None:
    poll = select.poll()
    poll.register(channel.sock.fileno(), select.POLLIN | (select.POLLOUT if channel.waiting else 0))
    poll.poll(span_s * 1000)
    channel.flush()
