"""The agent's fork servers: processes that have the module of `call` jobs loaded (`daemon.agent.forkserver`).

One is started when a module is called for the second time within ten minutes, with the same directory and
the same environment, and ended once it was of no use for as long. Nobody ever waits for it: until it is
ready, where it would not do, and when it does not answer, a run is started as any other command is.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from jobboard.clock import monotonic_s
from jobboard.daemon.agent import child
from jobboard.daemon.system import linux, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from jobboard.daemon.agent.memory import Room
    from jobboard.daemon.frames import Message
    from jobboard.daemon.timers import Timer, Timers

AGAIN_WITHIN_S = 600.0
MOST = 8
"""How many there are at once."""
_SPARED_S = 60.0
"""Where there are too many modules for them, it is the same few that have one."""
_ANSWER_S = 2.0
_MOST_REMEMBERED = 1000
_MESSAGE_BYTES = 1 << 10
_PRIVATE = "JOBBOARD_"
"""What variables begin with that differ from run to run."""


class Wanted(NamedTuple):
    """An order to start a command, and what was made for it.

    Attributes:
        order: What the agent was told.
        env: The whole environment.
        confined: As `confine.apply` takes it.
        sender: The socket of its reports.
        room: The control group that bounds its memory.
    """

    order: Message
    env: Mapping[str, str]
    confined: Mapping[str, Any] | None
    sender: socket.socket | None
    room: Room | None


@dataclass(slots=True)
class Asked:
    """What a server was asked to fork a process for.

    Attributes:
        wanted: What for.
        outputs: The ends to read from, as `child.start` has them.
        brand: What the process carries.
        go_fd: Where to write when it may begin.
        timer: When the server is given up.
        ends: Orders to end it that have come meanwhile.
    """

    wanted: Wanted
    outputs: tuple[int, ...]
    brand: int
    go_fd: int
    timer: Timer
    ends: list[Message] = field(default_factory=list)

    def begin(self) -> None:
        """Let the process begin, now that the agent knows it."""
        with suppress(BrokenPipeError):  # it was killed while it waited
            os.write(self.go_fd, b"g")
        os.close(self.go_fd)

    def abandon(self) -> None:
        """Nobody was forked, or whoever was is not to begin."""
        self.timer.cancel()
        for fd in (*self.outputs, self.go_fd):
            os.close(fd)


@dataclass(slots=True)
class _Server:
    pid: int
    sock: socket.socket
    used_at_s: float
    ready: bool = False
    asked: dict[str, Asked] = field(default_factory=dict)

    def kill(self) -> None:
        """It does not answer; what it was asked for is given up when its socket closes."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class ForkServers:
    """See the module.

    Args:
        poll: Of the agent.
        timers: Of the agent.
        begin: Is given what was asked for, and the process that was forked for it.
        ended: Is given a process that was forked, and the wait status it ended with.
        refuse: Is given what was asked for that cannot be started, and why.
        start: Is given what has to be started in the common way.
    """

    def __init__(
        self,
        poll: select.poll,
        timers: Timers,
        *,
        begin: Callable[[Asked, int], None],
        ended: Callable[[int, int], None],
        refuse: Callable[[Asked, child.Refusal], None],
        start: Callable[[Asked], None],
    ) -> None:
        self._poll = poll
        self._timers = timers
        self._begin = begin
        self._ended = ended
        self._refuse = refuse
        self._start = start
        self._servers: dict[Any, _Server] = {}
        self._called_at_s: dict[Any, float] = {}

    def ask(self, wanted: Wanted, brand: int) -> bool:
        """Have a process forked; False where it has to be started.

        Args:
            wanted: What for; its order says in `fork` which program and which module that takes.
            brand: What the process is to carry; see `linux.brand_children`.
        """
        order = wanted.order
        if not linux.IS_LINUX:
            return False  # nobody but init would be its parent
        shared = {name: text for name, text in wanted.env.items() if not name.startswith(_PRIVATE)}
        key = (*order["fork"], *order["argv"], order["cwd"], *shared.items())
        server = self._servers.get(key)
        if server is None:
            if self._is_called_again(key):
                self._serve(key, order, shared, brand)
            return False
        server.used_at_s = monotonic_s()
        return server.ready and self._send(server, wanted, brand)

    def end(self, order: Message) -> None:
        """Note an order to end what is being forked, if it is."""
        for server in self._servers.values():
            if order["id"] in server.asked:
                server.asked[order["id"]].ends.append(order)

    def heard(self, ready: Collection[int]) -> None:
        """Take what servers have said, given the descriptors that read."""
        for key, server in tuple(self._servers.items()):
            if server.sock.fileno() in ready:
                self._take(key, server)

    def close(self) -> None:
        """End all of them."""
        for key in tuple(self._servers):
            self._drop(key)

    def _is_called_again(self, key: Any) -> bool:
        now_s = monotonic_s()
        if len(self._called_at_s) >= _MOST_REMEMBERED:
            self._called_at_s.clear()
        before_s = self._called_at_s.get(key)
        self._called_at_s[key] = now_s
        return before_s is not None and now_s - before_s < AGAIN_WITHIN_S

    def _serve(self, key: Any, order: Message, shared: Mapping[str, str], brand: int) -> None:
        """Start a server, as a command of no attempt: the brand is for whoever starts next."""
        if not self._has_room():
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mark = f"{order['mark'].rpartition('.')[0]}.0"
        linux.brand_children(brand)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            # In place of a program: the server, which has that program fork.
            argv = [*order["argv"][:-1], "daemon.agent.forkserver", *order["fork"]]
            pid = child.spawn(
                argv, {**shared, tree.MARK: mark}, order["cwd"], (null, null, null, theirs.fileno())
            )
        except OSError:
            ours.close()
            return
        finally:
            os.close(null)
            theirs.close()
        ours.setblocking(False)  # noqa: FBT003 - positional by the library's signature
        self._poll.register(ours.fileno(), select.POLLIN)
        self._servers[key] = _Server(pid, ours, monotonic_s())
        self._timers.after(AGAIN_WITHIN_S, lambda: self._look_again(key))

    def _has_room(self) -> bool:
        """Whether there is room for one more; made by one that was of no use for a while."""
        if len(self._servers) < MOST:
            return True
        oldest = min(self._servers, key=lambda key: self._servers[key].used_at_s)
        if monotonic_s() - self._servers[oldest].used_at_s < _SPARED_S or self._servers[oldest].asked:
            return False
        self._drop(oldest)
        return True

    def _look_again(self, key: Any) -> None:
        """End a server that nobody has asked for long."""
        server = self._servers.get(key)
        if server is None:
            return
        left_s = server.used_at_s + AGAIN_WITHIN_S - monotonic_s()
        if left_s <= 0 and not server.asked:
            self._drop(key)
        else:
            self._timers.after(max(left_s, _ANSWER_S), lambda: self._look_again(key))

    def _send(self, server: _Server, wanted: Wanted, brand: int) -> bool:
        order = wanted.order
        read_ends, write_ends = child.open_pipes(split=order.get("split", False))
        source, values = child.open_input(order["stdin"]), child.open_input(json.dumps(dict(wanted.env)))
        waits, go_fd = os.pipe()
        report = () if wanted.sender is None else (wanted.sender.fileno(),)
        passed = [source, write_ends[0], write_ends[-1], *report, values, waits]
        told = {"id": order["id"], "cwd": order["cwd"], "brand": brand, "confined": wanted.confined}
        try:
            socket.send_fds(server.sock, [json.dumps(told).encode()], passed)
        except OSError:
            for fd in (*read_ends, go_fd):
                os.close(fd)
            return False
        finally:
            for fd in (*write_ends, source, values, waits):
                os.close(fd)
        timer = self._timers.after(_ANSWER_S, server.kill)
        server.asked[order["id"]] = Asked(wanted, read_ends, brand, go_fd, timer)
        return True

    def _take(self, key: Any, server: _Server) -> None:
        while True:
            try:
                raw = server.sock.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                raw = b""
            if not raw:
                self._drop(key)
                return
            said = json.loads(raw)
            server.ready = True
            if "id" in said:
                asked = server.asked.pop(said["id"])
                asked.timer.cancel()
                if "refused" in said:
                    asked.abandon()
                    self._refuse(asked, child.Refusal.to_run(said["refused"]))
                else:
                    self._begin(asked, said["pid"])
            elif "pid" in said:
                self._ended(said["pid"], said["status"])

    def _drop(self, key: Any) -> None:
        """A server is of no use any more; what it was asked for is started in the common way."""
        server = self._servers.pop(key)
        self._poll.unregister(server.sock.fileno())
        server.sock.close()
        server.kill()
        for asked in server.asked.values():
            asked.abandon()
            self._start(asked)
