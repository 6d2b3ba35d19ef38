"""Values of options as people type them: numbers, spans, instants. What is none is refused by its option."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, overload

from jobboard import errors

if TYPE_CHECKING:
    from collections.abc import Callable


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0)


def time_zone(text: str) -> str:
    """A time zone by its name."""
    from jobboard.core.times.zone import UnknownZone, find_zone

    try:
        find_zone(text)
    except UnknownZone as error:
        raise ArgumentTypeError(f"takes a time zone like Europe/Madrid, not {text!r}") from error
    return text


def _whole(text: str, least: int) -> int:
    number = text.replace(",", "").replace("_", "")
    if not (number.isascii() and number.isdecimal()) or int(number) < least:
        raise ArgumentTypeError(f"takes a whole number from {least} on, not {text!r}")
    return int(number)


@overload
def span_ms(text: str, option: str) -> int: ...
@overload
def span_ms(text: str | None, option: str) -> int | None: ...
def span_ms(text: str | None, option: str) -> int | None:
    """A span that an option was given; None for none.

    Raises:
        errors.UsageError: It is no span.
    """
    from jobboard.core.times.duration import parse_duration

    return None if text is None else _read(lambda: parse_duration(text), option)


@overload
def instant_ms(text: str, option: str, zone: str | None = None) -> int: ...
@overload
def instant_ms(text: str | None, option: str, zone: str | None = None) -> int | None: ...
def instant_ms(text: str | None, option: str, zone: str | None = None) -> int | None:
    """An instant that an option was given, in a zone or UTC where it says no offset; None for none.

    Raises:
        errors.UsageError: It is no instant.
    """
    from jobboard.core.times.instant import parse_instant

    return None if text is None else _read(lambda: parse_instant(text, zone), option)


@overload
def past_ms(text: str, option: str, now_ms: int, *, ahead: bool = False) -> int: ...
@overload
def past_ms(text: str | None, option: str, now_ms: int, *, ahead: bool = False) -> int | None: ...
def past_ms(text: str | None, option: str, now_ms: int, *, ahead: bool = False) -> int | None:
    """The instant that a span before now, or an instant, stands for; None for none.

    Raises:
        errors.UsageError: It is neither, or it is yet to come and may not be.
    """
    from jobboard.core.times.duration import parse_duration
    from jobboard.core.times.instant import format_instant, parse_instant

    if text is None:
        return None
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        at_ms = parse_instant(text)
    except ValueError as error:
        said = f"{option}: {text!r} is neither a span nor an instant"
        raise errors.UsageError(said, "as in 2h or 2026-11-20") from error
    if at_ms > now_ms and not ahead:
        raise errors.UsageError(f"{option}: {text} is yet to come", f"it is {format_instant(now_ms)} now")
    return at_ms


def _read(read: Callable[[], int], option: str) -> int:
    try:
        return read()
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise errors.UsageError(f"{option}: {message}", hint or None) from error
