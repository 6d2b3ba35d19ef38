"""The README's parts that are held to the code, between marks that a page does not show.

After a wanted change, `JOBBOARD_REGENERATE=1` writes them anew; the difference is then read in review.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def part(name: str) -> str:
    """What stands between the marks of that name."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    found, end, _ = rest.partition(f"<!-- /{name} -->")
    assert end, f"the README has no part {name}"
    return found


def expect_part(name: str, said: str) -> None:
    """Hold the part to what is said."""
    if os.environ.get("JOBBOARD_REGENERATE"):
        rewrite(name, said)
    assert part(name) == said


def rewrite(name: str, said: str) -> None:
    """Put other text between the marks."""
    mark = f"<!-- {name} -->\n"
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(mark + part(name), mark + said), encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """The cells of a part that is a table, without its head and without code marks."""
    lines = [line for line in part(name).splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table as Markdown writes it."""
    rule = "|" + "---|" * len(head)
    first, *rest = (f"| {' | '.join(line)} |" for line in (head, *lines))
    return "\n".join((first, rule, *rest, ""))
