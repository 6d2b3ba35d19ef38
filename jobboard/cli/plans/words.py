"""The words and signs of a plan: those of Terraform, so that nobody has to learn them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.values import brief
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.plans.change import Action, JobChange
    from jobboard.core.plans.plan import BoardPlan

SYMBOLS: Mapping[Action, str] = {
    "adopt": "&",
    "move": ">",
    "add": "+",
    "change": "~",
    "destroy": "-",
    "record": "=",
    "forget": ".",
}
DONE: Mapping[Action, str] = {
    "adopt": "adopted",
    "move": "moved",
    "add": "added",
    "change": "changed",
    "destroy": "destroyed",
    "record": "recorded",
    "forget": "let go",
}
SHOWN_ALWAYS: Sequence[Action] = ("add", "change", "destroy")
"""Groups that a summary names even when they are empty."""


def counts_words(counts: Mapping[Action, int]) -> str:
    """``3 to add, 1 to change, 2 to destroy``; other groups only above zero."""
    return ", ".join(f"{counts[action]:,} to {action}" for action in summed_up(counts))


def summed_up(counts: Mapping[Action, int]) -> list[Action]:
    """The groups that a summary names: what is adopted first, what is let go last."""
    rest = [action for action in SYMBOLS if action not in SHOWN_ALWAYS and counts[action]]
    return [*(a for a in rest if a == "adopt"), *SHOWN_ALWAYS, *(a for a in rest if a != "adopt")]


def held_words(board: BoardPlan) -> str:
    """Which rollback holds a board, by whom and why."""
    held = board.held or {}
    reason = f': "{brief(held["reason"])}"' if held.get("reason") else ""
    return f"held at what revision {held.get('revision')} left, rolled back by {held.get('actor')}{reason}"


def named(change: JobChange) -> str:
    """A job as its line names it: with the name it has until then, where that is another."""
    board, job = split_address(change.address)
    return job if change.source is None else f"{short_address(change.source, board)} → {job}"


def short_address(address: str, board: str) -> str:
    """A job as its own board names it: without the board."""
    home, job = split_address(address)
    return job if home == board else address


def runs_of(count: int, state: str) -> str:
    """``2 queued runs``."""
    return number_of(count, f"{state} run")


def number_of(count: int, what: str) -> str:
    """``1 job``, ``2,000 jobs``."""
    return f"{count:,} {what}{'s' if count != 1 else ''}"
