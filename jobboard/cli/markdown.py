"""Markdown of other people's text: whatever a board or a person says stays text, and no table or page breaks.

Text stands in code, where GitHub and GitLab mention nobody and link nothing. Rules: CommonMark 0.31, GitHub
Flavored Markdown.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from jobboard.core.diagnostic import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
TICKS = 20
"""Of more backticks in a row the rest is left out, or a fence could be as long as a comment."""
_TICKS = re.compile("`+")
_MANY_TICKS = re.compile(f"`{{{TICKS},}}")
_LINE = 200
_STRUCTURE = re.compile(r"[`|<>&*_~\[\]()\\!@:$]")


def code(text: str) -> str:
    """The text as code within a line, a table cell included."""
    # A reference to a character never begins or ends anything: CommonMark, "Entity and numeric references".
    return f"<code>{_STRUCTURE.sub(lambda found: f'&#{ord(found[0])};', visible(text))}</code>"


def plain_html(text: str) -> str:
    """The text within a line that is HTML throughout, such as a summary."""
    return html.escape(visible(text), quote=False)


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Lines as a block of code, behind a fence longer than any in them."""
    text = _MANY_TICKS.sub("`" * (TICKS - 1) + "…", "\n".join(lines))
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}\n"


def folding(summary: str, body: str, *, is_open: bool = False) -> str:
    """A part that folds away; the summary is HTML."""
    return f"<details{' open' * is_open}><summary>{summary}</summary>\n\n{body}\n</details>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows under a head, the cells Markdown already; columns in `right` hold numbers."""
    line = ["---:" if column in right else "---" for column in range(len(head))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, line, *rows))


def shortened(lines: Sequence[str], limit: int) -> list[str]:
    """The lines as far as they fit into so many characters, and how many did not."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        limit -= len(line) + 1
        if limit < 0:
            return [*(kept or [f"{line[:_LINE]}…"]), f"      … {len(lines) - number:,} more lines"]
        kept.append(line)
    return kept
