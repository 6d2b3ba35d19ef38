"""A plan in words: what would change, when it shows, what drifted, what is held, what stands in the way.

The grammar is Terraform's: ``+`` add, ``~`` change, ``-`` destroy, ``>`` move, ``&`` adopt, ``=`` record (the
base follows, nothing that runs moves), ``.`` drift kept, or a job let go, ``!`` stands in the way. Colour
only repeats what the symbol says. Every change is shown, since nothing may be written that was not; many that
are alike are shown once, with the names of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.plans.board import BoardText
from jobboard.cli.plans.foresight import write_foresight
from jobboard.cli.plans.overlaid import hold_text, override_lines
from jobboard.cli.plans.summary import PlanSummary
from jobboard.cli.plans.view import PlanView
from jobboard.core.diagnostic import visible
from jobboard.core.plans.crowding import CLOCK_RULES

if TYPE_CHECKING:
    from jobboard.cli.screen import Screen
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

WARNED_OF = 10
"""Warnings printed before the rest is only counted."""


class PlanText:
    """Writes one plan to a screen, in parts for whoever puts them together otherwise.

    Args:
        screen: Where to.
        planned: What.
        around: What is shown beside it.
        store_name: The store and namespace, for the head lines.
    """

    def __init__(self, screen: Screen, planned: Planned, around: Around, store_name: str) -> None:
        self._view = PlanView(screen, planned, around, store_name)
        self.boards = BoardText(self._view)
        self.summary = PlanSummary(self._view)

    def write(self) -> None:
        """The whole plan, its summary last."""
        self.warnings()
        for board in self._view.plan.told:
            self.boards.write(board)
        self.held()
        plan = self._view.plan
        if plan.empty and plan.contested:
            self._view.say(f"Nothing to write. {self.summary.skipped()}", "error")
        elif plan.empty:
            self._view.screen.line(self.summary.nothing_to_do(), "good")
            self._say_also(self.summary.edited(), "dim")
            self._say_also(self.summary.left_out(), "dim")
        else:
            self.foresight()
            self._view.say(self.summary.counted(), "bold")
            self._say_also(self.summary.edited(), "dim")
            self._say_also(self.summary.requeued())
            self._say_also(self.summary.in_parts())
            self._say_also(self.summary.left_out(), "dim")
            self._say_also(self.summary.unexplained(), "change")
            self._say_also(self.summary.obstacle(), "error")

    def warnings(self) -> None:
        """What the boards' author may want to know."""
        # What a clock change does is said of the jobs that change; lint says it of all.
        warnings = [w for w in self._view.planned.warnings if w.rule not in CLOCK_RULES]
        for warning in warnings[:WARNED_OF]:
            self._view.say(f"{warning.place}  warn  {warning.message}", "dim")
        if len(warnings) > WARNED_OF:
            self._view.say(
                f"… and {len(warnings) - WARNED_OF} more warnings: jobboard lint shows them.", "dim"
            )
        if warnings:
            self._view.screen.line()

    def held(self) -> None:
        """Who holds what."""
        for scope, holds in sorted(self._view.around.holds.items()):
            for hold in holds:
                self._view.say(f"  held     {hold_text(scope, hold, self._view.around.now_ms)}", "dim")
        for address, skip in self._view.around.skips.items():
            self._view.say(f"  skip     {address}: {visible(skip.words)}", "dim")
        for address in self._view.around.overridden:
            for line in override_lines(address, self._view.around):
                self._view.say(line, "dim")

    def foresight(self) -> None:
        """What the changes come to together."""
        write_foresight(self._view)

    def _say_also(self, text: str, style: str = "") -> None:
        if text:
            self._view.say(text, style)
