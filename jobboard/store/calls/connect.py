"""One connection to one namespace, and the one way to call a script.

What the server says is turned into our errors (`store.calls.link`), so that nothing above the store ever sees
an exception of the client library. Opening a store and reading from it needs no right beyond reading keys: a
user with ``+@read +evalsha_ro ~*`` can plan.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Self

from jobboard import errors
from jobboard.settings import masked
from jobboard.store.calls.link import Link, explained
from jobboard.store.calls.wire import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import redis

    from jobboard.settings import Settings
    from jobboard.store.calls.direct import Command
    from jobboard.store.calls.transport import Call
    from jobboard.store.server.embedded import EmbeddedLease

__all__ = ["FORMAT", "Store", "explained", "open_store", "pack", "unpack"]

FORMAT = "1.1"
"""The format this version writes, major.minor; `include/guard.lua` and `include/refusal.lua` hold to it."""

OLDEST_SERVER = (7, 0)

# Asked twice, as every answer is.
_FIRST_ANSWER_S = 2.5


class Store:
    """A namespace on a server.

    Safe to use from one thread at a time, unless it is shared; open another for another thread (`again`).

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, with user, password, database and TLS settings as
            the client library reads them.
        namespace: The namespace all keys lie in.
        timeout_s: How long an answer may take; None waits for ever.
        lease: Keeps an embedded server running; let go of when this store is closed.
        shared: Whether any number of threads call and submit at once, over one connection; see
            `store.calls.multiplexed`. A call of its own takes half as long again.

    Raises:
        errors.UsageError: The URL does not parse.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        *,
        timeout_s: float | None = 30.0,
        lease: EmbeddedLease | None = None,
        shared: bool = False,
    ) -> None:
        self.url = url
        self.namespace = namespace
        self.lease = lease
        self._reviving = lease
        self._link = Link(url, timeout_s, shared=shared)
        # Everything of a namespace lies behind one hash tag; `store.calls.keys` lists what there is.
        self._prefix = f"jb:{{{namespace}}}:"
        self._meta = self.key("meta")

    @property
    def client(self) -> redis.Redis:
        """The client library's client. What can be had by `read` or a script takes less without it."""
        return self._link.client

    def again(self, *, timeout_s: float | None = 30.0, shared: bool = False) -> Store:
        """Another connection to the same namespace. It ends with, or before, the store it was made from."""
        another = Store(self.url, self.namespace, timeout_s=timeout_s, shared=shared)
        another._reviving = self._reviving
        return another

    @property
    def shown_url(self) -> str:
        """Where the server is, fit for a message."""
        return masked(self.url)

    def key(self, *parts: str) -> str:
        """The full name of a key: ``store.key("defs", "17")`` is ``jb:{NAMESPACE}:defs:17``."""
        return self._prefix + ":".join(parts)

    def call(self, script: str, /, **arguments: Any) -> Any:
        """Run a script in one atomic step and decode its answer.

        An embedded server that has died meanwhile is started again, and asked again.

        Raises:
            errors.StoreUnreachable: No answer. The script may have run: every script answers a repeat of
                itself sensibly, so calling again is safe.
            errors.StoreRefused: The server would not; nothing was written.
            errors.WrongFormat: The namespace was written by another major version.
        """
        return self._ask(self._call(script, arguments))

    def prepared(self, script: str, /, **arguments: Any) -> Callable[[], Any]:
        """A call that is ready to be made: what is returned makes it, and answers and raises as `call`."""
        asked = self._call(script, arguments)
        return lambda: self._ask(asked)

    def submit(self, script: str, /, **arguments: Any) -> Callable[[], Any]:
        """Run a script without waiting: what is returned waits for its answer and decodes it, as `call`.

        Only on a shared store do other calls go out meanwhile. A server that has died is not started again.

        Raises:
            errors.JobboardError: By what is returned; as `call`.
        """
        answer = self._link.submit(self._call(script, arguments))
        return lambda: self._decoded(answer())

    def read(self, *commands: Command) -> list[Any]:
        """Send commands that only read, in one piece; their replies as the server gives them.

        Raises:
            errors.StoreUnreachable: No answer.
            errors.StoreRefused: The server would not.
        """
        return self._link.read(commands)

    def _ask(self, asked: Call) -> Any:
        try:
            return self._decoded(self._link.answer(asked))
        except errors.StoreUnreachable:
            if self._reviving is None or not self._reviving.ensure_running():
                raise
            return self._decoded(self._link.answer(asked))

    def _call(self, script: str, arguments: Mapping[str, Any]) -> Call:
        from jobboard.store.calls import scripts
        from jobboard.store.calls.transport import Call

        return Call(scripts.load(script), self._meta, pack(arguments))

    def _decoded(self, packed: bytes) -> Any:
        value = unpack(packed)
        if isinstance(value, list) and value and value[0] == "WRONG_FORMAT":
            raise self._wrong_format(value[1])
        return value

    def greeting(self) -> Mapping[str, Any]:
        """What the server says of itself at connecting: ``server``, ``version``, ``mode``, ``role``.

        Every user may hear it, whatever else they may not do.
        """
        return {_text(name): _text(said) for name, said in self._link.greeting().items()}

    def ensure_ours(self) -> None:
        """Check that this server and this namespace can be used.

        Raises:
            errors.NotOurs: The server is too old.
            errors.WrongFormat: The namespace was written by another major version.
            errors.Refused: The namespace was made by a test, and this process is none.
        """
        version = str(self.greeting()["version"])
        if version_of(version) < OLDEST_SERVER:
            from jobboard.store.calls.explain import too_old

            raise too_old(self.shown_url, version)
        raw_format, test = self.read(("HMGET", self._meta, "format", "test"))[0]
        if raw_format is not None and major_of(raw_format.decode()) != major_of(FORMAT):
            raise self._wrong_format(raw_format.decode())
        if test == b"1" and os.environ.get("JOBBOARD_TEST") != "1":
            raise errors.Refused(
                f'the namespace "{self.namespace}" was made by a test: its clock is not the real one',
                "Use another --namespace, or set JOBBOARD_TEST=1 if this is the test",
            )

    def _wrong_format(self, found: str) -> errors.WrongFormat:
        newer = major_of(found) > major_of(FORMAT)
        return errors.WrongFormat(
            f'the namespace "{self.namespace}" at {self.shown_url} has format {found}; '
            f"this jobboard writes format {FORMAT}",
            "Upgrade jobboard here" if newer else "Use another --namespace, and sync the boards into it",
        )

    def close(self) -> None:
        """Drop the connection, and the lease of an embedded server. Safe to call twice."""
        self._link.close()
        if self.lease is not None:
            self.lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(settings: Settings, *, timeout_s: float | None = 30.0, shared: bool = False) -> Store:
    """The store of these settings, started if it is the embedded one, and checked.

    `timeout_s` and `shared` are those of `Store`.

    Raises:
        errors.StoreUnreachable: No server answers, or the embedded one cannot be started.
        errors.StoreRefused: A server answers and cannot be used; see `Store.ensure_ours`.
        errors.UsageError: The URL does not parse.
    """
    if not settings.embedded:
        # What listens there may be anything, and say nothing: found out before a patient connection is made.
        with Store(settings.redis_url, settings.namespace, timeout_s=_FIRST_ANSWER_S) as stranger:
            stranger.ensure_ours()
        return Store(settings.redis_url, settings.namespace, timeout_s=timeout_s, shared=shared)
    from jobboard.store.server.embedded import open_embedded

    lease = open_embedded(settings.home)
    store = Store(lease.url, settings.namespace, timeout_s=timeout_s, lease=lease, shared=shared)
    try:
        store.ensure_ours()
    except BaseException:
        store.close()
        raise
    return store


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers: ``7.0.15`` is (7, 0, 15). What is no number ends it."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0]))


def numbers_of(version_format: str) -> tuple[int, ...]:
    """A format as numbers that compare as its age does."""
    return tuple(map(int, re.findall(r"\d+", version_format)))


def major_of(version_format: str) -> int:
    """The major number of a format; -1 where there is none, which no version writes."""
    found = re.match(r"\d+", version_format)
    return int(found.group()) if found else -1


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
