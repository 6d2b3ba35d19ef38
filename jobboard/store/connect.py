"""One connection to one namespace, and the one way to call a script.

What the server says is turned into our errors here, so that nothing above the store ever sees an exception
of the client library.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobboard import errors
from jobboard.store import keys, scripts
from jobboard.store.wire import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator


class Store:
    """A namespace on a server.

    Safe to use from one thread at a time; open another for another thread (`again`).

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; an embedded server is started by `store.embedded`,
            which hands over a unix URL.
        namespace: The namespace all keys lie in.
    """

    def __init__(self, url: str, namespace: str, *, timeout_s: float | None = 30.0) -> None:
        self.url = url
        self.namespace = namespace
        self._timeout_s = timeout_s
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=5.0,
            retry=Retry(NoBackoff(), 1),
            protocol=3,
        )
        self._prefix = keys.prefix(namespace)
        self._meta = self.key("meta")

    def again(self, *, timeout_s: float | None = 30.0) -> Store:
        """Another connection to the same namespace."""
        return Store(self.url, self.namespace, timeout_s=timeout_s)

    def key(self, *parts: str) -> str:
        """The full name of a key: ``store.key("defs", "17")`` is ``jb:{NAMESPACE}:defs:17``."""
        return self._prefix + ":".join(parts)

    def call(self, script: str, /, **arguments: Any) -> Any:
        """Run a script in one atomic step and decode its answer.

        Raises:
            errors.StoreUnreachable: No answer. The script may have run: every script answers a repeat of
                itself sensibly, so calling again is safe.
            errors.StoreRefused: The server would not; nothing was written.
        """
        found = scripts.load(script)
        packed = pack(arguments)
        with explained(self.url):
            try:
                raw = self.client.evalsha(found.sha, 1, self._meta, packed)
            except redis.exceptions.NoScriptError:
                raw = self.client.eval(found.text, 1, self._meta, packed)
        return unpack(raw)

    def close(self) -> None:
        """Drop the connection. Safe to call twice."""
        self.client.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn whatever the client library raises inside the block into an error of ours."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise errors.StoreUnreachable(f"no answer from {url}: {error}") from error
    except redis.exceptions.ResponseError as error:
        raise errors.StoreRefused(str(error)) from error
