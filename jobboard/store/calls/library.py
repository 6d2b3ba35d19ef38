"""The client library, as a link uses it. Importing this imports it, which takes a tenth of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobboard import errors
from jobboard.settings import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.store.calls.direct import Command

_CONNECT_S = 5.0


def client_of(url: str, timeout_s: float | None) -> redis.Redis:
    """A client of the server at that address.

    Raises:
        errors.UsageError: The address does not parse.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=_CONNECT_S,
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
            # One repeat, at once, for a connection that broke while idle; waiting is the caller's to decide.
            retry=Retry(NoBackoff(), 1),
            protocol=3,
        )
    except (ValueError, TypeError) as error:
        raise errors.UsageError(f'"{masked(url)}" is not the address of a store: {error}') from error


def replies(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """Send commands that only read in one piece; their replies, undecoded. Raises the library's errors."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()

    def ask() -> list[Any]:
        connection.send_packed_command(connection.pack_commands(commands))
        return [connection.read_response() for _ in commands]

    try:
        found: list[Any] = connection.retry.call_with_retry(ask, lambda _: connection.disconnect())
    except BaseException:
        # What is still to come would be taken for the reply to somebody else.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
    return found
