"""A plan as a comment on a pull request: short enough to be posted, and found again by its first line.

The lines are those of the text, in blocks of code. What does not fit is left out at the end, job by job, and
said to be; what stands in the way comes first, so that it is never what is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.markdown import LIMIT, TICKS, code, fenced, folding, plain_html, shortened, table
from jobboard.cli.plans.text import PlanText
from jobboard.cli.plans.words import SHOWN_ALWAYS, SYMBOLS, counts_words
from jobboard.cli.screen import Collected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.plans.plan import BoardPlan
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

OPEN = 40
"""Changes up to which nothing is folded away."""
TABLED = 20
"""Boards a table has before the rest is only counted."""
LONGEST_PIECE = 6_000
"""Characters that one job takes before its lines are cut: a long script must not push all others out."""
LONGEST_PART = 4_000
"""Characters that what surrounds the boards takes at most, each part."""
_INSET = 2
_CUT = 400


def marker(namespace: str) -> str:
    """The line a comment is found by, to be replaced and not repeated: one for each namespace."""
    return f"<!-- jobboard:plan:{namespace} -->"


class PlanMarkdown:
    """Writes one plan as Markdown.

    Args:
        planned: What.
        around: What is shown beside it.
        store_name: The store and namespace.
        simulated: What a simulation says, as text.
        limit: Characters it may have.
    """

    def __init__(
        self, planned: Planned, around: Around, store_name: str, simulated: str = "", limit: int = LIMIT
    ) -> None:
        self.plan = planned.plan
        self.limit = limit
        self._simulated = simulated
        self._screen = Collected()
        self._text = PlanText(self._screen, planned, around, store_name)
        self._store_name = store_name

    def text(self) -> str:
        """All of it, never longer than the limit."""
        head, foot = "".join(self._head()), "".join(self._foot())
        return head + self._boards(self.limit - len(head) - len(foot)) + foot

    def _head(self) -> Iterator[str]:
        yield f"{marker(self.plan.namespace)}\n"
        if self.plan.empty and not self.plan.contested:
            yield f"### {self._text.summary.nothing_to_do()}\n\n"
        else:
            yield f"### Plan: {counts_words(self.plan.counts)}\n\n"
        yield f"{code(self._store_name)} · digest `{self.plan.digest}`\n\n"
        if edited := self._text.summary.edited():
            yield f"> {plain_html(edited)}\n\n"
        if obstacle := self._text.summary.obstacle():
            yield f"> **{plain_html(obstacle[:LONGEST_PART])}**\n\n"
        if requeued := self._text.summary.requeued():
            yield f"> {plain_html(requeued)}\n\n"
        if parts := self._text.summary.in_parts():
            yield f"> {plain_html(parts)}\n\n"
        if aside := self._text.summary.left_out():
            yield f"> {plain_html(aside[:LONGEST_PART])}\n\n"
        if unexplained := self._text.summary.unexplained():
            yield f"> **{plain_html(unexplained)}**\n\n"
        yield from self._table()

    def _table(self) -> Iterator[str]:
        boards = self.plan.told
        if len(boards) < 2:
            return
        actions = [a for a in SYMBOLS if a in (*SHOWN_ALWAYS, "record") or self.plan.counts[a]]
        rows = [
            [
                code(board.name),
                *(str(sum(c.action == action for c in board.changes) or "") for action in actions),
                str(len(board.drift) or ""),
                str(len(board.conflicts) + len(board.clashes) + len(board.refusals) or ""),
            ]
            for board in boards[:TABLED]
        ]
        head = ["Board", *actions, "drift", "in the way"]
        yield table(head, rows, right=range(1, len(head)))
        if len(boards) > TABLED:
            yield f"\nand {len(boards) - TABLED:,} more boards\n"
        yield "\n"

    def _foot(self) -> Iterator[str]:
        self._text.held()
        if held := self._lines():
            lines = shortened([line[_INSET:] for line in held], LONGEST_PART)
            yield folding("Holds and overrides", fenced(lines))
        if self.plan.changes:
            # Looks at the changes themselves: those that do not fit count as well.
            self._text.foresight()
            if said := self._lines():
                yield folding("Effect in time", fenced(shortened(said, LONGEST_PART)), is_open=True)
        if self._simulated:
            lines = self._simulated.strip("\n").split("\n")
            yield folding("Simulation", fenced(shortened(lines, LONGEST_PART)))
        self._text.warnings()
        if warnings := self._lines():
            yield folding("Warnings", fenced(shortened(warnings, LONGEST_PART)))

    def _boards(self, room: int) -> str:
        """As many of the boards' pieces as there is room for; those in whose way something stands first."""
        boards = sorted(self.plan.told, key=lambda b: not b.in_the_way)
        is_open = len(self.plan.changes) <= OPEN
        parts, left, shown = [], room - _CUT, 0
        for board in boards:
            part, jobs, is_whole = self._board(board, left, is_open=is_open)
            parts.append(part)
            left -= len(part)
            shown += jobs
            if not is_whole:
                parts.append(self._cut(shown))
                break
        return "".join(parts)

    def _board(self, board: BoardPlan, room: int, *, is_open: bool) -> tuple[str, int, bool]:
        """A board in so many characters: the Markdown, how many changes it shows, whether that is all."""
        summary = f"<b>{board.name}</b> · {plain_html(self._text.boards.source(board))}"
        # The fence is longer than any ticks in the text, and it is there twice.
        left = room - len(folding(summary, fenced([], "diff"), is_open=True)) - 2 * TICKS
        lines: list[str] = []
        jobs, is_whole = 0, True
        for count in self._pieces(board):
            piece = shortened([line[_INSET:] for line in self._lines()], LONGEST_PIECE)
            size = sum(len(line) + 1 for line in piece)
            if size > left:
                is_whole = False
                break
            lines += piece
            left -= size
            jobs += count
        if not lines:
            return "", 0, is_whole
        return folding(summary, fenced(lines, "diff"), is_open=is_open), jobs, is_whole

    def _pieces(self, board: BoardPlan) -> Iterator[int]:
        yield from self._text.boards.obstacles(board)
        yield from self._text.boards.changes(board)
        yield from self._text.boards.kept(board)

    def _cut(self, shown: int) -> str:
        total = len(self.plan.changes)
        return (
            f"\n**{shown:,} of {total:,} changes are shown: more do not fit into a comment.**"
            " All of them: <code>jobboard plan</code>, or <code>jobboard plan -o json</code>.\n\n"
        )

    def _lines(self) -> list[str]:
        return self._screen.taken().splitlines()
