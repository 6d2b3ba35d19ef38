"""One job of a plan in lines: what becomes of it, when it shows, whose runs it leaves as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.cli.plans.changes import ClockTexts, field_lines, unexplained_text
from jobboard.cli.plans.words import SYMBOLS, named, runs_of
from jobboard.cli.values import brief, shown
from jobboard.core.jobs.depend import parents_text, window_text
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.cli.plans.view import PlanView
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.store.views.bystanders import Bystander

_HANG = 8
_NAMES_WIDTH = 100


class JobText:
    """Writes the jobs of one plan.

    Args:
        view: The plan, and where it is written to.
    """

    def __init__(self, view: PlanView) -> None:
        self._view = view
        self._clocks = ClockTexts(view.planned, view.around.now_ms)

    def change(self, board: BoardPlan, change: JobChange) -> None:
        """What becomes of one job."""
        job = split_address(change.address)[1]
        head = f"  {SYMBOLS[change.action]} {named(change):<14} {self._view.place(board, job)}".rstrip()
        unexplained = unexplained_text(change.address, self._view.around)
        self._view.say(
            "   ".join(filter(None, [head, *self._facts(board, change), unexplained])), change.action
        )
        for line in field_lines(change, self._view.around):
            self._view.say(line)
        for text in self._clocks.of(board.name, change):
            self._view.say(f"        {'clock':<9}  {text}", "change")

    def alike(self, changes: Sequence[JobChange]) -> None:
        """Changes that all say the same: one changed default, as a rule."""
        action = changes[0].action
        unexplained = unexplained_text(changes[0].address, self._view.around)
        head = f"  {SYMBOLS[action]} {len(changes):,} jobs alike"
        self._view.say("   ".join(filter(None, [head, unexplained])), action)
        for line in field_lines(changes[0], self._view.around):
            self._view.say(line)
        names = ", ".join(split_address(change.address)[1] for change in changes)
        self._view.screen.folded(f"        {names}", "dim", hang=_HANG, width=_NAMES_WIDTH)
        runs = [self._view.around.bystanders.get(change.address) for change in changes]
        queued = sum(one.queued for one in runs if one is not None)
        if queued and action == "change":
            take = any(board.requeue for board in self._view.plan.boards)
            rest = "take the new definition" if take else "keep what they were queued with"
            self._view.say(f"        {runs_of(queued, 'queued')} of theirs {rest}", "dim")

    def _facts(self, board: BoardPlan, change: JobChange) -> list[str]:
        """What follows the job's name on its line."""
        runs = self._view.around.bystanders.get(change.address)
        if change.action == "destroy":
            return self._last_of(board, change, runs)
        if change.away is not None:
            return ["stays away; what its file says now is remembered"]
        facts = self._when(change) if change.action != "record" and change.moves_schedule else []
        if change.source is not None and not change.moves_schedule:
            facts.append("its times stay")
        if runs is not None and runs.queued and change.redefines:
            facts.append(_waiting(runs, take=board.requeue))
        return facts

    def _last_of(self, board: BoardPlan, change: JobChange, runs: Bystander | None) -> list[str]:
        facts = []
        if runs is not None and runs.last_run is not None:
            facts.append(
                f"last run {self._view.moment(runs.last_run.ended_at_ms, None)} {runs.last_run.state}"
            )
        if runs is not None and runs.running:
            facts.append(
                f"{runs_of(runs.running, 'running')} will {'be stopped' if board.stopping else 'finish'}"
            )
        if runs is not None and runs.queued:
            facts.append(f"{runs_of(runs.queued, 'queued')} called off")
        if change.before is not None and change.before.drifted:
            edits = sorted(self._view.around.edits.get(change.address, {}))
            facts.append(f"edited in Redis since: {', '.join(edits)}" if edits else "edited in Redis since")
        if over := self._view.around.overrides(change.address):
            facts.append(f"overrides gone with it: {', '.join(override.path for override in over)}")
        return facts

    def _when(self, change: JobChange) -> list[str]:
        assert change.runs is not None
        spec = change.runs
        zone = spec.get("schedule", {}).get("timezone")
        effect = self._view.effect(change)
        if effect.next_after_ms is None:
            return [_unscheduled(spec)]
        then = self._view.moment(effect.next_after_ms, zone)
        if "after" in spec:
            return [f"{window_text(spec)}, next from {then}"]
        if change.action == "add":
            return [f"next: {then}, {brief(shown('schedule', spec['schedule']))}"]
        if effect.next_before_ms is None or effect.next_before_ms == effect.next_after_ms:
            return [f"next: {then}"]
        return [f"next: {then} (was {self._view.moment(effect.next_before_ms, zone, effect.next_after_ms)})"]


def _waiting(runs: Bystander, *, take: bool) -> str:
    queued = [run for run in runs.live if run.state not in ("running", "stopping")]
    revisions = ", ".join(sorted({str(run.revision) for run in queued}))
    one = runs.queued == 1
    if take:
        return f"{runs_of(runs.queued, 'queued')} of revision {revisions} take{'s' * one} the new one"
    return f"{runs_of(runs.queued, 'queued')} keep{'s' * one} revision {revisions}"


def _unscheduled(spec: Mapping[str, Any]) -> str:
    if spec.get("enabled") is False:
        return "disabled"
    if spec.get("after"):
        return parents_text(spec)
    return "never again" if spec.get("schedule") else "by hand"
