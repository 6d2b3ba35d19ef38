"""Jobs that somebody edited live: what is kept of that, and what only a person can decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.jobs.merge import Merged
from jobboard.core.jobs.policy import BUILT_IN

if TYPE_CHECKING:
    from jobboard.core.jobs.policy import Policy

WHOLE = "job"
"""The path of drift that is about a job as a whole: removed by hand, or brought back."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A job somebody edited live, kept as it is.

    Attributes:
        address: Which job.
        fields: The paths that were edited.
        forbidden: Those of them that the policy does not let pass.
    """

    address: str
    fields: tuple[Merged, ...]
    forbidden: tuple[Merged, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflicted:
    """A job that the file and somebody's live edit changed differently.

    Attributes:
        address: Which job.
        fields: The paths that both changed; `WHOLE` for a job that was removed by hand.
        skipped: Whether the job stays as it is and stands in nobody's way.
        moved: What the file changes of a job that was removed.
        revision: The one that last wrote the job; None where nobody knows.
    """

    address: str
    fields: tuple[Merged, ...]
    skipped: bool = False
    moved: tuple[Merged, ...] = ()
    revision: int | None = None


def removal(address: str, policy: Policy = BUILT_IN) -> Drift:
    """A job that was removed by hand, and stays away."""
    return _whole(address, policy, file="declared", live="removed")


def revival(address: str, policy: Policy = BUILT_IN) -> Drift:
    """A job that was brought back by hand, and that no file declares."""
    return _whole(address, policy, file=None, live="brought back")


def _whole(address: str, policy: Policy, *, file: str | None, live: str) -> Drift:
    """A job that is there against what the file says, or is not."""
    fields = (Merged(WHOLE, "keep", file, live, file, live),)
    return Drift(address, fields, fields if policy.drift_at(WHOLE) == "fail" else ())
