"""When a job runs, as far as one key says: expressions, windows, zones."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken, sentence
from jobboard.core.diagnostic import Fault
from jobboard.core.times.cron import CronError, normalise_cron
from jobboard.core.times.zone import UnknownZone, find_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Path

WINDOWS: Mapping[str, str] = MappingProxyType({"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1"})
"""Names of windows, and the expressions they stand for: a week begins on Monday."""


def read_cron(value: str | list[str], path: Path, faults: list[Fault]) -> Any:
    """Expressions as written, refused for what is wrong whatever `seconds` and `days` say beside them."""
    count = len(faults)
    for index, text in enumerate([value] if isinstance(value, str) else value):
        if len(text.split()) == 6:
            continue
        try:
            normalise_cron(text, days="or")
        except CronError as error:
            place = path if isinstance(value, str) else (*path, index)
            faults.append(Fault(place, error.message, error.hint, offset=error.column))
    return value if len(faults) == count else BROKEN


def read_zone(value: str, path: Path, faults: list[Fault]) -> Any:
    """The name of a time zone that is known."""
    try:
        return find_zone(value).name
    except UnknownZone as error:
        return broken(faults, Fault(path, str(error), sentence(error.hint)))


def read_window(value: str, path: Path, faults: list[Fault]) -> Any:
    """The expression that names the beginnings of windows."""
    text = WINDOWS.get(value, value)
    try:
        return normalise_cron(text)
    except CronError as error:
        if " " in value:
            return broken(faults, Fault(path, error.message, error.hint, offset=error.column))
        hint = "Write  hour,  day,  week  or a cron expression for the beginnings of windows"
        return broken(faults, Fault(path, f'"{value}" is no window', hint))
