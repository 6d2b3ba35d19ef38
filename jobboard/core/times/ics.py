"""Calendar files (iCalendar, RFC 5545): the days and times of their events, as a board would write them.

Read are single events, and those that come every year on a date or on a month's nth weekday; the latter count
for every year, whichever they begin in. What is not understood is refused, never left out.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from jobboard.core.times.instant import format_instant, parse_instant

_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?", re.ASCII)
_NTH_DAY = re.compile(r"([1-5]|-1)(SU|MO|TU|WE|TH|FR|SA)", re.ASCII)
_WEEKDAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_RULE_PARTS = frozenset({"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"})
_UNREAD = frozenset({"RDATE", "EXDATE", "DURATION"})


def read_ics(content: bytes) -> tuple[str, ...]:
    """What the events of a calendar file take, each as a date, a range or a cron expression.

    Raises:
        ValueError: With a sentence that names the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        raise ValueError("it is no calendar: it does not begin with BEGIN:VCALENDAR")
    found: list[str] = []
    event: dict[str, str] | None = None
    begun = 0
    for number, line in _unfolded(text):
        name, _, value = line.partition(":")
        if line.upper() == "BEGIN:VEVENT":
            event, begun = {}, number
        elif line.upper() == "END:VEVENT" and event is not None:
            found += _taken(event, begun)
            event = None
        elif event is not None:
            event.setdefault(name.partition(";")[0].upper(), f"{name}:{value}")
    return tuple(found)


def _unfolded(text: str) -> list[tuple[int, str]]:
    """Content lines with their numbers: one that begins with a blank goes on with the one before."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = (lines[-1][0], lines[-1][1] + line[1:])
        elif line.strip():
            lines.append((number, line.rstrip()))
    return lines


def _taken(event: dict[str, str], number: int) -> list[str]:
    if event.get("STATUS", "").upper().endswith("CANCELLED"):
        return []
    unread = sorted(_UNREAD & event.keys())
    if unread or "DTSTART" not in event:
        problem = f"{unread[0]}, which is not read" if unread else "no DTSTART"
        raise ValueError(f"the event in line {number} has {problem}")
    first, is_day = _moment(event["DTSTART"], number)
    last, _ = _moment(event["DTEND"], number) if "DTEND" in event else (None, is_day)
    if "RRULE" in event:
        return [_yearly(event["RRULE"], first, last, number)]
    if not is_day:
        return [f"{first}/{last}"] if last is not None else []
    # The end of days is the day after; an event of no length takes its day.
    final = first if last is None else max(first, str(date.fromisoformat(last) - timedelta(days=1)))
    return [first if final == first else f"{first}/{final}"]


def _moment(line: str, number: int) -> tuple[str, bool]:
    """A date, or a time as ISO 8601 has it, and whether it is a date."""
    name, _, value = line.partition(":")
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"the event in line {number} has a time that is none: {value}")
    day = "-".join(found.groups()[:3])
    if found[4] is None:
        return str(date.fromisoformat(day)), True
    text = f"{day}T{found[4]}:{found[5]}:{found[6]}{found[7]}"
    zone = next((part[5:].strip('"') for part in name.split(";") if part.upper().startswith("TZID=")), None)
    return (text if zone is None else format_instant(parse_instant(text, zone))), False


def _yearly(line: str, first: str, last: str | None, number: int) -> str:
    """A cron expression for whole days of every year."""
    parts = dict(part.upper().partition("=")[::2] for part in line.partition(":")[2].split(";") if part)
    day = date.fromisoformat(first) if len(first) == 10 else None
    is_one_day = day is not None and (last is None or date.fromisoformat(last) - day <= timedelta(days=1))
    if parts.get("FREQ") != "YEARLY" or parts.get("INTERVAL", "1") != "1" or parts.keys() - _RULE_PARTS:
        raise ValueError(f"the event in line {number} has a rule that is not read: {line.partition(':')[2]}")
    if day is None or not is_one_day:
        raise ValueError(f"the event in line {number} comes every year and is not one whole day")
    month = parts.get("BYMONTH", str(day.month))
    if "BYDAY" not in parts:
        return f"* * {parts.get('BYMONTHDAY', day.day)} {month} *"
    nth = _NTH_DAY.fullmatch(parts["BYDAY"])
    if nth is None or "BYMONTHDAY" in parts:
        raise ValueError(f"the event in line {number} has a rule that is not read: {line.partition(':')[2]}")
    weekday = _WEEKDAYS.index(nth[2])
    return f"* * * {month} " + (f"{weekday}L" if nth[1] == "-1" else f"{weekday}#{nth[1]}")
