"""Whether a server is fit for what we keep there: what `doctor` tells about the store.

It looks at what the server tells this user and never fails for a right that is missing: what could not be
looked at is said too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from jobboard import clock, errors
from jobboard.core.times.moment import brief_span
from jobboard.store.calls.connect import FORMAT, OLDEST_SERVER, explained, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.store.calls.connect import Store

# Clocks further apart than this make what people read confusing; nothing depends on it.
_CLOCK_OFFSET_MS = 1000
_FULL_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        topic: What, in a word.
        level: ``ok``; ``warn``, it works but may not as you expect; ``error``, it does not.
        message: What was found.
        hint: What to do; None where nothing needs to be done.
    """

    topic: str
    level: Literal["ok", "warn", "error"]
    message: str
    hint: str | None = None


def check_usable(store: Store) -> list[Finding]:
    """Everything worth knowing about the server and the namespace, good and bad.

    Raises:
        errors.StoreUnreachable: No answer.
        errors.StoreRefused: Not even the connection was accepted.
    """
    findings = [_version(store.greeting()), *_writable(store), _clock_offset(store)]
    told = _told(store)
    if told is None:
        return [
            *findings,
            Finding("server", "warn", "this user may not run INFO; memory and persistence unknown"),
        ]
    return [*findings, *_memory(told), *_persistence(told)]


def _told(store: Store) -> Mapping[str, Any] | None:
    try:
        with explained(store.url):
            told: Mapping[str, Any] = store.client.info("everything")
    except errors.StoreReadOnly:
        return None
    return told


def _version(greeting: Mapping[str, Any]) -> Finding:
    name = f"{str(greeting.get('server', 'server')).capitalize()} {greeting['version']}"
    if version_of(str(greeting["version"])) < OLDEST_SERVER:
        return Finding("version", "error", f"{name} is too old", "Use Valkey, or Redis 7.0 or newer")
    return Finding("version", "ok", name)


def _writable(store: Store) -> Iterator[Finding]:
    with explained(store.url):
        written = cast("bytes | None", store.client.hget(store.key("meta"), "format"))
    if written is None:
        yield Finding("namespace", "ok", f'"{store.namespace}" is unused so far')
        return
    yield Finding("namespace", "ok", f'"{store.namespace}", format {written.decode()}, ours is {FORMAT}')
    try:
        with explained(store.url):
            # A write that changes nothing: the field is there, and stays as it is.
            store.client.hsetnx(store.key("meta"), "format", FORMAT)
    except errors.StoreRefused as error:
        yield Finding("writes", "error", error.message, error.hint)
    else:
        yield Finding("writes", "ok", "accepted")


def _clock_offset(store: Store) -> Finding:
    try:
        with explained(store.url):
            seconds, micros = store.client.time()
    except errors.StoreReadOnly:
        return Finding("clock", "warn", "this user may not run TIME; the server's clock is unknown")
    offset_ms = seconds * 1000 + micros // 1000 - clock.now_ms()
    if abs(offset_ms) > _CLOCK_OFFSET_MS:
        ahead = "ahead of" if offset_ms > 0 else "behind"
        return Finding(
            "clock",
            "warn",
            f"the server's clock is {brief_span(abs(offset_ms))} {ahead} this machine's",
            "Jobs go by the server's clock; synchronise both",
        )
    return Finding("clock", "ok", f"within {brief_span(_CLOCK_OFFSET_MS)} of this machine's")


def _memory(told: Mapping[str, Any]) -> Iterator[Finding]:
    policy, limit, used = told["maxmemory_policy"], told["maxmemory"], told["used_memory"]
    if policy == "noeviction":
        yield Finding("eviction", "ok", "noeviction")
    else:
        yield Finding(
            "eviction",
            "error" if limit else "warn",
            f"{policy}: when memory is full, the server throws jobs away",
            "CONFIG SET maxmemory-policy noeviction",
        )
    if limit and used > limit * _FULL_SHARE:
        yield Finding("memory", "warn", f"{used:,} of {limit:,} bytes are used", "Raise maxmemory")
    else:
        yield Finding("memory", "ok", f"{used:,} bytes used, {f'of {limit:,}' if limit else 'no limit'}")


def _persistence(told: Mapping[str, Any]) -> Iterator[Finding]:
    if told["role"] != "master":
        yield Finding("role", "error", "this is a replica; it takes no writes", "Give the primary's address")
    if not told["aof_enabled"]:
        yield Finding(
            "persistence",
            "warn",
            "no append-only file: a restart forgets what happened since the last snapshot",
            "CONFIG SET appendonly yes",
        )
    elif told["aof_last_write_status"] != "ok":
        yield Finding(
            "persistence", "error", "the last write to disk failed", "Make room on the server's disk"
        )
    else:
        yield Finding("persistence", "ok", "append-only file")
