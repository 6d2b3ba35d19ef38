"""A plan in words: what would change, when it shows, what drifted, what is held, what stands in the way.

The grammar is Terraform's, so that nobody has to learn it twice: ``+`` add, ``~`` change, ``-`` destroy,
``=`` record (the base follows, nothing that runs moves), ``.`` drift kept, ``!`` stands in the way. Colour
only repeats what the symbol says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.cli.screen import ago, when
from jobboard.cli.values import shown
from jobboard.core.forecast import effect_of, runs_per_day
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.merge import Merged
    from jobboard.core.plan import Action, BoardPlan, Conflicted, Drift, JobChange
    from jobboard.reconcile.planning import Planned

SYMBOLS: Mapping[Action, str] = {"add": "+", "change": "~", "destroy": "-", "record": "="}
DONE: Mapping[Action, str] = {
    "add": "added",
    "change": "changed",
    "destroy": "destroyed",
    "record": "recorded",
}
SHOWN_ALWAYS: Sequence[Action] = ("add", "change", "destroy")
"""The groups a summary names even when they are empty."""
CROWDED = 200
"""Changes up to which the plan adds up runs per day; beyond that it would cost more than the plan."""


class PlanText:
    """Writes one plan to a screen.

    Args:
        screen: Where to.
        planned: What.
        now_ms: The instant next runs are counted from.
        edits: Who edited which drifted path, and when; see `store.definitions.read_edits`.
        holds: Unexpired holds by scope.
        store_name: The store and namespace, for the head lines.
    """

    def __init__(
        self,
        screen: Screen,
        planned: Planned,
        *,
        now_ms: int,
        edits: Mapping[str, Mapping[str, Mapping[str, Any]]],
        holds: Mapping[str, Sequence[Mapping[str, Any]]],
        store_name: str,
    ) -> None:
        self.screen = screen
        self.planned = planned
        self.plan = planned.plan
        self.now_ms = now_ms
        self.edits = edits
        self.holds = holds
        self.store_name = store_name

    def write(self) -> None:
        """The whole plan, its summary last."""
        for board in self.plan.boards:
            if board.rewritten or board.drift or board.conflicts or board.refusals:
                self._board(board)
        self._held()
        if self.plan.empty:
            self.screen.line("No changes. Redis matches the job boards.", "good")
            return
        self._rates()
        self.screen.line(self.summary(), "bold")

    def summary(self) -> str:
        """``Plan: 3 to add, 1 to change, 2 to destroy.`` and the digest; other groups only above zero."""
        counts = self.plan.counts
        parts = [f"{counts[action]} to {action}" for action in SHOWN_ALWAYS]
        if counts["record"]:
            parts.append(f"{counts['record']} to record")
        return f"Plan: {', '.join(parts)}.   digest {self.plan.digest[:15]}…"

    def _board(self, board: BoardPlan) -> None:
        commit = board.meta.get("commit")
        source = f"{board.path} @ {commit[:7]}" if commit else board.path
        self.screen.line(f"Board {board.name}  ({source}) → {self.store_name}", "bold")
        for change in board.changes:
            self._change(board, change)
        for drift in board.drift:
            self._drift(drift)
        for conflict in board.conflicts:
            self._conflict(board, conflict)
        for refusal in board.refusals:
            self.screen.line(f"  ! {refusal.message}", "error")
            self.screen.line(f"      {refusal.way_out}")
        self.screen.line()

    def _change(self, board: BoardPlan, change: JobChange) -> None:
        job = split_address(change.address)[1]
        head = f"  {SYMBOLS[change.action]} {job:<14} {self._place(board, job)}".rstrip()
        self.screen.line(f"{head}{self._when(change)}", change.action)
        for field in change.fields:
            if field.verdict == "converge":
                self.screen.line(
                    f"        {field.path:<10} {shown(field.path, field.result)}   (both sides agree)"
                )
            else:
                before, after = shown(field.path, field.live), shown(field.path, field.result)
                self.screen.line(f"        {field.path:<10} {before}  →  {after}")

    def _place(self, board: BoardPlan, job: str) -> str:
        parsed = self.planned.boards.get(board.name)
        line = parsed.lines.get(job) if parsed else None
        return f"{board.path}:{line}" if line else ""

    def _when(self, change: JobChange) -> str:
        if change.action == "record" or not change.moves_schedule:
            return ""
        effect = effect_of(change, self.now_ms)
        spec = change.after if change.after is not None else change.before.spec if change.before else {}
        zone = spec.get("schedule", {}).get("timezone")
        if change.action == "destroy":
            return f"   was next {when(effect.next_before_ms, zone)}" if effect.next_before_ms else ""
        if effect.next_after_ms is None:
            return self._unscheduled(spec)
        was = f" (was {when(effect.next_before_ms, zone)})" if effect.next_before_ms else ""
        every = f", {shown('schedule', spec['schedule'])}" if change.action == "add" else ""
        return f"   next: {when(effect.next_after_ms, zone)}{was}{every}"

    def _unscheduled(self, spec: Mapping[str, Any]) -> str:
        if spec.get("enabled") is False:
            return "   disabled"
        if spec.get("after"):
            return f"   after {', '.join(spec['after'])}"
        return "   never again" if spec.get("schedule") else "   by hand"

    def _drift(self, drift: Drift) -> None:
        job = split_address(drift.address)[1]
        for field in drift.fields:
            here, there = shown(field.path, field.file), shown(field.path, field.live)
            who = self._who(drift.address, field)
            self.screen.line(
                f"  . drift    {job}.{field.path} {here} here, {there} in Redis{who}; kept", "dim"
            )

    def _who(self, address: str, field: Merged) -> str:
        made = self.edits.get(address, {}).get(field.path)
        if made is None:
            return ""
        return f" ({made['actor']}, {made['via']}, {ago(self.now_ms - made['at'])} ago)"

    def _conflict(self, board: BoardPlan, conflict: Conflicted) -> None:
        job = split_address(conflict.address)[1]
        for field in conflict.fields:
            self.screen.line(f"  ! conflict  {job}.{field.path}", "error")
            self.screen.line(f"        last applied  {shown(field.path, field.base)}")
            self.screen.line(
                f"        Redis         {shown(field.path, field.live)}{self._who(conflict.address, field)}"
            )
            self.screen.line(
                f"        file          {shown(field.path, field.file)}   {self._place(board, job)}"
            )
        self.screen.line("      take the file:    jobboard sync --on-conflict file", "dim")
        self.screen.line("      keep Redis:       jobboard sync --on-conflict live", "dim")
        self.screen.line(f"      or write the value you want into {board.path} and plan again", "dim")

    def _held(self) -> None:
        for scope, holds in sorted(self.holds.items()):
            for hold in holds:
                until = f" until {when(hold['until'])}" if hold.get("until") else ""
                reason = f': "{hold["reason"]}"' if hold.get("reason") else ""
                what = scope.partition(":")[2] or "everything"
                self.screen.line(f"  held     {what} is paused{until} ({hold['by']}{reason})", "dim")

    def _rates(self) -> None:
        if not 0 < len(self.plan.changes) <= CROWDED:
            return
        before = after = 0.0
        for change in self.plan.changes:
            if change.before is not None:
                before += runs_per_day(change.address, change.before.spec, self.now_ms)
            if change.after is not None:
                after += runs_per_day(change.address, change.after, self.now_ms)
        if round(before, 1) != round(after, 1):
            self.screen.line(f"Runs per day of these jobs: {before:.4g} → {after:.4g}.", "dim")
