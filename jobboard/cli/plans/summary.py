"""A plan as a whole in sentences: how much it changes, what is kept, what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.plans.forms import MATCHES
from jobboard.cli.plans.words import counts_words, number_of
from jobboard.cli.screen import ago
from jobboard.reconcile.parts import count

if TYPE_CHECKING:
    from jobboard.cli.plans.view import PlanView

NAMED = 20
"""Jobs that a sentence names before the rest is only counted."""


class PlanSummary:
    """The sentences about one plan. Each is empty where there is nothing to say.

    Args:
        view: The plan with what is shown beside it.
    """

    def __init__(self, view: PlanView) -> None:
        self._plan = view.plan
        self._around = view.around
        self._boards_at_once = view.planned.options.boards_at_once

    def counted(self) -> str:
        """``Plan: 3 to add, 1 to change, 2 to destroy.`` and the digest; other groups only above zero."""
        return f"Plan: {counts_words(self._plan.counts)}.   digest {self._plan.digest[:15]}…"

    def nothing_to_do(self) -> str:
        """That there are no changes, of everything or of what was chosen."""
        if self._plan.left_out:
            return "No changes to what was chosen."
        held = self._plan.held
        if not held:
            return MATCHES
        more = f" and {len(held) - NAMED:,} more" if len(held) > NAMED else ""
        named = f"{', '.join(held[:NAMED])}{more}"
        return f"No changes. Redis matches the job boards, but for what is rolled back: {named}."

    def edited(self) -> str:
        """How many live edits are kept, and since when; empty for none."""
        drift = self._plan.drift
        if not drift:
            return ""
        values = sum(len(job.fields) for job in drift)
        instants = [made["at"] for job in drift for made in self._around.edits.get(job.address, {}).values()]
        since = f", the oldest made {ago(self._around.now_ms - min(instants))}" if instants else ""
        kept = f"{number_of(values, 'live edit')} of {number_of(len(drift), 'job')}"
        return f"Kept: {kept}{since}."

    def requeued(self) -> str:
        """How many waiting runs of jobs that stay as they are follow; empty for none."""
        jobs = self._plan.outdated
        runs = sum(job.runs for job in jobs)
        if not runs:
            return ""
        whose = "a job that stays as it is" if len(jobs) == 1 else f"{len(jobs):,} jobs that stay as they are"
        return f"Requeue: {number_of(runs, 'queued run')} of {whose}."

    def in_parts(self) -> str:
        """That the plan is too large to be written at once; empty where it is not."""
        most = self._boards_at_once
        parts = count(self._plan, most)
        if parts == 1:
            return ""
        return (
            f"More than {most:,} boards: they are written in {parts} parts, each of them all or nothing."
            " A sync that is stopped between two is finished by the next."
        )

    def left_out(self) -> str:
        """Which jobs the flags left out although there would be something to do; empty for none."""
        jobs = self._plan.left_out
        if not jobs:
            return ""
        more = f" and {len(jobs) - NAMED:,} more" if len(jobs) > NAMED else ""
        return f"Left out by --target or --exclude: {', '.join(jobs[:NAMED])}{more}."

    def unexplained(self) -> str:
        """Which changes the files' own do not explain; empty where all are, or nobody asked."""
        since = self._around.since
        if since is None or not since.unexplained:
            return ""
        total = len(self._plan.changes)
        named = ", ".join(sorted(since.unexplained)[:NAMED])
        more = f" and {len(since.unexplained) - NAMED:,} more" if len(since.unexplained) > NAMED else ""
        return (
            f"{len(since.unexplained):,} of {total:,} change{'s' if total != 1 else ''} not explained by what"
            f" the files changed since {since.ref} ({since.commit[:7]}): {named}{more}."
        )

    def obstacle(self) -> str:
        """What keeps a sync from writing this, or some of it; empty where nothing does."""
        if self._plan.applyable:
            return self.skipped() if self._plan.contested else ""
        conflicts = sum(len(conflict.fields) for conflict in self._plan.blocking)
        conflicts += sum(not clash.skipped for clash in self._plan.clashes)
        parts = [f"{conflicts} conflict{'s' if conflicts != 1 else ''}"] if conflicts else []
        if guards := len(self._plan.refusals):
            parts.append(f"{guards} guard{'s' if guards != 1 else ''}")
        return f"A sync would write none of it: {' and '.join(parts)} in the way."

    def skipped(self) -> str:
        """Which jobs stay as they are because of a conflict."""
        jobs = ", ".join(self._plan.skipped)
        return f"Left as they are, with their conflicts: {jobs}."
