"""The agent: the small process that starts commands, watches them, and ends them.

It knows nothing of the store. The runner tells it over a socket pair what to start and what to end; it
tells the runner what started, hands over the pipe its output comes from, and says how it ended. It is the
parent of every process of every run, orphans included (a subreaper), and a `guard` is its parent in turn:
whichever of runner, agent and guard dies, the others end every tree at once.

Messages in: ``spawn`` (id, argv, env, cwd, stdin, mark, timeout_ms, kill_after_ms, fenced, confined, split,
and report: name and address of its reports), ``end`` (id, why, within_ms), ``lease`` (term_at_s, kill_at_s on
the monotonic clock), ``quit``. A ``spawn`` may have ``fork``: program and module, which one of `forkservers`
may have loaded. Messages out: ``ready`` (pid), ``started`` (id, pid, brand, at_s and a descriptor),
``errors`` (id and the descriptor of standard error, where that is split off), ``refused`` (id, code, reason),
``late`` (id), ``exited`` (id, code or signal, why, at_s, and oom where somebody was killed for want of room).

An order may come late: the runner was frozen with it, or this process. By then the store may have given the
run to another worker. So what holds locks is not started from the instant on at which it would be sent TERM.

An attempt that is ended (timed out, cancelled, drained, cut off) has its whole tree sent TERM, and KILL after
its `kill_after`; it counts as exited once nobody of the tree is left. One that ends by itself counts as
exited when its first process has: what it leaves in the background is left alone, as cron leaves it.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s
from jobboard.daemon.agent import child, guard
from jobboard.daemon.agent.forkservers import Asked, ForkServers, Wanted
from jobboard.daemon.agent.memory import Rooms
from jobboard.daemon.agent.reaping import GIVE_UP_S, dead_children, end_all, exit_of, watch_children
from jobboard.daemon.frames import Channel, Message
from jobboard.daemon.system import confine, linux, tree
from jobboard.daemon.system.cgroup import Group
from jobboard.daemon.timers import Timer, Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BRANDS = 1 << 60
_LOOK_AGAIN_S = 0.1
_WAKEUP_BYTES = 4096


class Attempt:
    """A command that was started and has not been reported as ended."""

    __slots__ = (
        "brand",
        "fenced",
        "id",
        "kill_after_s",
        "killed",
        "mark",
        "pid",
        "room",
        "sender",
        "session",
        "status",
        "timeout_s",
        "timer",
        "why",
    )

    def __init__(self, wanted: Wanted, pid: int, brand: int | None) -> None:
        order = wanted.order
        self.id: str = order["id"]
        self.pid = pid
        self.brand = brand
        self.session: int | None = pid
        self.mark: str = order["mark"]
        self.timeout_s = None if order["timeout_ms"] is None else order["timeout_ms"] / 1000
        self.kill_after_s: float = order["kill_after_ms"] / 1000
        self.fenced: bool = order["fenced"]
        self.timer: Timer | None = None
        self.status: int | None = None
        self.why: str | None = None
        self.killed = False
        self.room = wanted.room
        # Kept open: what else has its name could speak for the command.
        self.sender = wanted.sender

    def members(self) -> set[int]:
        """Who of its tree is alive."""
        return tree.members(self.session, self.mark, self.brand)

    def wait_for(self, timer: Timer | None) -> None:
        """Replace what it is waiting for."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = timer


class Agent:
    """The loop.

    Args:
        channel: To the runner.
        guard_fd: Reads end-of-file once the guard is dead.
        group: Where it starts commands; None where there is no such thing.
    """

    def __init__(self, channel: Channel, guard_fd: int, group: Group | None = None) -> None:
        self._channel = channel
        self._guard_fd = guard_fd
        self._group = group if group is not None and group.enter() else None
        self._timers = Timers()
        self._attempts: dict[str, Attempt] = {}
        self._by_pid: dict[int, Attempt] = {}
        self._lease: Timer | None = None
        self._term_at_s, self._kill_at_s = math.inf, math.inf
        self._quitting = False
        # Of its own, so that a worker which a job runs takes none of the job's processes for its own.
        self._brand = _BRANDS + (int.from_bytes(os.urandom(4)) << 24)
        self._poll = select.poll()
        self._rooms = Rooms()
        self._servers = ForkServers(
            self._poll,
            self._timers,
            begin=self._forked,
            ended=lambda pid, status: self._bury([(pid, status)]),
            refuse=lambda asked, refusal: self._refuse(asked.wanted, refusal),
            start=self._start_all_the_same,
        )
        self._child_fd = watch_children()
        self._orders: dict[str, Callable[[Message], None]] = {
            "spawn": self._spawn,
            "end": self._order_end,
            "lease": self._renew,
            "quit": self._quit,
        }

    def run(self) -> bool:
        """Serve until told to quit; False if runner or guard died and every tree was ended."""
        for fd in (self._channel.sock.fileno(), self._guard_fd, self._child_fd):
            self._poll.register(fd, select.POLLIN)
        self._channel.put({"type": "ready", "pid": os.getpid()})
        while not self._quitting:
            if not self._turn():
                if self._group is not None and self._group.leave():
                    self._group.kill()
                end_all(os.getpid())
                if self._group is not None:
                    self._group.remove()
                return False
        self._channel.flush()
        self._servers.close()
        return True

    def _turn(self) -> bool:
        """Wait once and act; False when the runner or the guard is gone."""
        self._channel.flush()
        child.get_ready()
        wanted = select.POLLIN | (select.POLLOUT if self._channel.waiting else 0)
        self._poll.modify(self._channel.sock.fileno(), wanted)
        wait_s = self._timers.wait_s()
        ready = dict(self._poll.poll(None if wait_s is None else wait_s * 1000))
        if self._guard_fd in ready:
            return False
        if self._child_fd in ready:
            os.read(self._child_fd, _WAKEUP_BYTES)
            self._reap()
        events = ready.get(self._channel.sock.fileno(), 0)
        if events & ~select.POLLOUT:
            for message in self._channel.take():
                self._orders[message["type"]](message)
        self._servers.heard(ready.keys())
        self._timers.fire()
        return self._channel.open or self._quitting

    # ---- orders

    def _spawn(self, order: Message) -> None:
        if self._is_late(order):
            self._return(order)
            return
        wanted = self._prepared(order)
        self._brand += 1
        if order.get("fork") is not None and self._servers.ask(wanted, self._brand):
            return
        self._brand += 1
        branded = linux.brand_children(self._brand)
        try:
            pid, outputs = child.start(
                order["argv"],
                wanted.env,
                order["cwd"],
                order["stdin"],
                wanted.confined,
                split=order.get("split", False),
                report_fd=None if wanted.sender is None else wanted.sender.fileno(),
            )
        except child.Refusal as refusal:
            self._refuse(wanted, refusal)
            return
        self._begun(Attempt(wanted, pid, self._brand if branded else None), outputs)

    def _is_late(self, order: Message) -> bool:
        """Whether the lease it needs is as good as over: what is started before that, `_cut_off` ends."""
        return bool(order["fenced"]) and monotonic_s() >= self._term_at_s

    def _prepared(self, order: Message) -> Wanted:
        """An order with what a command needs: the socket of its reports, and where its memory is bounded."""
        env = {**order["env"], tree.MARK: order["mark"]}
        sender = linux.open_sender(*order["report"]) if "report" in order else None
        if sender is not None:
            env[child.REPORT_VARIABLE] = str(child.REPORT_FD)
        confined = order.get("confined")
        if not confined or "memory" not in confined.get("limits", {}):
            return Wanted(order, env, confined, sender, None)
        room = self._rooms.make(order["mark"], confined["limits"]["memory"])
        bounded = confined if room is None else confine.in_room(confined, room.door)
        return Wanted(order, env, bounded, sender, room)

    def _return(self, order: Message) -> None:
        self._channel.put({"type": "late", "id": order["id"]})

    def _refuse(self, wanted: Wanted, refusal: child.Refusal) -> None:
        self._discard(wanted)
        told = {"type": "refused", "id": wanted.order["id"]}
        self._channel.put({**told, "code": refusal.code, "reason": refusal.reason})

    def _discard(self, wanted: Wanted) -> None:
        if wanted.sender is not None:
            wanted.sender.close()
        if wanted.room is not None:
            self._rooms.give_up(wanted.room)

    def _forked(self, asked: Asked, pid: int) -> None:
        if self._is_late(asked.wanted.order):
            asked.abandon()
            self._discard(asked.wanted)
            self._return(asked.wanted.order)
            return
        self._begun(Attempt(asked.wanted, pid, asked.brand), asked.outputs)
        asked.begin()
        for order in asked.ends:
            self._order_end(order)

    def _start_all_the_same(self, asked: Asked) -> None:
        self._discard(asked.wanted)
        self._spawn({**asked.wanted.order, "fork": None})
        for order in asked.ends:
            self._order_end(order)

    def _begun(self, attempt: Attempt, outputs: tuple[int, ...]) -> None:
        self._forget_session(attempt.pid)
        self._attempts[attempt.id] = self._by_pid[attempt.pid] = attempt
        at_s = monotonic_s()
        if attempt.timeout_s is not None:
            attempt.wait_for(self._timers.at(at_s + attempt.timeout_s, lambda: self._end(attempt, "timeout")))
        who = {"id": attempt.id, "pid": attempt.pid, "brand": attempt.brand}
        told = {"type": "started", **who, "at_s": at_s}
        self._channel.put(told, outputs[0])
        for errors in outputs[1:]:
            self._channel.put({"type": "errors", "id": attempt.id}, errors)

    def _forget_session(self, pid: int) -> None:
        """A process id is used again: no older attempt may take the new session for its own."""
        for attempt in self._attempts.values():
            if attempt.pid == pid:
                attempt.session = None

    def _order_end(self, order: Message) -> None:
        attempt = self._attempts.get(order["id"])
        if attempt is None:
            self._servers.end(order)
        else:
            within_ms = order["within_ms"]
            self._end(attempt, order["why"], None if within_ms is None else monotonic_s() + within_ms / 1000)

    def _renew(self, order: Message) -> None:
        """The store was there: runs that hold locks may go on until the lease is nearly over."""
        if self._lease is not None:
            self._lease.cancel()
        self._term_at_s, self._kill_at_s = order["term_at_s"], order["kill_at_s"]
        self._lease = self._timers.at(self._term_at_s, self._cut_off)

    def _cut_off(self) -> None:
        for attempt in tuple(self._attempts.values()):
            if attempt.fenced:
                self._end(attempt, "lease", self._kill_at_s)

    def _quit(self, _: Message) -> None:
        self._quitting = True

    # ---- endings

    def _end(self, attempt: Attempt, why: str, kill_by_s: float | None = None) -> None:
        """Send TERM to a whole tree, and KILL when its time is up.

        What is ending already keeps its reason and gets no second TERM; `kill_by_s` may bring the KILL
        forward.
        """
        if attempt.killed:
            return
        kill_at_s = monotonic_s() + attempt.kill_after_s
        if attempt.why is not None:
            kill_at_s = attempt.timer.at_s if attempt.timer is not None else kill_at_s
        if kill_by_s is not None:
            kill_at_s = min(kill_at_s, kill_by_s)
        attempt.wait_for(self._timers.at(kill_at_s, lambda: self._kill(attempt)))
        if attempt.why is None:
            attempt.why = why
            pids = attempt.members()
            tree.signal_all(pids, signal.SIGTERM)
            tree.signal_all(pids, signal.SIGCONT)  # who is stopped acts on no signal

    def _kill(self, attempt: Attempt) -> None:
        attempt.killed = True
        tree.kill(attempt.members)
        give_up_at_s = monotonic_s() + GIVE_UP_S
        attempt.wait_for(self._timers.after(_LOOK_AGAIN_S, lambda: self._look_again(attempt, give_up_at_s)))
        self._reap()

    def _look_again(self, attempt: Attempt, give_up_at_s: float) -> None:
        if monotonic_s() >= give_up_at_s:
            self._report(attempt)
            return
        tree.kill(attempt.members)
        attempt.wait_for(self._timers.after(_LOOK_AGAIN_S, lambda: self._look_again(attempt, give_up_at_s)))

    def _reap(self) -> None:
        """Collect everyone who has died, orphans that came to us too."""
        self._bury(dead_children())

    def _bury(self, dead: Sequence[tuple[int, int]]) -> None:
        """Take note of those who have died, by process id and wait status."""
        for pid, status in dead:
            attempt = self._by_pid.pop(pid, None)
            if attempt is not None:
                attempt.status = status
                if attempt.why is None:
                    self._report(attempt)
        if dead:
            for attempt in tuple(self._attempts.values()):
                self._report_if_gone(attempt)

    def _report_if_gone(self, attempt: Attempt) -> None:
        if attempt.why is not None and attempt.status is not None and not attempt.members():
            self._report(attempt)

    def _report(self, attempt: Attempt) -> None:
        attempt.wait_for(None)
        if self._attempts.pop(attempt.id, None) is None:
            return
        if attempt.sender is not None:
            attempt.sender.close()
        code, name = exit_of(attempt.status)
        told = {"oom": True} if attempt.room is not None and attempt.room.was_too_small() else {}
        if attempt.room is not None:
            self._rooms.give_up(attempt.room)
        self._channel.put(
            {
                **told,
                "type": "exited",
                "id": attempt.id,
                "code": code,
                "signal": name,
                "why": attempt.why,
                "at_s": monotonic_s(),
            }
        )


def main() -> int:
    """Start under a guard and serve: ``python -m jobboard.daemon.agent.agent SOCKET LIFE SURVIVOR [GROUP]``.

    The first three are descriptors: the socket pair's end, a pipe that the runner holds open for as long as
    it lives, and a socket with what the survivor needs to know. The last is the directory of a control group.
    """
    socket_fd, life_fd, survivor_fd = map(int, sys.argv[1:4])
    group = Group(Path(sys.argv[4])) if sys.argv[4:] else None
    for fd in (socket_fd, life_fd, survivor_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003 - positional by the library's signature
    guard_fd = guard.fork_under_guard(socket_fd, life_fd, survivor_fd, group)
    linux.become_subreaper()
    child.reserve_report_fd()
    channel = Channel(socket.socket(fileno=socket_fd))
    if Agent(channel, guard_fd, group).run():
        return 0
    channel.close()
    if guard.runner_is_dead(life_fd):
        guard.become_survivor(survivor_fd)
    return guard.DISTURBED


if __name__ == "__main__":
    sys.exit(main())
