"""A schedule in a few words for people: ``every 3m5s``, ``at 02:00 every day (Europe/Madrid)``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobboard.core.times.cron import CronError, has_two_days, normalise_cron
from jobboard.core.times.duration import format_duration
from jobboard.core.times.instant import format_instant
from jobboard.core.times.repeat import parse_repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_NUMBERS = re.compile(r"\d+(,\d+)*", re.ASCII)
_STEP = re.compile(r"\*/(\d+)", re.ASCII)
# More times of day than this read better as the expression.
_MOST_TIMES = 4


def words(schedule: Mapping[str, Any]) -> str:
    """A short sentence for a canonical schedule; where none is shorter, the cron expression itself."""
    parts = [_when(schedule)]
    if "jitter" in schedule:
        jitter = schedule["jitter"]
        if isinstance(jitter, int):
            parts.append(f"up to {format_duration(jitter)} later")
        else:
            parts.append(f"up to {format_duration(jitter['max'])} later, each run anew")
    if "exclude" in schedule:
        parts.append(_exclude_words(schedule))
    if "start" in schedule:
        parts.append(f"from {format_instant(schedule['start'])}")
    if "stop" in schedule:
        parts.append(f"until {format_instant(schedule['stop'])}")
    if "runs" in schedule:
        parts.append("once" if schedule["runs"] == 1 else f"{schedule['runs']} times")
    return ", ".join(parts)


def _when(schedule: Mapping[str, Any]) -> str:
    if "every" in schedule:
        return f"every {format_duration(schedule['every'])}{_decay_words(schedule.get('decay'))}"
    if "delay" in schedule:
        return f"{format_duration(schedule['delay'])} after each run ends"
    if "repeat" in schedule:
        return _repeat_words(schedule)
    if "at" in schedule:
        first, *others = schedule["at"]
        return f"at {format_instant(first)}" + (f" and {len(others)} more" if others else "")
    given, zone = schedule["cron"], schedule.get("timezone", "UTC")
    texts = [given] if isinstance(given, str) else given
    when = " and ".join(_cron_words(text, schedule) for text in texts)
    return when if zone == "UTC" and when.startswith("every") else f"{when} ({zone})"


def _exclude_words(schedule: Mapping[str, Any]) -> str:
    ranges = [text for text in schedule["exclude"] if "/" in text and text[4:5] == "-"]
    parts = [_cron_words(text, {}) for text in schedule["exclude"] if text not in ranges]
    if ranges:
        parts.append("in 1 range of time" if len(ranges) == 1 else f"in {len(ranges)} ranges of time")
    later = ", but as soon as they are over" if schedule.get("on_exclude") == "defer" else ""
    return f"not {_listed(parts)}{later}"


def _decay_words(decay: Mapping[str, Any] | None) -> str:
    if decay is None:
        return ""
    limits = [
        f"{word} {format_duration(decay[key])}"
        for key, word in (("min", "at least"), ("max", "at most"))
        if key in decay
    ]
    return f", times {decay['factor']} after each {format_duration(decay['step'])}, {' and '.join(limits)}"


def _repeat_words(schedule: Mapping[str, Any]) -> str:
    zone = schedule.get("timezone", "UTC")
    repeat = parse_repeat(schedule["repeat"], zone)
    span = repeat.duration_text() if repeat.is_calendar else format_duration(repeat.elapsed_ms)
    times = "" if repeat.times is None else ", once" if repeat.times == 1 else f", {repeat.times} times"
    where = f" ({zone})" if repeat.is_calendar else ""
    return f"every {span} from {format_instant(repeat.start_ms)}{times}{where}"


def _cron_words(text: str, schedule: Mapping[str, Any]) -> str:
    days = schedule.get("days")
    try:
        normal = normalise_cron(text, seconds=schedule.get("seconds", False), days=days)
    except CronError:
        return text
    if days is not None and has_two_days(normal):
        return f"{normal} ({'both days' if days == 'and' else 'either day'})"
    *seconds, minute, hour, day, month, weekday = normal.split()
    if seconds:
        return _second_words(normal)
    days = _days(day, month, weekday)
    times = _times(minute, hour)
    if times is None or days is None:
        return normal
    return times if days == "every day" and not times.startswith("at") else f"{times} {days}"


def _second_words(normal: str) -> str:
    second, rest = normal.split(maxsplit=1)
    if rest != "* * * * *":
        return normal
    if second == "*":
        return "every second"
    found = _STEP.fullmatch(second)
    return f"every {found[1]} seconds" if found and 60 % int(found[1]) == 0 else normal


def _times(minute: str, hour: str) -> str | None:
    if hour == "*":
        return _within_the_hour(minute)
    if minute == "0" and (found := _STEP.fullmatch(hour)) and 24 % int(found[1]) == 0:
        return f"every {found[1]} hours"
    if not (_NUMBERS.fullmatch(minute) and _NUMBERS.fullmatch(hour)):
        return None
    clock = [f"{int(h):02}:{int(m):02}" for h in hour.split(",") for m in minute.split(",")]
    return f"at {_listed(clock)}" if len(clock) <= _MOST_TIMES else None


def _within_the_hour(minute: str) -> str | None:
    if minute == "*":
        return "every minute"
    if minute == "0":
        return "every hour"
    if (found := _STEP.fullmatch(minute)) and 60 % int(found[1]) == 0:
        return f"every {found[1]} minutes"
    if _NUMBERS.fullmatch(minute) and minute.count(",") < _MOST_TIMES:
        return f"every hour at {_listed([f':{int(m):02}' for m in minute.split(',')])}"
    return None


def _days(day: str, month: str, weekday: str) -> str | None:
    if month != "*" or (day != "*" and weekday != "*"):
        return None
    if weekday == "1-5":
        return "Monday to Friday"
    if _NUMBERS.fullmatch(weekday):
        return f"every {_listed([_DAY_NAMES[int(number)] for number in weekday.split(',')])}"
    if weekday != "*":
        return None
    if day == "*":
        return "every day"
    if day == "L":
        return "on the last day of every month"
    return f"on day {_listed(day.split(','))} of every month" if _NUMBERS.fullmatch(day) else None


def _listed(items: list[str]) -> str:
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last
