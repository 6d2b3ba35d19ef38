"""Spans and instants as a program gives them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias, overload

from jobboard import errors
from jobboard.core.times.duration import parse_duration
from jobboard.core.times.instant import format_instant, parse_instant

Span: TypeAlias = timedelta | str
Instant: TypeAlias = datetime | str


@overload
def span_ms(span: Span) -> int: ...
@overload
def span_ms(span: Span | None) -> int | None: ...
def span_ms(span: Span | None) -> int | None:
    """A span in milliseconds."""
    if span is None:
        return None
    if isinstance(span, timedelta):
        return round(span / timedelta(milliseconds=1))
    try:
        return parse_duration(span)
    except ValueError as error:
        raise errors.UsageError(str(error)) from error


def instant_text(instant: Instant | None) -> str | None:
    """An instant as ISO 8601."""
    if instant is None or isinstance(instant, str):
        return instant
    if instant.tzinfo is None:
        raise errors.UsageError(f"{instant} names no zone", "add tzinfo, for example datetime.UTC")
    return instant.isoformat(timespec="milliseconds")


@overload
def instant_ms(instant: Instant) -> int: ...
@overload
def instant_ms(instant: Instant | None) -> int | None: ...
def instant_ms(instant: Instant | None) -> int | None:
    """An instant as milliseconds since the epoch."""
    text = instant_text(instant)
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise errors.UsageError(str(error)) from error


def past_ms(when: Span | Instant, now_ms: int) -> int:
    """The instant that a span before now, or an instant, stands for.

    Raises:
        errors.UsageError: It is neither.
    """
    try:
        return instant_ms(when) if isinstance(when, datetime) else now_ms - span_ms(when)
    except errors.UsageError:
        if not isinstance(when, str):
            raise
        return instant_ms(when)


def since_ms(since: Span | Instant, now_ms: int) -> int:
    """As `past_ms`.

    Raises:
        errors.UsageError: It is neither, or it is to come.
    """
    at_ms = past_ms(since, now_ms)
    if at_ms > now_ms:
        raise errors.UsageError(f"{since} is in the future", "as in 24h")
    return at_ms


def end_ms(until: Instant | None, for_: Span | None, now_ms: int) -> int | None:
    """The instant at which something ends by itself; None for never.

    Raises:
        errors.UsageError: It is told twice, is none, or is past.
    """
    if until is not None and for_ is not None:
        raise errors.UsageError("until and for_ both say when it ends", "leave one of them out")
    at_ms = instant_ms(until) if for_ is None else now_ms + span_ms(for_)
    if at_ms is not None and at_ms <= now_ms:
        raise errors.UsageError(
            f"{format_instant(at_ms)} is not ahead", f"it is {format_instant(now_ms)} now"
        )
    return at_ms
