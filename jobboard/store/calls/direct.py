"""Commands sent without the client library, whose import takes longer than most commands of ours do.

This connection knows plain addresses, one way to log in, and no second chance. Whatever it does not
understand and whatever goes wrong is `Unanswered`: then the client library is asked again, which has
patience, TLS, and a name for every error. So nothing may be sent here that must not be sent twice: reads,
and scripts, each of which answers a repeat of itself sensibly.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

import hiredis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.store.calls.transport import Call

Command: TypeAlias = "Sequence[str | bytes | int]"
"""The words of a command."""

_CONNECT_S = 5.0
_SHORTEST_S = 0.001
"""The system takes 0 for \"for ever\"."""
_MOST_BYTES = 1 << 16


class Unanswered(Exception):
    """The server did not do what was asked, or nobody knows. Ask again by the client library."""


class Direct:
    """One connection, made when it is first used; of several threads one asks at a time.

    Args:
        address: The path of a socket, or host and port.
        before: Commands that log in and choose the database; the first is HELLO.
        timeout_s: How long an answer may take; None waits for ever.
    """

    def __init__(
        self,
        address: str | tuple[str, int],
        before: Sequence[Command],
        timeout_s: float | None,
    ) -> None:
        self._address = address
        self._before = before
        self._timeout_s = timeout_s
        self._asking = threading.Lock()
        self._socket: socket.socket | None = None
        self._reader = hiredis.Reader()
        self._greeting: Mapping[bytes, Any] = {}

    def ask(self, *commands: Command) -> list[Any]:
        """Send commands in one piece; their replies, undecoded.

        Raises:
            Unanswered: One of them has no reply, or an error for one. This connection is at its end then.
        """
        with self._asking:
            before = self._before if self._socket is None else ()
            try:
                replies = self._exchange([*before, *commands])
            except (OSError, hiredis.HiredisError, TypeError) as error:
                self.close()
                raise Unanswered(str(error)) from error
            if before:
                self._greeting = replies[0]
            return replies[len(before) :]

    def answer(self, call: Call) -> bytes:
        """Run a script, and wait for its answer.

        Raises:
            Unanswered: As `ask`.
        """
        try:
            answer: bytes = self.ask(call.by_sha)[0]
        except Unanswered as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            answer = self.ask(call.by_text)[0]
        return answer

    def greeting(self) -> Mapping[bytes, Any]:
        """What the server said of itself when the connection was made.

        Raises:
            Unanswered: As `ask`.
        """
        if self._socket is None:
            self.ask()
        return self._greeting

    def close(self) -> None:
        """End the connection. Safe to call twice; asking again makes another."""
        connection, self._socket = self._socket, None
        self._reader = hiredis.Reader()
        if connection is not None:
            # Whoever waits for an answer in another thread is to learn of it.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def __del__(self) -> None:
        # As the client library's connections do: whoever forgets a store leaves no open socket behind.
        self.close()

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connected()
        connection.sendall(b"".join(map(_packed, commands)))
        return [self._reply(connection) for _ in commands]

    def _connected(self) -> socket.socket:
        if self._socket is None:
            if isinstance(self._address, str):
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.settimeout(_CONNECT_S)
                self._socket.connect(self._address)
            else:
                self._socket = socket.create_connection(self._address, _CONNECT_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._be_patient(self._socket)
        return self._socket

    def _be_patient(self, connection: socket.socket) -> None:
        # The system counts the time: Python would ask before each call whether it may be made.
        connection.settimeout(None)
        if self._timeout_s is not None:
            whole_s, rest_s = divmod(max(self._timeout_s, _SHORTEST_S), 1)
            span = struct.pack("ll", int(whole_s), int(1e6 * rest_s))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                connection.setsockopt(socket.SOL_SOCKET, option, span)

    def _reply(self, connection: socket.socket) -> Any:
        # False stands for "more is needed", and is no reply to any command of ours.
        while (reply := self._reader.gets()) is False:
            received = connection.recv(_MOST_BYTES)
            if not received:
                raise ConnectionResetError("the server ended the connection")
            self._reader.feed(received)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply


def direct_to(url: str, timeout_s: float | None) -> Direct | None:
    """A connection to an address that it understands; None where that takes the client library."""
    parts = urlsplit(url)
    # A user without a password is logged in by the library alone.
    if parts.query or parts.fragment or (parts.username and not parts.password):
        return None
    address: str | tuple[str, int]
    try:
        if parts.scheme == "unix" and not parts.hostname:
            address, database = unquote(parts.path), 0
        elif parts.scheme == "redis" and parts.hostname:
            address, database = (parts.hostname, parts.port or 6379), int(parts.path[1:] or 0)
        else:
            return None
    except ValueError:
        return None
    return Direct(address, [_hello(parts.username, parts.password), *_select(database)], timeout_s)


def _packed(command: Command) -> bytes:
    words: tuple[Any, ...] = tuple(command)
    packed: bytes = hiredis.pack_command(words)
    return packed


def _hello(user: str | None, password: str | None) -> tuple[str, ...]:
    if not password:
        return ("HELLO", "3")
    return ("HELLO", "3", "AUTH", unquote(user or "default"), unquote(password))


def _select(database: int) -> list[Command]:
    return [("SELECT", database)] if database else []
