"""`core.times.ics`, and the calendars of a board: in it, and in files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobboard.core.times.ics import read_ics
from jobboard.source import files
from jobboard.source.loader import load

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_795_219_200_000
BOARD = """\
board: b
timezone: Europe/Madrid
calendars:
  holidays: {dates: ["2026-12-25", "* * 1 5 *"], ics: holidays.ics}
jobs:
  j: {run: a, every: 1h, phase: 0, exclude: [holidays, 2027-01-06]}
"""


def calendar(*lines: str) -> bytes:
    event = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(event).encode()


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        (["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261226"], ("2026-12-25",)),
        (["DTSTART;VALUE=DATE:20261225"], ("2026-12-25",)),
        (["SUMMARY:Christ", " mas", "DTSTART:20261225"], ("2026-12-25",)),
        (["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261228"], ("2026-12-24/2026-12-27",)),
        (
            ["DTSTART:20261225T090000Z", "DTEND:20261225T170000Z"],
            ("2026-12-25T09:00:00Z/2026-12-25T17:00:00Z",),
        ),
        (
            ["DTSTART;TZID=Europe/Madrid:20261225T090000", "DTEND;TZID=Europe/Madrid:20261225T170000"],
            ("2026-12-25T08:00:00Z/2026-12-25T16:00:00Z",),
        ),
        (
            ["DTSTART:20261225T090000", "DTEND:20261225T170000"],
            ("2026-12-25T09:00:00/2026-12-25T17:00:00",),
        ),
        (["DTSTART:20261225T090000Z"], ()),
        (["DTSTART;VALUE=DATE:20151225", "RRULE:FREQ=YEARLY"], ("* * 25 12 *",)),
        (["DTSTART;VALUE=DATE:20151126", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"], ("* * * 11 4#4",)),
        (["DTSTART;VALUE=DATE:20150525", "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"], ("* * * 5 1L",)),
        (["DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED"], ()),
    ],
)
def test_the_events_that_are_read(lines: list[str], taken: tuple[str, ...]) -> None:
    assert read_ics(calendar(*lines)) == taken


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "BEGIN:VCALENDAR"),
        (b"\xff\xfe", "UTF-8"),
        (calendar("SUMMARY:x"), "line 3 has no DTSTART"),
        (calendar("DTSTART:tomorrow"), "a time that is none: tomorrow"),
        (calendar("DTSTART:20261301"), "month"),
        (calendar("DTSTART:20261225", "DURATION:P1D"), "DURATION, which is not read"),
        (calendar("DTSTART:20261225", "RRULE:FREQ=WEEKLY"), "a rule that is not read: FREQ=WEEKLY"),
        (calendar("DTSTART:20261225", "RRULE:FREQ=YEARLY;COUNT=3"), "a rule that is not read"),
        (calendar("DTSTART:20261225", "RRULE:FREQ=YEARLY;BYDAY=MO"), "a rule that is not read"),
        (calendar("DTSTART:20261224", "DTEND:20261227", "RRULE:FREQ=YEARLY"), "not one whole day"),
        (calendar("DTSTART;TZID=Mars:20261224T000000", "DTEND:20261227T000000Z"), "no time zone 'Mars'"),
    ],
)
def test_what_is_not_understood_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_ics(content)
    assert told in str(caught.value)


def write(folder: Path, board: str, ics: bytes | None) -> Path:
    path = folder / "b.yaml"
    path.write_text(board)
    if ics is not None:
        (folder / "holidays.ics").write_bytes(ics)
    return path


def test_a_calendar_is_what_it_lists_and_what_its_file_holds(tmp_path: Path) -> None:
    path = write(tmp_path, BOARD, calendar("DTSTART;VALUE=DATE:20260815"))
    loaded = load([files.read(path)], NOW_MS)
    assert loaded.diagnostics == ()
    (board,) = loaded.boards
    assert board.jobs["j"]["schedule"] == {
        "every": 3_600_000,
        "phase": 0,
        "exclude": [
            "2026-08-14T22:00:00Z/2026-08-15T22:00:00Z",
            "2026-12-24T23:00:00Z/2026-12-25T23:00:00Z",
            "2027-01-05T23:00:00Z/2027-01-06T23:00:00Z",
            "* * 1 5 *",
        ],
        "timezone": "Europe/Madrid",
    }


def test_the_digest_of_a_board_covers_its_calendar_files(tmp_path: Path) -> None:
    digests = [files.read(write(tmp_path, BOARD, None)).digest]
    digests += [files.read(write(tmp_path, BOARD, ics)).digest for ics in (b"one", b"two")]
    assert len(set(digests)) == 3
    assert files.read(write(tmp_path, BOARD, b"one")).digest == digests[1]
    without = BOARD.replace("holidays.ics", "holidays")
    first = files.read(write(tmp_path, without, b"one")).digest
    assert files.read(write(tmp_path, without, b"two")).digest == first


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("holidays.ics", None, "holidays.ics cannot be read: no such file"),
        ("holidays.ics", b"x", "holidays.ics cannot be used: it is no calendar"),
        ("../holidays.ics", b"x", "names no calendar file in the board's folder"),
        ("my holidays.ics", b"x", "names no calendar file in the board's folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_where_it_is_named(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    path = write(tmp_path, BOARD.replace("holidays.ics", f'"{name}"'), content)
    (diagnostic,) = load([files.read(path)], NOW_MS).diagnostics
    assert told in diagnostic.message
    assert diagnostic.line == 4
