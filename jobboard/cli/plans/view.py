"""What every part of a plan's text needs: the plan, what is shown beside it, and the screen it goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.screen import moment
from jobboard.core.diagnostic import visible
from jobboard.core.plans.forecast import effect_of

if TYPE_CHECKING:
    from jobboard.cli.screen import Screen
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.forecast import Effect
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

_HANG = 8


class PlanView:
    """One plan on its way to a screen.

    Args:
        screen: Where to.
        planned: What.
        around: What is shown beside it.
        store_name: The store and namespace, for the head lines.
    """

    def __init__(self, screen: Screen, planned: Planned, around: Around, store_name: str) -> None:
        self.screen = screen
        self.planned = planned
        self.plan = planned.plan
        self.around = around
        self.store_name = store_name
        self._effects: dict[str, Effect] = {}

    def say(self, text: str, style: str = "") -> None:
        """One line of the plan."""
        inset = len(text) - len(text.lstrip())
        # What a job's own lines continue stands further in than they do.
        self.screen.folded(visible(text), style, hang=_HANG if inset < _HANG else inset + 4)

    def place(self, board: BoardPlan, job: str) -> str:
        """Where a board's file declares a job, or did; empty where nobody knows."""
        parsed = self.planned.boards.get(board.name)
        line = parsed.line_of(job) if parsed else None
        return f"{self.file(board)}:{line}" if line else ""

    def file(self, board: BoardPlan) -> str:
        """The board's file as it was asked for: a path that works where the command was typed."""
        parsed = self.planned.boards.get(board.name)
        return parsed.shown if parsed else board.path

    def effect(self, change: JobChange) -> Effect:
        """What a change does to a job's times: worked out once."""
        if change.address not in self._effects:
            self._effects[change.address] = effect_of(change, self.around.now_ms)
        return self._effects[change.address]

    def moment(self, at_ms: int | None, zone: str | None, beside_ms: int | None = None) -> str:
        """An instant as people say it; see `cli.screen.moment`."""
        return moment(at_ms, zone, now_ms=self.around.now_ms, beside_ms=beside_ms)
