"""The plan: what a sync would write, as a frozen value that can be shown, compared and executed.

A plan is made from the boards as files say them and the boards as the store holds them. Applying executes
exactly the changes it lists. Its digest covers their content alone: two plans with one digest write the
same, whoever makes them and whenever.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from jobboard.core.merge import Merged, merge_job
from jobboard.core.names import address_of, split_address
from jobboard.core.override import laid, lay
from jobboard.core.policy import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from jobboard.core.clash import Clash
    from jobboard.core.model import Definition, Spec
    from jobboard.core.policy import Policy

WHOLE = "job"
"""The path of drift that is about a job as a whole: removed by hand, or brought back."""
NONE_REMOVED: Mapping[str, Spec | None] = MappingProxyType({})
LARGE = 10
"""Jobs from which on a board is guarded against losing many of them at once."""
LARGEST_LOSS_PERCENT = 30

OnPrune: TypeAlias = Literal["drain", "cancel"]
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A job that comes to a board from another address.

    Attributes:
        source: The address it has until then.
        definition: Its definition, as if it had the new address already.
        action: ``move``, ``adopt`` or ``forget``.
    """

    source: str
    definition: Definition
    action: Action


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
        meta: The board's record afterwards (origin, path, commit, digest, …); see `store.definitions`.
        recorded: Whether that record differs from the one in the store.
        held: The rollback that keeps its file from having a say: {revision, actor, reason}; None for none.
        released: Whether its file says again what such a rollback went back to, which ends that.
        clashes: What would not hold together after the merge, and is for a person to decide likewise.
        left: Its jobs that get another address, by the name they have here.
        forgotten: Jobs that were removed by hand and are so no more: who did it is not kept.
        requeue: Whether the waiting runs of jobs that change take the new definition.
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
    on_prune: OnPrune | None = None

    @property
    def rewritten(self) -> bool:
        """Whether the board's definitions change."""
        return bool(self.changes or self.left) or self.removed or self.version is None

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
    # The digest once it was asked for: of many changes it takes as long as writing them.
    _digest: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def changes(self) -> tuple[JobChange, ...]:
        """Every job that would be written."""
        return tuple(change for board in self.boards for change in board.changes)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """Every job that was edited live, and is kept."""
        return tuple(drift for board in self.boards for drift in board.drift)

    @property
    def conflicts(self) -> tuple[Conflicted, ...]:
        """Every job that both sides changed differently, skipped or not."""
        return tuple(conflict for board in self.boards for conflict in board.conflicts)

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """Everything that would not hold together after the merge, skipped or not."""
        return tuple(clash for board in self.boards for clash in board.clashes)

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
        return tuple(refusal for board in self.boards for refusal in board.refusals)

    @property
    def edited(self) -> list[str]:
        """Every job that somebody edited live and no sync has settled since."""
        return [d.address for board in self.boards for d in board.drift] + [c.address for c in self.conflicts]

    @property
    def held(self) -> list[str]:
        """Boards that a rollback holds: they are passed over."""
        return [board.name for board in self.boards if board.held is not None]

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
    def empty(self) -> bool:
        """Whether a sync would change nothing that runs, nor any record of what the file said."""
        return not any(board.rewritten for board in self.boards) and self.applyable

    @property
    def counts(self) -> Counter[Action]:
        """How many jobs by action."""
        return Counter(change.action for change in self.changes)

    @property
    def digest(self) -> str:
        """``sha256:`` and 64 hex digits over the content of the changes."""
        if not self._digest:
            self._digest.append(self._digested())
        return self._digest[0]

    def _digested(self) -> str:
        content = [
            [c.address, c.action, c.before.spec if c.before else None, c.after, c.base]
            + ([c.source] if c.source else [])
            + ([c.away] if c.away is not None else [])
            for c in self.changes
        ]
        removed = [board.name for board in self.boards if board.removed]
        asked = [[b.name, b.requeue, b.on_prune] for b in self.boards if b.requeue or b.on_prune]
        whole = [content, removed, *([asked] if asked and content else [])]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plan_jobs(
    board: str,
    file: Mapping[str, Spec],
    live: Mapping[str, Definition],
    policy: Policy = BUILT_IN,
    *,
    skip_conflicted: bool = False,
    left_out: Collection[str] = (),
    removed: Mapping[str, Spec | None] = NONE_REMOVED,
) -> tuple[tuple[JobChange, ...], tuple[Drift, ...], tuple[Conflicted, ...]]:
    """Compare a board's jobs: what to write, what drifted, what conflicts. Ordered by job name.

    Args:
        board: Its name.
        file: The resolved definition of every job the file declares.
        live: What the store holds of the board.
        policy: What becomes of drift and of conflicts.
        skip_conflicted: A job with a conflict stays wholly as it is, and the others go on without it.
        left_out: Jobs, by name, that stay wholly as they are: the file has no say.
        removed: Jobs that were removed by hand, by name, to what was applied of them last; None for one of
            which nobody knows.
    """
    changes: list[JobChange] = []
    drift: list[Drift] = []
    conflicts: list[Conflicted] = []
    for job in sorted({**file, **live}):
        address = address_of(board, job)
        wanted, held = file.get(job), live.get(job)
        if wanted is not None and held is not None and "seed" in held.base:
            wanted = {**wanted, "seed": held.base["seed"]}
        if job in left_out:
            if held is not None and held.drifted:
                drift.append(Drift(address, merge_job(held.base, held.spec, held.base).drift))
            elif held is None and job in removed:
                drift.append(removal(address))
        elif held is None:
            assert wanted is not None
            if job not in removed:
                changes.append(JobChange(address, "add", None, wanted, wanted))
                continue
            for found in _away(address, wanted, removed[job], policy):
                if isinstance(found, JobChange):
                    changes.append(found)
                elif isinstance(found, Drift):
                    drift.append(found)
                else:
                    conflicts.append(replace(found, skipped=skip_conflicted))
        elif wanted is None and not held.base and policy.drift_at(WHOLE) != "exact":
            drift.append(revival(address, policy))
        elif wanted is None:
            changes.append(JobChange(address, "destroy", held, None, None))
        elif not (wanted == held.spec == held.base):
            merged = merge_job(held.base, held.spec, wanted, policy, address)
            if merged.conflicts:
                conflicts.append(
                    Conflicted(address, merged.conflicts, skip_conflicted, revision=held.revision or None)
                )
            if merged.drift:
                drift.append(Drift(address, merged.drift, merged.forbidden))
            if merged.conflicts and skip_conflicted:
                continue
            change = _change(address, held, merged.spec, merged.base, merged.fields)
            # While a conflict stands there is no base to record; other fields of the job are still shown.
            if change is not None and not (merged.conflicts and change.action == "record"):
                changes.append(change)
    return tuple(changes), tuple(drift), tuple(conflicts)


def _away(
    address: str, wanted: Spec, base: Spec | None, policy: Policy
) -> Iterator[JobChange | Drift | Conflicted]:
    """What becomes of a job that the file declares and somebody removed, by the table of `core.merge`."""
    if base is not None and "seed" in base:
        wanted = {**wanted, "seed": base["seed"]}
    back = JobChange(address, "add", None, wanted, wanted)
    if base is None or base == wanted:
        yield back if policy.drift_at(WHOLE) in ("revert", "exact") else removal(address, policy)
        return
    side = policy.conflict_at(WHOLE, address)
    if side == "file":
        yield back
    elif side == "live":
        yield removal(address, policy)
        yield JobChange(address, "record", None, None, wanted, away=base)
    else:
        found = Merged(WHOLE, "conflict", "declared", "removed", "changed", "removed")
        yield Conflicted(address, (found,), moved=merge_job(base, base, wanted).fields)


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


def _change(
    address: str, held: Definition, spec: Spec, base: Spec, fields: Sequence[Merged]
) -> JobChange | None:
    moved = tuple(f for f in fields if f.verdict in ("take", "revert", "converge"))
    if spec != held.spec:
        return JobChange(address, "change", held, spec, base, moved)
    if base != held.base:
        return JobChange(address, "record", held, spec, base, moved)
    return None


def arrived(
    changes: Iterable[JobChange], comings: Mapping[str, Arrival], board: str
) -> tuple[JobChange, ...]:
    """The changes of a board, with those of jobs that come from elsewhere said to be that.

    Args:
        changes: As compared with those jobs as if they had their new address already.
        comings: By the name they will have.
        board: The board's name.
    """
    by_address = {change.address: change for change in changes}
    for job, coming in comings.items():
        address, held = address_of(board, job), coming.definition
        same = by_address.get(address) or JobChange(address, coming.action, held, held.spec, held.base)
        moved = tuple(found for found in same.fields if found.verdict != "converge")
        by_address[address] = replace(same, action=coming.action, source=coming.source, fields=moved)
    return tuple(by_address[address] for address in sorted(by_address))


def renamed_by_hand(changes: Sequence[JobChange]) -> list[tuple[str, str]]:
    """Jobs that would go beside new ones that say just the same: most likely they have a new name.

    Returns:
        (address of the job that would go, that of the new one), where there is no doubt which.
    """
    gone: dict[str, list[str]] = {}
    new: dict[str, list[str]] = {}
    for change in changes:
        if change.action == "destroy" and change.before is not None:
            gone.setdefault(_content(change.before.base), []).append(change.address)
    # Most plans destroy nothing, and then nothing can have another name.
    for change in changes if gone else ():
        if change.action == "add" and change.after is not None:
            new.setdefault(_content(change.after), []).append(change.address)
    return sorted(
        (old[0], new[content][0])
        for content, old in gone.items()
        if len(old) == 1 and len(new.get(content, ())) == 1
    )


def _content(spec: Spec) -> str:
    said = {name: value for name, value in spec.items() if name != "seed"}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


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
