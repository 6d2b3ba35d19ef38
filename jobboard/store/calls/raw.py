"""Commands as a person types them, replies as the server gives them: for `jobboard redis-cli` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import ResponseError

from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What the server said instead of a reply."""

    text: str

    def __str__(self) -> str:
        return f"(error) {self.text}"


def raw(store: Store, words: Sequence[str]) -> Any:
    """Send one command as it is; its reply, undecoded, or an `ErrorReply`.

    Raises:
        errors.StoreUnreachable: No answer.
    """
    with explained(store.url):
        connection: Any = store.client.connection_pool.get_connection()
        try:
            connection.send_command(*words)
            return _plain(connection.read_response())
        except BrokenConnection:
            connection.disconnect()
            raise
        except ResponseError as error:
            return ErrorReply(str(error))
        finally:
            store.client.connection_pool.release(connection)


def _plain(reply: Any) -> Any:
    """The reply with errors inside it, as a transaction's, made values too."""
    if isinstance(reply, ResponseError):
        return ErrorReply(str(reply))
    if isinstance(reply, list):
        return [_plain(part) for part in reply]
    return reply
