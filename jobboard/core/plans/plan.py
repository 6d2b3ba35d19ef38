"""The plan: what a sync would write, as a frozen value that can be shown, compared and executed.

A plan is made from the boards as files say them and the boards as the store holds them
(`core.plans.compare`). Applying executes exactly the changes it lists. Its digest covers their content alone:
two plans with one digest write the same, whoever makes them and whenever.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import Action, JobChange
    from jobboard.core.plans.clash import Clash
    from jobboard.core.plans.drift import Conflicted, Drift
    from jobboard.core.plans.refusal import Refusal

OnPrune: TypeAlias = Literal["drain", "cancel"]


@dataclass(frozen=True, slots=True)
class Outdated:
    """Waiting runs of a job that stays as it is, which are to take the definition in force.

    Attributes:
        address: Which job.
        runs: How many of its runs wait with another definition.
        revisions: Those that last changed what they were queued with.
        spec: The definition in force, which they are to take.
    """

    address: str
    runs: int
    revisions: tuple[int, ...]
    spec: Spec


@dataclass(frozen=True, slots=True)
class BoardPlan:
    """What becomes of one board.

    Attributes:
        name: The board.
        path: Its file, relative to where the plan was made; for a vanished board, where it was.
        version: The version in the store this was planned against; None for a new board.
        changes: What would be written, by address.
        drift: Live edits that are kept.
        conflicts: What a person must decide first.
        refusals: What a flag would have to lift.
        jobs: How many jobs the board has afterwards.
        removed: Whether the board itself goes.
        missing: Whether its file is gone and the board stays all the same.
        meta: The board's record afterwards (origin, path, commit, digest, …); see `store.boards.definitions`.
        recorded: Whether that record differs from the one in the store.
        held: The rollback that keeps its file from having a say: {revision, actor, reason}; None for none.
        released: Whether its file says again what such a rollback went back to, which ends that.
        clashes: What would not hold together after the merge, and is for a person to decide likewise.
        left: Its jobs that get another address, by the name they have here.
        forgotten: Jobs that were removed by hand and are so no more: who did it is not kept.
        requeue: Whether the waiting runs of its jobs take the definition that is in force afterwards.
        outdated: Those of jobs that stay as they are, looked for only where that is so.
        notices: What a person may want to know of it, though it stands in nobody's way.
        on_prune: What becomes of running runs of jobs that go, whatever the board says; None for that.
    """

    name: str
    path: str
    version: str | None
    changes: tuple[JobChange, ...] = ()
    drift: tuple[Drift, ...] = ()
    conflicts: tuple[Conflicted, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    jobs: int = 0
    removed: bool = False
    missing: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)
    recorded: bool = False
    held: Mapping[str, Any] | None = None
    released: bool = False
    clashes: tuple[Clash, ...] = ()
    left: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    requeue: bool = False
    outdated: tuple[Outdated, ...] = ()
    on_prune: OnPrune | None = None
    notices: tuple[str, ...] = ()

    @property
    def rewritten(self) -> bool:
        """Whether the board's definitions change."""
        return bool(self.changes or self.left) or self.removed or self.version is None

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to show of it: at most its record follows its file."""
        # Nearly all boards of a plan are: in one expression, for a thousand of them.
        return not (
            self.changes
            or self.version is None
            or self.left
            or self.removed
            or self.outdated
            or self.missing
            or self.held
            or self.drift
            or self.conflicts
            or self.clashes
            or self.refusals
            or self.notices
        )

    @property
    def in_the_way(self) -> bool:
        """Whether there is anything that only a person can decide, settled by skipping it or not."""
        return bool(self.conflicts or self.clashes or self.refusals)

    @property
    def stopping(self) -> bool:
        """Whether running runs of jobs that go are stopped: as asked, else as the board says (`on_prune`)."""
        reconcile: Mapping[str, Any] = self.meta.get("reconcile") or {}
        return (self.on_prune or reconcile.get("on_prune")) == "cancel"

    @property
    def drifted(self) -> list[str]:
        """The jobs whose live definition differs from their base afterwards, by name."""
        found = {drift.address for drift in self.drift} | {c.address for c in self.conflicts if c.skipped}
        found.update(c.address for c in self.changes if c.after is not None and c.after != c.base)
        return sorted(split_address(address)[1] for address in found)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one sync would do, all boards named, all or nothing."""

    namespace: str
    boards: tuple[BoardPlan, ...]
    left_out: tuple[str, ...] = ()
    """Jobs that a sync of everything would write, and this does not, by address."""
    # What follows from these, once it was asked for.
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def told(self) -> tuple[BoardPlan, ...]:
        """The boards there is anything to show of: few of many, most of the time."""
        if "told" not in self._known:
            self._known["told"] = tuple(board for board in self.boards if not board.quiet)
        told: tuple[BoardPlan, ...] = self._known["told"]
        return told

    @property
    def changes(self) -> tuple[JobChange, ...]:
        """Every job that would be written."""
        return tuple(change for board in self.told for change in board.changes)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """Every job that was edited live, and is kept."""
        return tuple(drift for board in self.told for drift in board.drift)

    @property
    def conflicts(self) -> tuple[Conflicted, ...]:
        """Every job that both sides changed differently, skipped or not."""
        return tuple(conflict for board in self.told for conflict in board.conflicts)

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """Everything that would not hold together after the merge, skipped or not."""
        return tuple(clash for board in self.told for clash in board.clashes)

    @property
    def blocking(self) -> tuple[Conflicted, ...]:
        """The conflicts that stand in the way of all changes."""
        return tuple(conflict for conflict in self.conflicts if not conflict.skipped)

    @property
    def contested(self) -> bool:
        """Whether the file and Redis, or two owners, disagree about anything."""
        return bool(self.conflicts or self.clashes) or any(r.contested for r in self.refusals)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Every guard that stands in the way."""
        return tuple(refusal for board in self.told for refusal in board.refusals)

    @property
    def edited(self) -> list[str]:
        """Every job that somebody edited live and no sync has settled since."""
        return [d.address for board in self.told for d in board.drift] + [c.address for c in self.conflicts]

    @property
    def held(self) -> list[str]:
        """Boards that a rollback holds: they are passed over."""
        return [board.name for board in self.told if board.held is not None]

    @property
    def skipped(self) -> list[str]:
        """Jobs that stay wholly as they are because of a conflict, by address."""
        jobs = {conflict.address for conflict in self.conflicts if conflict.skipped}
        jobs.update(part.address for clash in self.clashes if clash.skipped for part in clash.parts)
        return sorted(jobs)

    @property
    def applyable(self) -> bool:
        """Whether a sync would go ahead."""
        return not (self.blocking or self.refusals or any(not clash.skipped for clash in self.clashes))

    @property
    def rewritten(self) -> bool:
        """Whether the definitions of any board change."""
        return any(board.rewritten for board in self.told)

    @property
    def outdated(self) -> tuple[Outdated, ...]:
        """Every job that stays as it is and whose waiting runs are to take the definition in force."""
        return tuple(job for board in self.told for job in board.outdated)

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to show of any board."""
        return not self.left_out and not self.told

    @property
    def empty(self) -> bool:
        """Whether a sync would change nothing that runs, nor any record of what the file said."""
        return not (self.rewritten or self.outdated) and self.applyable

    @property
    def counts(self) -> Counter[Action]:
        """How many jobs by action."""
        return Counter(change.action for change in self.changes)

    @property
    def digest(self) -> str:
        """``sha256:`` and 64 hex digits over the content of the changes."""
        # Of many changes this takes as long as writing them.
        if "digest" not in self._known:
            self._known["digest"] = self._digested()
        return str(self._known["digest"])

    def _digested(self) -> str:
        import json

        content = [
            [c.address, c.action, c.before.spec if c.before else None, c.after, c.base]
            + ([c.source] if c.source else [])
            + ([c.away] if c.away is not None else [])
            for c in self.changes
        ]
        removed = [board.name for board in self.told if board.removed]
        asked = [[b.name, b.requeue, b.on_prune] for b in self.boards if b.requeue or b.on_prune]
        # Which runs wait is no part of what was looked at: some begin while somebody reads.
        whole = [content, removed, *([asked] if asked and (content or self.outdated) else [])]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
