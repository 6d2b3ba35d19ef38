"""A board's jobs as its file says them and as the store holds them: what to write, keep or ask about.

`core.jobs.merge` decides field by field; here it is jobs that are on one side alone, and what follows from
the fields of one for the job as a whole.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from jobboard.core.jobs.merge import Merged, merge_job
from jobboard.core.jobs.policy import BUILT_IN
from jobboard.core.names import address_of
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.drift import WHOLE, Conflicted, Drift, removal, revival

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.policy import Policy

NONE_REMOVED: Mapping[str, Spec | None] = MappingProxyType({})


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
    """What becomes of a job that the file declares and somebody removed: the table of `core.jobs.merge`."""
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


def _change(
    address: str, held: Definition, spec: Spec, base: Spec, fields: Sequence[Merged]
) -> JobChange | None:
    moved = tuple(f for f in fields if f.verdict in ("take", "revert", "converge"))
    if spec != held.spec:
        return JobChange(address, "change", held, spec, base, moved)
    if base != held.base:
        return JobChange(address, "record", held, spec, base, moved)
    return None
