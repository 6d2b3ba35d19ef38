"""Many calls under way at once on one connection, from any number of threads.

Who submits puts the call in a line and goes on. A sender writes whatever stands in line in one piece, so that
calls that come close together cost one system call and not one each; a reader hands out the answers, which
come in the order of the calls. Nothing waits to fill a batch: a lone call is sent at once.

When the connection breaks, every call under way fails as unanswered: it may have been carried out or not, and
every script answers a repeat of itself sensibly. The next call makes a new connection. No more than `MOST`
calls are under way; `submit` waits for room.

`asyncio.wrap_future` makes an answer awaitable: one transport serves threads and event loops.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.calls.transport import Call

MOST = 4096
"""Calls under way at once."""


class Multiplexed:
    """One connection that all threads of a process share.

    Args:
        connect: Makes an open connection of the client library. Its timeout is how long the server may say
            nothing while calls are under way.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._room = threading.BoundedSemaphore(MOST)
        self._making = threading.Lock()
        self._line: _Line | None = None

    def submit(self, call: Call) -> Future[bytes]:
        """Put the call in line, after waiting for room where `MOST` are under way."""
        self._room.acquire()
        answer: Future[bytes] = Future()
        answer.add_done_callback(lambda _: self._room.release())
        try:
            while not self._open_line().ask(call, answer):
                pass
        except RedisError as error:
            answer.set_exception(error)
        return answer

    def _open_line(self) -> _Line:
        with self._making:
            if self._line is None or self._line.broken:
                self._line = _Line(self._connect())
            return self._line

    def close(self) -> None:
        """End the connection; calls under way fail as unanswered."""
        with self._making:
            if self._line is not None:
                self._line.fail(BrokenConnection("closed here"))


class _Line:
    """One connection's calls: what is to be sent, and what was sent and is unanswered, oldest first."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        changing = threading.Lock()
        self._changing = changing
        self._to_send = threading.Condition(changing)
        self._to_read = threading.Condition(changing)
        self._unsent: list[tuple[Any, ...]] = []
        self._unanswered: deque[tuple[Call, Future[bytes]]] = deque()
        self.broken = False
        for duty in (self._send, self._read):
            threading.Thread(target=duty, name=f"multiplexed {duty.__name__}", daemon=True).start()

    def ask(self, call: Call, answer: Future[bytes], *, by_text: bool = False) -> bool:
        """Put a call at the end of the line; False where the line is broken and takes none."""
        command = call.by_text if by_text else call.by_sha
        with self._changing:
            if self.broken:
                return False
            self._unsent.append(command)
            self._unanswered.append((call, answer))
            # Only a first one finds anybody asleep.
            if len(self._unsent) == 1:
                self._to_send.notify()
            if len(self._unanswered) == 1:
                self._to_read.notify()
            return True

    def fail(self, error: RedisError) -> None:
        """Take no more calls, and answer those under way with the error."""
        with self._changing:
            self.broken = True
            lost, self._unanswered = self._unanswered, deque()
            self._to_send.notify()
            self._to_read.notify()
        # Ending the connection wakes a reader that waits in it.
        with suppress(RedisError, OSError):
            self._connection.disconnect()
        for _, answer in lost:
            answer.set_exception(error)

    def _send(self) -> None:
        while True:
            with self._to_send:
                self._to_send.wait_for(lambda: self._unsent or self.broken)
                if self.broken:
                    return
                batch, self._unsent = self._unsent, []
            try:
                self._connection.send_packed_command(self._connection.pack_commands(batch))
            except RedisError as error:
                self.fail(error)
                return

    def _read(self) -> None:
        while True:
            with self._to_read:
                self._to_read.wait_for(lambda: self._unanswered or self.broken)
                if self.broken:
                    return
            try:
                self._hand_out(self._next_reply())
            except RedisError as error:
                self.fail(error)
                return

    def _next_reply(self) -> bytes | ResponseError:
        try:
            reply: bytes = self._connection.read_response(disconnect_on_error=False)
        except ResponseError as error:
            return error
        return reply

    def _hand_out(self, reply: bytes | ResponseError) -> None:
        with self._changing:
            if not self._unanswered:
                return
            call, answer = self._unanswered.popleft()
        if isinstance(reply, NoScriptError):
            if not self.ask(call, answer, by_text=True):
                answer.set_exception(BrokenConnection("the connection broke"))
        elif isinstance(reply, ResponseError):
            answer.set_exception(reply)
        else:
            answer.set_result(reply)
