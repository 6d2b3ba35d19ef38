"""One job that a sync would write, with what it is before and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from jobboard.core.jobs.override import laid, lay

if TYPE_CHECKING:
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Definition, Spec

Action: TypeAlias = Literal["adopt", "move", "add", "change", "destroy", "record", "forget"]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class JobChange:
    """One job that a sync would write.

    Attributes:
        address: Which job.
        action: ``add``; ``change``; ``destroy``; ``record`` where only the base follows and nothing that
            runs moves; ``move`` where the job had another address; ``adopt`` where it was on no board, and
            ``forget`` where it will be.
        before: The live definition now; None for an added job. That of a job with another address, as
            if it had the new one already.
        after: The live definition afterwards; None for a destroyed one.
        base: The base afterwards; None for a destroyed job. One that was removed by hand has a base without
            a definition.
        fields: The paths that move, and why.
        source: The address it has until then, where that is another.
        away: Of a job that was removed by hand and stays away, the base until then; None for any other.
    """

    address: str
    action: Action
    before: Definition | None
    after: Spec | None
    base: Spec | None
    fields: tuple[Merged, ...] = ()
    source: str | None = None
    away: Spec | None = None

    @property
    def ran(self) -> Spec | None:
        """What is in force now: the live definition with its overrides; None for an added job."""
        return None if self.before is None else laid(self.before)

    @property
    def runs(self) -> Spec | None:
        """What will be in force: no sync touches an override. None for a destroyed job."""
        if self.after is None or self.before is None or not self.before.overrides:
            return self.after
        return lay(self.after, self.before.overrides)

    @property
    def redefines(self) -> bool:
        """Whether a job that stays has another definition afterwards."""
        return self.before is not None and self.after is not None and self.before.spec != self.after

    @property
    def moves_schedule(self) -> bool:
        """Whether the next due instant has to be worked out anew, from now."""
        ran, runs = self.ran, self.runs
        return ran is None or runs is None or moves_schedule(ran, runs)


def moves_schedule(before: Spec, after: Spec) -> bool:
    """Whether a job fires at other instants by one definition than by another."""
    return before.get("schedule") != after.get("schedule") or before.get("enabled") != after.get("enabled")
