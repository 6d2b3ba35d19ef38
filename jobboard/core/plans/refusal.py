"""Why a plan may not be applied: the guards that look at its jobs, each naming the flag that lifts it.

Those that look at where a board comes from are in `reconcile.guards`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.drift import Drift

LARGE = 10
"""Jobs from which on a board is guarded against losing many of them at once."""
LARGEST_LOSS_PERCENT = 30


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan may not be applied, and the flag that says: do it all the same.

    Attributes:
        code: ``owner``, ``drift``, ``branch``, ``rewind``, ``dirty``, ``empty``, ``many``, ``vanished``,
            ``protected``, ``depends``, ``moved``.
        subject: The board or job it is about.
        message: A sentence for a person.
        way_out: What to type or do.
    """

    code: str
    subject: str
    message: str
    way_out: str

    @property
    def contested(self) -> bool:
        """Whether two sides disagree, which ends a command as a conflict does."""
        return self.code in ("owner", "drift")


def protected_refusals(changes: Iterable[JobChange]) -> list[Refusal]:
    """A destroyed job that the *store* says is protected: taking the protection away is a sync of its own."""
    return [
        Refusal(
            "protected",
            change.address,
            f"{change.address} is protected and this would destroy it",
            "sync the job once with `protected: false`, then remove it",
        )
        for change in changes
        if change.action == "destroy" and change.before is not None and change.before.spec.get("protected")
    ]


def drift_refusals(drift: Iterable[Drift]) -> list[Refusal]:
    """Jobs that were edited live although the policy says that nobody does."""
    return [
        Refusal(
            "drift",
            job.address,
            f"{job.address} was edited live: {', '.join(field.path for field in job.forbidden)}",
            "write it into the board, or add --on-drift keep, or --on-drift revert to take it back",
        )
        for job in drift
        if job.forbidden
    ]


def loss_refusal(
    board: str, before: int, changes: Iterable[JobChange], allowed: int | None
) -> Refusal | None:
    """A board of some size that would lose many of its jobs at once, destroyed or disabled.

    Args:
        board: Its name.
        before: How many jobs it has.
        changes: What would be written.
        allowed: How many losses a person said are meant; None where nobody did.
    """
    lost = sum(map(_is_loss, changes))
    if before < LARGE or lost * 100 <= before * LARGEST_LOSS_PERCENT or lost <= (allowed or 0):
        return None
    return Refusal(
        "many",
        board,
        f"board {board} would lose {lost} of its {before} jobs, destroyed or disabled",
        f"if that is meant, add --allow-destroy {lost}",
    )


def _is_loss(change: JobChange) -> bool:
    if change.before is None:
        return False
    if change.after is None:
        return True
    return change.before.spec.get("enabled") is not False and change.after.get("enabled") is False


def empty_refusal(board: str, before: int, after: int) -> Refusal | None:
    """A board that had jobs and would have none."""
    if before == 0 or after > 0:
        return None
    return Refusal(
        "empty",
        board,
        f"board {board} would go from {before} job{'s' if before != 1 else ''} to none",
        "if that is meant, add --allow-empty",
    )
