"""What a schedule leaves out, as people write it: dates, ranges, cron expressions and calendars of these.

A date is a whole day in the job's zone. A range of dates includes both; one of instants ends before the last.
A cron expression stands for each minute that it names. Canonical are ranges of instants in UTC, merged and in
order, and after them the expressions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from jobboard.core.diagnostic import Fault, Path
from jobboard.core.times.cron import CronError, normalise_cron
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.nominals import DUSK_MS

Span: TypeAlias = tuple[int, int]
"""The first instant of a range, and the first after it."""

Calendars: TypeAlias = Mapping[str, Sequence[str]]
"""Name -> what it leaves out, as it is written."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY_MS = 86_400_000
_FORMS = "a date, a range such as 2026-12-24/2027-01-01, a cron expression, or a calendar's name"


def is_calendar_name(text: str) -> bool:
    """Whether an item can only be the name of a calendar."""
    return not _DATE.match(text) and len(text.split()) == 1 and text[:1] != "@"


def read_item(text: str, zone: str | None) -> Span | str:
    """One date, range or cron expression: a range of instants, or the canonical expression.

    Args:
        text: As written; no name of a calendar.
        zone: The zone of days and local times; None is UTC.

    Raises:
        CronError: If it is an expression and refused.
        ValueError: With a sentence, if it is anything else and makes none.
    """
    if not _DATE.match(text):
        normal = normalise_cron(text)
        if "H" in normal:
            raise CronError("an exclusion is the same for every job, and H is not", "write numbers", 0)
        return normal
    first, slash, last = text.partition("/")
    begin_ms = parse_instant(first, zone)
    if not slash:
        if not _DATE.fullmatch(first):
            raise ValueError(f"{text} is one instant; write a date, or a range such as {first}/{first}")
        return begin_ms, _day_after(first, zone)
    end_ms = _day_after(last, zone) if _DATE.fullmatch(last) else parse_instant(last, zone)
    if end_ms <= begin_ms:
        raise ValueError(f"{text} is a range that ends before it begins")
    return begin_ms, end_ms


def _day_after(text: str, zone: str | None) -> int:
    """When the day that follows a date begins in a zone."""
    midday_ms = parse_instant(text, None) + _DAY_MS
    return parse_instant(format_instant(midday_ms)[:10], zone)


def compose_exclusions(
    given: Any, zone: str | None, calendars: Calendars, faults: list[Fault], path: Path = ("exclude",)
) -> list[str]:
    """The canonical form of what is left out; what is wrong is added to `faults`."""
    alone = isinstance(given, str)
    spans: list[Span] = []
    crons: set[str] = set()
    for index, text in enumerate([given] if alone else given):
        place = path if alone else (*path, index)
        if is_calendar_name(text):
            fault = _unknown(text, calendars, place)
            if fault is not None:
                faults.append(fault)
        for item in calendars.get(text, ()) if is_calendar_name(text) else [text]:
            found = _read(item, zone, place, faults)
            if isinstance(found, str):
                crons.add(found)
            elif found is not None:
                spans.append(found)
    return [*(f"{format_instant(a)}/{format_instant(b)}" for a, b in merged(spans)), *sorted(crons)]


def _read(text: str, zone: str | None, path: Path, faults: list[Fault]) -> Span | str | None:
    try:
        return read_item(text, zone)
    except CronError as error:
        faults.append(Fault(path, error.message, error.hint, offset=error.column))
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        faults.append(Fault(path, message, hint[:1].upper() + hint[1:] or f"Write {_FORMS}"))
    return None


def _unknown(name: str, calendars: Calendars, path: Path) -> Fault | None:
    if name in calendars:
        return None
    from difflib import get_close_matches

    near = get_close_matches(name, calendars, n=1)
    hint = (
        f'Did you mean "{near[0]}"?'
        if near
        else f"Declare it below  calendars:  of the board, or write {_FORMS}"
    )
    return Fault(path, f'there is no calendar "{name}"', hint)


def check_items(items: Any, path: Path, faults: list[Fault]) -> tuple[str, ...]:
    """The items of a calendar that are sound; what is wrong with the others is added to `faults`."""
    alone, sound = isinstance(items, str), []
    for index, text in enumerate([items] if alone else items):
        place = path if alone else (*path, index)
        if is_calendar_name(text):
            message = f"{text!r} is no date, range or cron expression"
            faults.append(
                Fault(place, message, "Write it like 2026-12-25; calendars hold no other calendars")
            )
        elif _read(text, None, place, faults) is not None:
            sound.append(text)
    return tuple(sound)


def merged(spans: Sequence[Span]) -> list[Span]:
    """Ranges in order, none of which touches another."""
    kept: list[Span] = []
    for begin_ms, end_ms in sorted(spans):
        if kept and begin_ms <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], end_ms))
        else:
            kept.append((max(0, begin_ms), min(end_ms, DUSK_MS)))
    return kept
