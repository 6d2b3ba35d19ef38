"""The named calendars of a board: dates written in it, and calendar files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault
from jobboard.core.times.exclude import check_items
from jobboard.core.times.ics import read_ics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Path
    from jobboard.source.digest import CalendarFile


def read_calendar(
    calendar: Mapping[str, Any], path: Path, beside: Mapping[str, CalendarFile]
) -> tuple[tuple[str, ...], list[Fault]]:
    """What a calendar leaves out, as a board would write it, and what is wrong with it.

    Args:
        calendar: As it stands in the board, of valid shape.
        path: To it.
        beside: The calendar files that were read with the board.
    """
    faults: list[Fault] = []
    items = check_items(calendar.get("dates", ()), (*path, "dates"), faults)
    name = calendar.get("ics")
    if name is not None:
        items += _file_items(name, (*path, "ics"), beside, faults)
    return items, faults


def _file_items(
    name: str, path: Path, beside: Mapping[str, CalendarFile], faults: list[Fault]
) -> tuple[str, ...]:
    if name not in beside:
        message = f"{name!r} names no calendar file in the board's folder"
        faults.append(Fault(path, message, "Write it without blanks and without .., as in  holidays.ics"))
        return ()
    content, refusal = beside[name]
    if refusal is not None:
        faults.append(Fault(path, f"{name} {refusal}", "Paths begin in the board's folder"))
        return ()
    try:
        return read_ics(content)
    except ValueError as error:
        faults.append(Fault(path, f"{name} cannot be used: {error}"))
        return ()
