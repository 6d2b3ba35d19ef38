"""What is sound in a board and still may not be wise: warnings about jobs, by rule (`core.rules`)."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault
from jobboard.core.times.schedule import cron_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Spec

PILE = 25
"""More jobs than this at minute 0 of one hour draw a warning."""

_EVERY_DAY = "* * *"


def untimed_lock(spec: Spec) -> Fault | None:
    """A warning for a job that holds a lock and may hold it for ever."""
    if "locks" not in spec or "timeout" in spec:
        return None
    names = " and ".join(f'"{name}"' for name in spec["locks"])
    message = f"no timeout: if the job hangs, it holds {names} until somebody notices"
    return Fault(("locks",), message, "Write  timeout: 1h  or what it needs", "warning", rule="lock-timeout")


def lock_order(listed: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, Fault]]:
    """By job, a warning for each that lists two locks in the opposite order of a job before it.

    A run takes all its locks at once, so that no order can make two runs wait for each other; commands that
    take the same locks themselves, one after the other, can.

    Args:
        listed: Addresses, each with its locks in the order in which they stand in the file.
    """
    first: dict[tuple[str, str], str] = {}
    for address, names in listed:
        for one, other in combinations(names, 2):
            before = first.get((other, one))
            if before is None:
                first.setdefault((one, other), address)
                continue
            message = f'lists "{one}" before "{other}", and {before} the other way round'
            hint = "Keep one order everywhere: commands that take locks one by one could wait for each other"
            yield address, Fault(("locks",), message, hint, "warning", rule="lock-order")
            break


def pile_up(schedules: Mapping[str, Mapping[str, Any]], crowd: int) -> list[tuple[str, Fault]]:
    """By job, a warning for each hour at whose minute 0 more than `PILE` jobs start on some day.

    Args:
        schedules: The canonical schedules by address.
        crowd: Of an expression that more jobs than this share something else is said (`crowded`).
    """
    sharp: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for address, schedule in schedules.items():
        if "cron" in schedule and "jitter" not in schedule and "seconds" not in schedule:
            for text in cron_texts(schedule):
                if text.startswith("0 ") and "H" not in text:
                    sharp[str(schedule.get("timezone", "UTC")), text].append(address)
    starting: defaultdict[tuple[str, int], defaultdict[str, list[str]]]
    starting = defaultdict(lambda: defaultdict(list))
    for (zone, text), jobs in sharp.items():
        _, hours, days = text.split(" ", 2)
        for hour in _hours(hours) if len(jobs) <= crowd else ():
            starting[zone, hour][days] += jobs
    return [found for (zone, hour), by_days in starting.items() for found in _piled(zone, hour, by_days)]


def _piled(zone: str, hour: int, by_days: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Fault]]:
    daily = by_days.get(_EVERY_DAY, ())
    largest = max(by_days, key=lambda days: (len(by_days[days]) if days != _EVERY_DAY else 0, days))
    jobs = [*daily, *(by_days[largest] if largest != _EVERY_DAY else ())]
    if len(jobs) > PILE:
        message = f"{len(jobs)} jobs start at {hour:02}:00 sharp ({zone})"
        hint = f"Write H for the minute, as in  H {hour} * * *, or add a jitter, and they spread"
        yield jobs[PILE], Fault(("cron",), message, hint, "warning", rule="pile-up")


def _hours(field: str) -> set[int]:
    """The hours of a canonical field: numbers, ranges, steps and ``*``."""
    hours: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, _, high = ("0-23" if span == "*" else span).partition("-")
        last = int(high or (23 if step else low))
        hours.update(range(int(low), last + 1, int(step or 1)))
    return hours
