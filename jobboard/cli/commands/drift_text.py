"""Drift for people: on a terminal, as a comment, beside the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.cli.github import command
from jobboard.cli.markdown import LIMIT, code, fenced, shortened
from jobboard.cli.plans.changes import deed, edited_by
from jobboard.cli.plans.overlaid import hold_text, override_lines
from jobboard.cli.screen import Collected, ago, visible
from jobboard.cli.values import brief, shown
from jobboard.core.names import split_address
from jobboard.core.plans.drift import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.reconcile.around import Around
    from jobboard.store.boards.edited import EditedBoard, EditedJob

NONE = "No drift. Redis holds what was last applied."
_HANG = 8


@dataclass(frozen=True, slots=True)
class Drifted:
    """What was edited live, and what is held.

    Attributes:
        namespace, store_name: Where.
        boards: All that were looked at.
        around: Who edited what, what is held and what is overridden.
    """

    namespace: str
    store_name: str
    boards: Sequence[EditedBoard]
    around: Around

    @property
    def jobs(self) -> list[EditedJob]:
        """The jobs that differ."""
        return [job for board in self.boards for job in board.jobs]

    def write(self, screen: Screen) -> None:
        """All of it as text."""
        self._boards(screen)
        if not self.boards:
            screen.line("No drift: nothing has been synced here yet.", "good")
        elif not self.jobs:
            screen.line(NONE, "good")
        else:
            screen.folded(f"{self._count()}.", "bold")
            screen.folded(
                "Write it into the boards:  jobboard plan --write-live   or take it back:"
                "  jobboard sync --on-drift revert",
                "",
                hang=_HANG,
            )

    def markdown(self) -> str:
        """All of it as a comment that is found by its first line; never longer than GitHub takes."""
        screen = Collected()
        self._boards(screen)
        lines = screen.taken().rstrip("\n").splitlines()
        said = self._count() if self.jobs else NONE
        block = fenced(shortened(lines, LIMIT - 1_000)) if lines else ""
        return f"<!-- jobboard:drift:{self.namespace} -->\n### {said}\n\n{code(self.store_name)}\n\n{block}"

    def annotations(self) -> Iterator[str]:
        """A workflow command for each job that differs."""
        for board in self.boards:
            for job in board.jobs:
                text = "; ".join(self._moved(job, field, ":", " → ") for field in job.fields)
                title = f"{job.address} was edited live"
                yield command("warning", text, title=title, file=str(board.record.meta.get("path") or ""))

    def _count(self) -> str:
        fields = sum(len(job.fields) for job in self.jobs)
        values = f"{fields:,} edit{'s' if fields != 1 else ''}"
        jobs = f"{len(self.jobs):,} job{'s' if len(self.jobs) != 1 else ''}"
        return f"Drift: {values} of {jobs} made live since last applied"

    def _boards(self, screen: Screen) -> None:
        for board in self.boards:
            if board.jobs or board.record.meta.get("held"):
                screen.folded(self._head(board), "bold", hang=_HANG)
                self._held_back(screen, board)
                for job in board.jobs:
                    screen.line(f"  . {split_address(job.address)[1]}", "change")
                    width = max(len(field.path) for field in job.fields)
                    for field in job.fields:
                        moved = self._moved(job, field, " " * (width + 2 - len(field.path)), "  →  ")
                        screen.folded(f"        {moved}", hang=_HANG + 4)
                screen.line()
        for scope, listed in self.around.holds.items():
            for hold in listed:
                screen.folded(f"  held     {hold_text(scope, hold, self.around.now_ms)}", "dim", hang=_HANG)
        for address in self.around.overridden:
            for line in override_lines(address, self.around):
                screen.folded(line, "dim", hang=_HANG)

    def _head(self, board: EditedBoard) -> str:
        meta = board.record.meta
        commit = f" @ {meta['commit'][:7]}" if meta.get("commit") else ""
        source = visible(f"{meta.get('path') or '-'}{commit}")
        age = f", applied {ago(self.around.now_ms - meta['at'])}" if meta.get("at") else ""
        return f"Board {board.record.name}  ({source}, revision {meta.get('revision')}{age})"

    def _held_back(self, screen: Screen, board: EditedBoard) -> None:
        held = board.record.meta.get("held")
        if held:
            actor = visible(str(held.get("actor")))
            text = f"  . rolled back by {actor} to revision {held.get('revision')}, and held there"
            screen.folded(text, "dim", hang=_HANG)

    def _moved(self, job: EditedJob, field: Merged, colon: str, arrow: str) -> str:
        if field.path == WHOLE:
            return deed(field, self.around, job.address)
        applied, live = (brief(shown(field.path, value)) for value in (field.file, field.live))
        edit = self.around.edits.get(job.address, {}).get(field.path)
        return f"{field.path}{colon} {applied}{arrow}{live}{edited_by(edit, self.around.now_ms)}"
