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
_TICKS = re.compile("`+")
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
    text = "\n".join(lines)
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}\n"


def folding(summary: str, body: str, *, is_open: bool = False) -> str:
    """A part that folds away; the summary is HTML."""
    return f"<details{' open' * is_open}><summary>{summary}</summary>\n\n{body}\n</details>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows under a head, the cells Markdown already; columns in `right` hold numbers."""
    line = ["---:" if column in right else "---" for column in range(len(head))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, line, *rows))
