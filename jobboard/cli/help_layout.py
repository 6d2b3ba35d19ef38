"""Lays out what ``--help`` says of a command: prose as wide as the terminal, examples line by line."""

from __future__ import annotations

import argparse
import re
from textwrap import wrap

EXAMPLES = ("jobboard ", "redis-cli ")
"""How an example begins. A paragraph that begins with one is a block of them."""

_INSET = "  "
_NARROWEST = 30
"""Columns that an explanation beside an example needs at least; it goes below it where it has fewer."""


class HelpLayout(argparse.HelpFormatter):
    """Fills paragraphs, and keeps every example one line that can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = re.split(r"\n\s*\n", text.strip())
        return "\n\n".join("\n".join(_laid_out(paragraph, width, indent)) for paragraph in paragraphs)


def _laid_out(paragraph: str, width: int, indent: str) -> list[str]:
    lines = [line.strip() for line in paragraph.splitlines()]
    if not lines[0].startswith(EXAMPLES):
        return wrap(" ".join(lines), width, initial_indent=indent, subsequent_indent=indent)
    return [part for line in lines for part in _example(line, width, indent + _INSET)]


def _example(line: str, width: int, indent: str) -> list[str]:
    """A command, and after two blanks or more what it does, folded within its own column."""
    gap = re.search(r" {2,}", line)
    if gap is None or len(indent + line) <= width:
        return [indent + line]
    command, says = line[: gap.start()], line[gap.end() :]
    column = len(indent) + gap.end()
    if width - column < _NARROWEST:
        below = indent + 2 * _INSET
        return [indent + command, *wrap(says, width, initial_indent=below, subsequent_indent=below)]
    first, *others = wrap(says, width - column)
    return [indent + line[: gap.end()] + first, *(" " * column + other for other in others)]
