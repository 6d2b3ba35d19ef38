"""One board of a plan in lines: its changes, what is kept of it, and what stands in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.plans.changes import drift_lines, grouped
from jobboard.cli.plans.conflicts import (
    adopting_ways_out,
    clash_lines,
    clash_ways_out,
    conflict_lines,
    ways_out,
)
from jobboard.cli.plans.job import JobText
from jobboard.cli.plans.words import SYMBOLS, held_words, runs_of, short_address
from jobboard.core.names import LOOSE, split_address
from jobboard.core.plans.arrival import renamed_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.cli.plans.view import PlanView
    from jobboard.core.plans.clash import Clash
    from jobboard.core.plans.plan import BoardPlan


class BoardText:
    """Writes the boards of one plan, piece by piece: whoever has room for some of it only can stop between.

    Args:
        view: The plan, and where it is written to.
    """

    def __init__(self, view: PlanView) -> None:
        self._view = view
        self._jobs = JobText(view)
        self._hints: dict[str, list[tuple[str, str]]] = {}
        # What a rollback brings and takes is in no file, in which it could be said.
        for old, new in renamed_by_hand(view.plan.changes) if view.planned.rollback is None else ():
            self._hints.setdefault(split_address(new)[0], []).append((old, new))

    def write(self, board: BoardPlan) -> None:
        """All of a board."""
        if board.name == LOOSE:
            self._view.say(f"Jobs of no board  → {self._view.store_name}", "bold")
        else:
            self._view.say(f"Board {board.name}  ({self.source(board)}) → {self._view.store_name}", "bold")
        for _ in (*self.changes(board), *self.kept(board), *self.obstacles(board)):
            pass
        self._view.screen.line()

    def source(self, board: BoardPlan) -> str:
        """Where a board's file is, and of which commit; ``dirty`` where files differ from it."""
        if board.name == LOOSE:
            return "jobs of no board"
        commit = board.meta.get("commit")
        if not commit:
            return self._view.file(board)
        checkout = self._view.planned.sources.checkout
        dirty = checkout is not None and checkout.dirty and checkout.commit == commit
        return f"{self._view.file(board)} @ {commit[:7]}{', dirty' if dirty else ''}"

    def changes(self, board: BoardPlan) -> Iterator[int]:
        """Write what becomes of a board and its jobs, piece by piece: how many changes each is about."""
        yield from self._standing(board)
        for alike in grouped(board.changes, self._view.around):
            if len(alike) > 1:
                self._jobs.alike(alike)
            else:
                self._jobs.change(board, alike[0])
            yield len(alike)
        yield from self._leaving(board)
        yield from self._renamed(board)
        yield from self._requeued(board)

    def kept(self, board: BoardPlan) -> Iterator[int]:
        """Write which live edits are kept, job by job; none of that is a change."""
        for drift in board.drift:
            for line in drift_lines(drift, self._view.around):
                self._view.say(line, "dim")
            yield 0

    def obstacles(self, board: BoardPlan) -> Iterator[int]:
        """Write what stands in a board's way, piece by piece; none of that is a change."""
        for conflict in board.conflicts:
            place = self._view.place(board, split_address(conflict.address)[1])
            for line in conflict_lines(conflict, self._view.around, place):
                self._view.say(line, "error" if line.startswith("  !") else "")
            yield 0
        blocking = [conflict for conflict in board.conflicts if not conflict.skipped]
        sources = {target: source for source, target in self._view.planned.options.adopted.items()}
        if blocking and sources:
            for conflict in blocking:
                for line in adopting_ways_out(conflict, sources[conflict.address], self._view.file(board)):
                    self._view.say(line)
            yield 0
        elif blocking:
            reverting = self._view.planned.is_reverting(board.name)
            for line in ways_out(self._view.file(board), blocking, reverting=reverting):
                self._view.say(line)
            yield 0
        for clash in board.clashes:
            self._clash(board, clash)
            yield 0
        for refusal in board.refusals:
            self._view.say(f"  ! {refusal.message}", "error")
            self._view.say(f"      {refusal.way_out}")
            yield 0

    def _standing(self, board: BoardPlan) -> Iterator[int]:
        """What there is to say of the board itself."""
        if board.removed:
            self._view.say(
                f"  - the board itself, with all its {len(board.changes)} jobs; its file is gone", "destroy"
            )
            yield 0
        for notice in board.notices:
            self._view.say(f"  . {notice}", "change")
            yield 0
        if board.held is not None:
            self._view.say(f"  . {held_words(board)}; its file has no say", "dim")
            self._view.say(f"      jobboard release {board.name}", "dim")
            yield 0
        if board.missing and not board.refusals:
            stay = f"{board.jobs} jobs stay as they are" if board.jobs != 1 else "one job stays as it is"
            self._view.say(f"  . {board.path} is gone; its {stay}", "dim")
            yield 0
        if board.version is None and not board.changes:
            self._view.say("  + the board, without any job", "add")
            yield 0
        for address, unmanaged in self._view.around.unmanaged.items():
            if split_address(address)[0] == board.name:
                self._view.say(
                    f"    {unmanaged} is on no board and has the name of {address}. To make it this job:"
                )
                self._view.say(f"      jobboard adopt {unmanaged} {address}")
                yield 0

    def _leaving(self, board: BoardPlan) -> Iterator[int]:
        """Where jobs go that are shown with another board."""
        for change in self._view.plan.changes if board.left else ():
            home, job = split_address(change.source or change.address)
            if change.source and home == board.name != split_address(change.address)[0]:
                self._view.say(f"  {SYMBOLS[change.action]} {job} goes to {change.address}", change.action)
                yield 0

    def _renamed(self, board: BoardPlan) -> Iterator[int]:
        """How to keep what a job has, where it looks as if only its name had changed."""
        for old, new in self._hints.get(board.name, ()):
            self._view.say(
                f"    {old} goes and {new} comes, and both say the same. If it is one job with a new name,"
                f" its times, holds and history stay with this in {self._view.file(board)}:"
            )
            self._view.say("      moved:")
            self._view.say(
                f"        - {{from: {short_address(old, board.name)}, to: {short_address(new, board.name)}}}"
            )
            yield 0

    def _requeued(self, board: BoardPlan) -> Iterator[int]:
        """Which waiting runs follow although their job stays as it is."""
        for job in board.outdated:
            runs, name = runs_of(job.runs, "queued"), split_address(job.address)[1]
            since = ", ".join(map(str, job.revisions))
            take = "takes" if job.runs == 1 else "take"
            self._view.say(f"  . requeue  {name}: {runs} of revision {since} {take} what is in force", "dim")
            yield 0

    def _clash(self, board: BoardPlan, clash: Clash) -> None:
        boards = {b.name: b for b in self._view.plan.boards}
        homes = {part.address: boards[split_address(part.address)[0]] for part in clash.parts}
        places = {
            address: self._view.place(home, split_address(address)[1]) for address, home in homes.items()
        }
        for line in clash_lines(clash, self._view.around, places):
            self._view.say(line, "error" if line.startswith("  !") else "")
        if not clash.skipped:
            taking = {home.name: home for home in homes.values()} or {board.name: board}
            paths = sorted(self._view.file(home) for home in taking.values())
            reverting = any(self._view.planned.is_reverting(name) for name in taking)
            for line in clash_ways_out(clash, paths, reverting=reverting):
                self._view.say(line)
            if self._view.plan.left_out:
                self._view.say(
                    "      or let what it needs take part:  jobboard plan without --target and --exclude"
                )
