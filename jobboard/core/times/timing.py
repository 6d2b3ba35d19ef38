"""The schedule of a job, from the keys that make it up to one canonical value.

Keys arrive read (`core.jobs.value`), instants still as people wrote them; here they meet the zone they are
local to, and each other.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.times.cron import CronError, has_starred_days, has_two_days, normalise_cron
from jobboard.core.times.decay import MOST_STEPS, Decay, steps_to_limit
from jobboard.core.times.duration import format_duration
from jobboard.core.times.exclude import compose_exclusions
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.repeat import RepeatError, parse_repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.times.exclude import Calendars

KINDS = ("cron", "every", "at", "repeat", "delay", "after")
OPTIONS = (
    "window",
    "seconds",
    "days",
    "timezone",
    "phase",
    "decay",
    "start",
    "stop",
    "for",
    "runs",
    "jitter",
    "exclude",
    "on_exclude",
)
OF_DELAY = ("timezone", "start", "stop", "for", "runs")
"""The options that a delay may have; its zone is that of the instants."""
# Options that mean something for one kind alone.
_OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cron": ("seconds", "days"), "every": ("decay",), "after": ("window",)}
)


def compose_schedule(
    own: Mapping[str, Any],
    timezone: str | None,
    jitter_ms: Any,
    faults: list[Fault],
    calendars: Calendars = MappingProxyType({}),
) -> Any:
    """The canonical `schedule` of a job's keys; None where it has none, `BROKEN` where they make none.

    Args:
        own: The job's own keys, read.
        timezone: The board's zone, for a job that names none.
        jitter_ms: The board's default jitter, for a job that has a schedule and no jitter of its own.
        faults: What is wrong is added here.
        calendars: Those that `exclude` may name.
    """
    kinds = [kind for kind in KINDS if kind in own]
    if len(kinds) > 1:
        hint = f"Keep one of {' and '.join(kinds)}"
        faults.append(
            KeyFault((kinds[1],), f'"{kinds[1]}" beside "{kinds[0]}": a job has one schedule', hint)
        )
        return BROKEN
    if kinds == ["after"] and own.get("window") is not None:
        return _windows(own, timezone, faults)
    if not kinds or kinds == ["after"]:
        return _without_clock(own, kinds, faults)
    if kinds == ["delay"]:
        return _after_each(own, timezone, faults)
    kind = kinds[0]
    zone = own.get("timezone", timezone)
    schedule: dict[str, Any] = {kind: own[kind]}
    if kind == "at":
        schedule["at"] = _instants(own["at"], zone, faults)
    elif kind == "cron":
        schedule.update(_crons(own, faults))
    elif kind == "repeat":
        repeat = _repeat(own["repeat"], zone, faults)
        schedule["repeat"] = repeat if repeat is BROKEN else repeat.text()
    _refuse_foreign(own, kind, faults)
    is_local = kind == "cron" or (kind == "repeat" and repeat is not BROKEN and repeat.is_calendar)
    if is_local and zone not in (None, "UTC"):
        schedule["timezone"] = zone
    jitter = own.get("jitter", jitter_ms)
    if jitter:
        schedule["jitter"] = jitter
    if own.get("runs") is not None:
        schedule["runs"] = own["runs"]
    _add_window(schedule, own, zone, faults)
    _add_phase(schedule, own, faults)
    _add_decay(schedule, own, faults)
    _add_exclusions(schedule, own, zone, calendars, faults)
    return BROKEN if BROKEN in schedule.values() else schedule


def _windows(own: Mapping[str, Any], timezone: str | None, faults: list[Fault]) -> Any:
    """The schedule of windows: their beginnings."""
    _without_clock({key: own[key] for key in own if key not in ("window", "timezone")}, ["after"], faults)
    zone = own.get("timezone", timezone)
    if BROKEN in (own["window"], zone):
        return BROKEN
    schedule = {"cron": own["window"]}
    return schedule if zone in (None, "UTC") else {**schedule, "timezone": zone}


def _after_each(own: Mapping[str, Any], timezone: str | None, faults: list[Fault]) -> Any:
    """The schedule of a job whose runs come a while after each other."""
    for option in OPTIONS:
        if option not in OF_DELAY and own.get(option) is not None:
            message = f'"{option}" means nothing beside "delay", whose instants follow from when runs end'
            faults.append(KeyFault((option,), message, "Take it out, or write every in place of delay"))
    schedule: dict[str, Any] = {"delay": own["delay"]}
    if own.get("runs") is not None:
        schedule["runs"] = own["runs"]
    _add_window(schedule, own, own.get("timezone", timezone), faults)
    return BROKEN if BROKEN in schedule.values() else schedule


def _without_clock(own: Mapping[str, Any], kinds: list[str], faults: list[Fault]) -> None:
    why = "a job that runs after another" if kinds else "a job without a schedule"
    for option in OPTIONS:
        if own.get(option) is not None:
            hint = "Add  cron, every or at, or take it out" if not kinds else "Take it out"
            faults.append(KeyFault((option,), f'"{option}" means nothing for {why}', hint))


def _refuse_foreign(own: Mapping[str, Any], kind: str, faults: list[Fault]) -> None:
    """Refuse what means something for another kind of schedule alone."""
    for other, options in _OF_KIND.items():
        for option in options if other != kind else ():
            if own.get(option) is not None:
                message = f'"{option}" means nothing without "{other}"'
                faults.append(KeyFault((option,), message, "Take it out"))


def _crons(own: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The expressions in order, each once, and what tells how they are meant."""
    given, seconds, days = own["cron"], own.get("seconds"), own.get("days")
    if BROKEN in (given, seconds, days):
        return {"cron": BROKEN}
    alone = isinstance(given, str)
    normals, count = set(), len(faults)
    for index, text in enumerate([given] if alone else given):
        try:
            normals.add(normalise_cron(text, seconds=bool(seconds), days=days))
        except CronError as error:
            path = ("cron",) if alone else ("cron", index)
            faults.append(Fault(path, error.message, error.hint, offset=error.column))
    if len(faults) > count:
        return {"cron": BROKEN}
    first, *others = sorted(normals)
    schedule: dict[str, Any] = {"cron": [first, *others] if others else first}
    if seconds:
        schedule["seconds"] = True
    if days is not None and any(map(has_two_days if days == "and" else has_starred_days, normals)):
        schedule["days"] = days
    return schedule


def _add_phase(schedule: dict[str, Any], own: Mapping[str, Any], faults: list[Fault]) -> None:
    phase: Any = own.get("phase")
    every: Any = schedule.get("every")
    if phase is None:
        return
    if "every" not in schedule:
        faults.append(KeyFault(("phase",), '"phase" means nothing without "every"', "Take it out"))
    elif own.get("start") is not None:
        hint = "Keep one of phase and start"
        faults.append(
            KeyFault(("phase",), '"phase" beside "start": the interval is counted from start', hint)
        )
    elif phase is not BROKEN and every is not BROKEN and phase >= every:
        message = f"a phase of {format_duration(phase)} is not below the interval of {format_duration(every)}"
        faults.append(Fault(("phase",), message))
    else:
        schedule["phase"] = phase


def _add_decay(schedule: dict[str, Any], own: Mapping[str, Any], faults: list[Fault]) -> None:
    decay: Any = own.get("decay")
    every: Any = schedule.get("every")
    if decay is None or every is None:
        return
    if BROKEN in (decay, every, schedule.get("start")):
        schedule["decay"] = BROKEN
        return
    found = _decay_fault(every, decay, has_start="start" in schedule)
    if found is not None:
        faults.append(found)
    schedule["decay"] = decay if found is None else BROKEN


def _add_exclusions(
    schedule: dict[str, Any], own: Mapping[str, Any], zone: Any, calendars: Calendars, faults: list[Fault]
) -> None:
    given, later = own.get("exclude"), own.get("on_exclude")
    if given is None:
        if later is not None:
            faults.append(
                KeyFault(("on_exclude",), '"on_exclude" means nothing without "exclude"', "Take it out")
            )
        return
    if BROKEN in (given, later, zone):
        schedule["exclude"] = BROKEN
        return
    count = len(faults)
    excluded = compose_exclusions(given, zone, calendars, faults)
    if len(faults) > count:
        schedule["exclude"] = BROKEN
    elif excluded:
        schedule["exclude"] = excluded
        if later == "defer":
            schedule["on_exclude"] = later
        # The last one is an expression if any is.
        if zone not in (None, "UTC") and len(excluded[-1].split()) > 1:
            schedule["timezone"] = zone


def _decay_fault(every_ms: int, decay: Mapping[str, Any], *, has_start: bool) -> Fault | None:
    """What is wrong with a decay beside its interval."""
    factor, least_ms, most_ms = decay["factor"], decay.get("min"), decay.get("max")
    if not has_start:
        hint = "Write  start: 2026-03-01T00:00:00Z  beside it, or whenever it begins"
        return KeyFault(("decay",), '"decay" needs "start": its steps are counted from there', hint)
    if factor == 1:
        return Fault(("decay", "factor"), "a factor of 1 changes nothing", "Leave decay out")
    limit = "max" if factor > 1 else "min"
    if decay.get(limit) is None:
        shown, grows = format_duration(every_ms * 100 if factor > 1 else max(1, every_ms // 100)), factor > 1
        message = f'"decay" needs "{limit}": the interval {"grows" if grows else "shrinks"} without end'
        return KeyFault(("decay",), message, f"Write  {limit}: {shown}  in it")
    if least_ms is not None and most_ms is not None and least_ms > most_ms:
        return Fault(("decay", "min"), "min is greater than max", "Swap them")
    steps = steps_to_limit(every_ms, Decay(factor, decay["step"], least_ms or 1, most_ms))
    if steps > MOST_STEPS:
        message = f"it would take {steps:,.0f} steps to reach {limit}, and {MOST_STEPS:,} are the most"
        return Fault(("decay", "factor"), message, "Write a factor further from 1, and a longer step")
    return None


def _repeat(text: Any, zone: Any, faults: list[Fault]) -> Any:
    if BROKEN in (text, zone):
        return BROKEN
    try:
        return parse_repeat(text, zone)
    except RepeatError as error:
        faults.append(Fault(("repeat",), error.message, error.hint, offset=error.column))
        return BROKEN


def _add_window(schedule: dict[str, Any], own: Mapping[str, Any], zone: Any, faults: list[Fault]) -> None:
    """Add `start` and `stop`; `for` becomes the latter."""
    start = _instant(own.get("start"), "start", zone, faults)
    stop = _instant(own.get("stop"), "stop", zone, faults)
    span = own.get("for")
    if span is not None:
        stop = _stop_after(start, span, own, faults)
    elif start is not None and stop is not None and BROKEN not in (start, stop) and stop <= start:
        faults.append(Fault(("stop",), "the schedule stops before it starts"))
        stop = BROKEN
    schedule.update((key, at) for key, at in (("start", start), ("stop", stop)) if at is not None)


def _stop_after(start: Any, span: Any, own: Mapping[str, Any], faults: list[Fault]) -> Any:
    if own.get("stop") is not None:
        faults.append(KeyFault(("for",), '"for" beside "stop": both say when the schedule ends', "Keep one"))
        return BROKEN
    if start is None:
        hint = "Write  start: 2026-03-01T00:00:00Z  beside it, or stop in its place"
        faults.append(KeyFault(("for",), '"for" needs "start": it is counted from there', hint))
        return BROKEN
    return BROKEN if BROKEN in (start, span) else start + span


def _instants(value: Any, zone: Any, faults: list[Fault]) -> Any:
    """Instants in order, each once."""
    if isinstance(value, str):
        at_ms = _instant(value, "at", zone, faults)
        return BROKEN if at_ms is BROKEN else [at_ms]
    if value is BROKEN:
        return BROKEN
    found = [_instant(text, ("at", index), zone, faults) for index, text in enumerate(value)]
    return BROKEN if BROKEN in found else sorted(set(found))


def _instant(value: Any, path: str | tuple[str | int, ...], zone: Any, faults: list[Fault]) -> Any:
    """An instant in ms; what is one already, of a definition in force, stays as it is."""
    if not isinstance(value, str) or zone is BROKEN:
        return BROKEN if isinstance(value, str) else value
    try:
        return parse_instant(value, zone)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        way_out = hint[0].upper() + hint[1:] if hint else None
        faults.append(Fault((path,) if isinstance(path, str) else path, message, way_out))
        return BROKEN
