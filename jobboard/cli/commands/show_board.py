"""A board in full: where it comes from, how its jobs stand, what drifted, what is held, what is due next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.ls import standing_json
from jobboard.cli.commands.show_job_text import provenance
from jobboard.cli.records import holds_json, instant_json, moment
from jobboard.cli.scopes import hold_text
from jobboard.cli.screen import when
from jobboard.core.scope import resume_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.runs.facts import Hold
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.overview import Standing

UPCOMING = 5


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything `show` says of a board."""

    board: BoardRecord
    standings: Sequence[Standing]
    holds: Mapping[str, Sequence[Hold]]
    now_ms: int

    def as_json(self) -> dict[str, Any]:
        """With stable keys."""
        meta = self.board.meta
        return {
            "board": self.board.name,
            **{key: meta.get(key) for key in ("path", "origin", "commit", "branch", "revision", "locks")},
            "synced_at": instant_json(meta.get("at")),
            "drift": list(self.board.drift),
            "holds": holds_json(self.holds),
            "jobs": [standing_json(standing, {self.board.name: self.board}) for standing in self.standings],
        }

    def write(self, screen: Screen) -> None:
        """For people."""
        meta, count = self.board.meta, len(self.standings)
        screen.line(f"Board {self.board.name}   {count:,} job{'s' if count != 1 else ''}", "bold")
        screen.line(f"  {provenance(self.board, meta.get('revision') or 0)}", "dim")
        if meta.get("origin"):
            screen.line(f"  {'origin':<12}{meta['origin']}")
        if meta.get("at"):
            screen.line(f"  {'synced':<12}{when(meta['at'] // 1000 * 1000)}")
        if meta.get("locks"):
            locks = ", ".join(f"{name} {capacity}" for name, capacity in sorted(meta["locks"].items()))
            screen.line(f"  {'locks':<12}{locks}")
        if self.board.drift:
            screen.line(f"  {'drift':<12}{', '.join(self.board.drift)}   jobboard plan", "change")
        self._holds(screen)
        self._failed(screen)
        self._next(screen)
        screen.line(f"  → jobboard ls {self.board.name}")

    def _holds(self, screen: Screen) -> None:
        for scope, several in self.holds.items():
            for hold in several:
                words = f"{hold_text(scope, hold, None)}   {resume_command(scope)}"
                screen.line(f"  {'paused':<12}{words}", "change")

    def _failed(self, screen: Screen) -> None:
        failed = [s.job for s in self.standings if s.last_run and s.last_run.bad]
        if failed:
            more = f" and {len(failed) - UPCOMING} more" if len(failed) > UPCOMING else ""
            screen.line(f"  {'failed':<12}{', '.join(failed[:UPCOMING])}{more}", "error")

    def _next(self, screen: Screen) -> None:
        due = sorted((s for s in self.standings if s.due_at_ms is not None), key=lambda s: s.due_at_ms or 0)
        for word, standing in zip(["next", *[""] * UPCOMING], due[:UPCOMING], strict=False):
            at = moment(standing.due_at_ms, standing.zone, self.now_ms)
            screen.line(f"  {word:<12}{at:<14}{standing.job}")


def read(store: Store, name: str, now_ms: int) -> BoardView:
    """Read all that `BoardView` says.

    Raises:
        errors.UsageError: The board is gone.
    """
    from jobboard import errors
    from jobboard.store.boards import definitions
    from jobboard.store.runs.overview import survey

    board = definitions.read_board(store, name)
    if board is None:
        raise errors.UsageError(f"there is no board {name} any more", "jobboard ls lists the jobs")
    standings = survey(store, now_ms, boards={name: board})
    held = {scope: several for standing in standings for scope, several in standing.holds.items()}
    return BoardView(board, standings, held, now_ms)
