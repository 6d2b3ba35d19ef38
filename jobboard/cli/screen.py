"""How lines get onto a terminal: colour where it helps and is wanted, and only as a second signal.

What only some lines take, time zones above all, is imported with them: every command starts by this module.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

_STYLES = {
    "add": "32",
    "change": "33",
    "destroy": "31",
    "error": "31",
    "good": "32",
    "dim": "2",
    "bold": "1",
    "record": "36",
    "move": "36",
    "adopt": "36",
    "forget": "2",
}


_GAP = re.compile(r"( {3,})")
_LABEL = 12
_BETWEEN = "  "
"""What stands between two columns of a table."""
_NARROWEST = 8
"""Characters that a column of a table has at least where its words are broken."""


class Screen:
    """One output stream.

    Args:
        stream: Standard output unless told otherwise.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.coloured = _wants_colour(self.stream)

    def paint(self, text: str, style: str) -> str:
        """The text in a style, or as it is where colour is off."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.coloured and style else text

    def line(self, text: str = "", style: str = "") -> None:
        """One line."""
        self.stream.write(self.paint(text, style) + "\n")

    def flush(self) -> None:
        """Have what was written seen now, by a pipe too."""
        self.stream.flush()

    def folded(self, text: str, style: str = "", *, hang: int = 0, width: int = 0) -> None:
        """One line; on a terminal too narrow for it several, all but the first `hang` columns in.

        It breaks where three blanks are, else at any. A word wider than the terminal is left whole, so that
        it can be copied. Without a terminal only a `width` that is given breaks it.
        """
        if terminal := self.columns():
            width = min(width, terminal) if width else terminal
        for part in _folded(text, width, hang) if 0 < width < len(text) else [text]:
            self.line(part, style)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str] = ()) -> None:
        """Rows under a head, in columns as wide as their text; a terminal too narrow folds cells.

        Without a terminal nothing is folded: whoever reads a pipe wants a row to be a line. `styles` colours
        a row's first column, one name a row.
        """
        cells = [[visible(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        limit = self.columns()
        if limit and sum(widths) + len(_BETWEEN) * (len(widths) - 1) > limit:
            widths = _fitted(widths, [head, *cells], limit)
        for text in _row(head, widths, limit):
            self.line(text, "dim")
        for index, row in enumerate(cells):
            style = styles[index] if index < len(styles) else ""
            for text in _row(row, widths, limit):
                first = text[: widths[0]]
                self.line(self.paint(first, style) + text[len(first) :])

    def columns(self) -> int:
        """How wide the terminal is; 0 where there is none."""
        if not self.stream.isatty():
            return 0
        from shutil import get_terminal_size

        return get_terminal_size().columns


class Collected(Screen):
    """A screen that keeps what is written, without colour, for whoever takes it."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        super().__init__(self._text)
        self.coloured = False

    def taken(self) -> str:
        """All that was written since this was asked last."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


def visible(text: str) -> str:
    """The text with what would move the cursor or break the line made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def when(instant_ms: int | None, zone: str | None = None) -> str:
    """An instant for people, in a zone; a dash for none."""
    from jobboard.core.times.instant import local_text

    return "-" if instant_ms is None else local_text(instant_ms, zone)


def moment(at_ms: int | None, zone: str | None, *, now_ms: int, beside_ms: int | None = None) -> str:
    """An instant as short as people say it, to the second: ``Sat 21 Nov 03:00``, with its offset, or UTC.

    Args:
        at_ms: The instant; a dash for None.
        zone: The zone it is told in.
        now_ms: The year is said if it is not this instant's.
        beside_ms: An instant told just before, in the same zone: the date is not said twice.
    """
    if at_ms is None:
        return "-"
    from jobboard.core.times.instant import local_text

    day, clock, offset = local_text(at_ms - at_ms % 1000, zone).split(" ", 2)
    seen = local_text(beside_ms, zone).split(" ", 2) if beside_ms is not None else ["", "", ""]
    clock = clock.removesuffix(":00") if clock.count(":") == 2 else clock
    if seen[0] == day and seen[2] == offset:
        return clock
    date = dt.date.fromisoformat(day)
    year = "" if day[:4] == local_text(now_ms, zone)[:4] else f" {date.year}"
    return f"{date:%a} {date.day} {date:%b}{year} {clock} {offset}"


def ago(span_ms: int) -> str:
    """How long ago something was, to its largest unit: ``just now``, ``42s ago``, ``2h ago``, ``3d ago``."""
    for size_ms, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")):
        if span_ms >= size_ms:
            return f"{span_ms // size_ms}{unit} ago"
    return "just now"


def _folded(text: str, width: int, hang: int) -> list[str]:
    """The text in lines of at most `width`, except where a word alone is wider."""
    from textwrap import wrap

    first, *others = _GAP.split(text.rstrip())
    lines = [first]
    for gap, piece in zip(others[::2], others[1::2], strict=True):
        # A label stays with what it labels.
        if len(lines[-1]) + len(gap) + len(piece) <= width or len(lines[-1].strip()) < _LABEL:
            lines[-1] += gap + piece
        else:
            lines.append(" " * hang + piece)
    folded: list[str] = []
    for line in lines:
        inset = line[: len(line) - len(line.lstrip())]
        folded += (
            [line]
            if len(line) <= width
            else wrap(
                line.strip(),
                max(width, hang + 20),
                initial_indent=inset,
                subsequent_indent=" " * hang,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return folded


def _fitted(widths: Sequence[int], rows: Sequence[Sequence[str]], limit: int) -> list[int]:
    """The widths of columns that fit in `limit` together, as far as can be: the widest give way first.

    The first names the row, and stays. Words stay whole, so that they can be copied, as long as there is
    room for the longest of each column.
    """
    longest = [
        max(len(word) for cell in column for word in cell.split() or [""])
        for column in zip(*rows, strict=True)
    ]
    over = sum(widths) + len(_BETWEEN) * (len(widths) - 1) - limit
    left = list(widths)
    for least in (longest, [min(width, _NARROWEST) for width in longest]):
        while over > 0 and (wide := [i for i in range(1, len(left)) if left[i] > least[i]]):
            left[max(wide, key=left.__getitem__)] -= 1
            over -= 1
    return left


def _row(cells: Sequence[str], widths: Sequence[int], limit: int) -> list[str]:
    """A row's lines: one, unless a cell is wider than its column. What is too wide even so is cut."""
    from textwrap import wrap

    parts = [
        [cell] if len(cell) <= width else wrap(cell, width, break_on_hyphens=False)
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for row in zip_longest(*parts, fillvalue=""):
        text = _BETWEEN.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        lines.append(text[: limit - 1] + "…" if limit and len(text) > limit else text)
    return lines


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
