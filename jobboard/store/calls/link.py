"""One connection to a server: without the client library for as long as that goes, through it from then on.

Importing the client library takes longer than most short commands. So a link begins on a connection of its
own (`store.calls.direct`), and leaves it at the first need: for `Link.client`, where many threads share the
link, or where anything goes wrong, since only the library knows what that means. What the server says is
turned into our errors here, by `store.calls.explain`.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from jobboard.settings import masked
from jobboard.store.calls.direct import Unanswered, direct_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import redis

    from jobboard.store.calls.direct import Command, Direct
    from jobboard.store.calls.transport import Call, Transport

_Found = TypeVar("_Found")


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn whatever the client library raises inside the block into an error of ours.

    Args:
        url: Where the server is; its passwords are masked before it is shown.
    """
    try:
        yield
    except Exception as error:
        from jobboard.store.calls.explain import explanation

        ours = explanation(error, masked(url))
        if ours is None:
            raise
        raise ours from error


class Link:
    """A connection; one thread at a time, unless it is shared.

    Args:
        url, timeout_s, shared: As `store.calls.connect.Store` has them.

    Raises:
        errors.UsageError: The URL does not parse.
    """

    def __init__(self, url: str, timeout_s: float | None, *, shared: bool) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._shared = shared
        self._direct = None if shared else direct_to(url, timeout_s)
        if self._direct is None:
            # An address that does not parse is found out now, not at the first call.
            _ = self.client

    @cached_property
    def client(self) -> redis.Redis:
        """The client library's client; from its first use on, everything goes through it."""
        from jobboard.store.calls.library import client_of

        self._leave_direct()
        return client_of(self._url, self._timeout_s)

    def read(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands that only read, in one piece; their replies as the server gives them.

        Raises:
            errors.StoreUnreachable: No answer.
            errors.StoreRefused: The server would not.
        """
        if not commands:
            return []
        found = self._directly(lambda direct: direct.ask(*commands))
        if found is not None:
            return found
        from jobboard.store.calls.library import replies

        with explained(self._url):
            return replies(self.client, commands)

    def answer(self, call: Call) -> bytes:
        """Run a script and wait for its answer.

        Raises:
            errors.StoreUnreachable, errors.StoreRefused: As `read`.
        """
        answer = self._directly(lambda direct: direct.answer(call))
        return answer if answer is not None else self.submit(call)()

    def submit(self, call: Call) -> Callable[[], bytes]:
        """Run a script without waiting for its answer: what is returned does, and raises as `answer`."""
        submitted = self._transport.submit(call)

        def awaited() -> bytes:
            with explained(self._url):
                return submitted.result()

        return awaited

    def greeting(self) -> Mapping[Any, Any]:
        """What the server said of itself at connecting."""
        found = self._directly(lambda direct: direct.greeting())
        if found is not None:
            return found
        pool: Any = self.client.connection_pool
        with explained(self._url):
            connection = pool.get_connection()
        try:
            said: Mapping[Any, Any] = connection.handshake_metadata
        finally:
            pool.release(connection)
        return said

    def close(self) -> None:
        """End every connection. Safe to call twice."""
        self._leave_direct()
        for opened in ("_transport", "client"):
            if opened in self.__dict__:
                getattr(self, opened).close()

    @cached_property
    def _transport(self) -> Transport:
        if self._shared:
            from jobboard.store.calls.multiplexed import Multiplexed

            return Multiplexed(self._connected)
        from jobboard.store.calls.transport import Blocking

        return Blocking(self.client)

    def _connected(self) -> Any:
        connection: Any = self.client.connection_pool.make_connection()
        connection.connect()
        return connection

    def _directly(self, ask: Callable[[Direct], _Found]) -> _Found | None:
        """What is found without the library; None where that is not to be, from now on."""
        direct = self._direct
        if direct is None:
            return None
        try:
            return ask(direct)
        except Unanswered:
            self._leave_direct()
            return None

    def _leave_direct(self) -> None:
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()
