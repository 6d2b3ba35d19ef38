"""How lines get onto a terminal: colour where it helps and is wanted, and only as a second signal."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from jobboard import clock
from jobboard.core.instant import local_text

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
}


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

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str] = ()) -> None:
        """Rows under a head, in columns as wide as their text; the last column is cut at the terminal's edge.

        Without a terminal nothing is cut: whoever reads a pipe wants all of it. `styles` colours a row's
        first column, one name a row.
        """
        cells = [[visible(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        limit = shutil.get_terminal_size().columns if self.stream.isatty() else 0
        self.line(_row(head, widths, limit), "dim")
        for index, row in enumerate(cells):
            text = _row(row, widths, limit)
            style = styles[index] if index < len(styles) else ""
            first = text[: widths[0]]
            self.line(self.paint(first, style) + text[len(first) :])


def visible(text: str) -> str:
    """The text with what would move the cursor or break the line made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def when(instant_ms: int | None, zone: str | None = None) -> str:
    """An instant for people, in a zone; a dash for none."""
    return "-" if instant_ms is None else local_text(instant_ms, zone)


def ago(span_ms: int) -> str:
    """A span in its largest unit: ``2 h``, ``3 days``."""
    seconds = max(0, span_ms) // 1000
    for size, word in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if word == 'day' and count != 1 else ''}"
    return f"{seconds} s"


def since(instant_ms: int | None) -> str:
    """How long ago an instant was, by this machine's clock; a dash for none."""
    return "-" if instant_ms is None else f"{ago(clock.now_ms() - instant_ms)} ago"


def _row(cells: Sequence[str], widths: Sequence[int], limit: int) -> str:
    text = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
    return text[: limit - 1] + "…" if limit and len(text) > limit else text


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
