"""Planning: the boards in the files against the boards in the store. Reads only.

A file whose bytes are those last applied, of a board nobody edited since, is neither parsed nor compared.
Most plans find that so of every file. They are made here, and what compares boards (`reconcile.comparing`)
is not even imported: that alone takes longer than reading a thousand files.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import split_address
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.reconcile import ancestry, guards
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.source.board import Board
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made from.

    Attributes:
        plan: The plan.
        sources, options: What it was made from; planning again uses the same.
        warnings: What the boards' author may want to know; no error among them.
        boards: The boards that had to be parsed, by name: for positions.
        fresh: Whether the store held no board at all.
        beyond_git: A board that came from a commit although these files come from none; None for no such.
        heads: By board, the commit that it came from until now; None for one from outside Git.
        rollback: The revision that a rollback goes back to; None for a sync.
        again: How to make this plan again, where it was not made from files.
    """

    plan: Plan
    sources: Sources
    options: Options
    warnings: tuple[Diagnostic, ...] = ()
    boards: Mapping[str, Board] = field(default_factory=dict)
    fresh: bool = False
    beyond_git: str | None = None
    heads: Mapping[str, str | None] = field(default_factory=dict)
    rollback: int | None = None
    again: Callable[[], Planned] | None = None

    def is_reverting(self, board: str) -> bool:
        """Whether the policy of a board that was parsed takes any live edit back."""
        from jobboard.reconcile.comparing import policy_of

        if board not in self.boards:
            return False
        policy = policy_of(self.boards[board], self.options)
        return any(rule.on_drift in ("revert", "exact") for rule in (policy, *policy.fields.values()))


def make_plan(store: Store, sources: Sources, options: Options) -> Planned:
    """Compare the boards in the files with the boards in the store. Reads only.

    Raises:
        errors.InvalidBoards: Any file of any board has an error; all of them are listed.
        errors.UsageError: A board's policies and the flags together keep what they would overwrite.
    """
    records = definitions.read_boards(store)
    unchanged = unchanged_files(sources, options, records)
    if _stands_still(sources, options, records, unchanged):
        boards = [still(records[name], sources) for name in sorted(unchanged.values())]
        plan = guarded(Plan(store.namespace, tuple(boards)), records, sources, options)
        return concluded(plan, records, sources, options)
    from jobboard.reconcile.comparing import compare

    return compare(store, sources, options, records, unchanged)


def concluded(
    plan: Plan,
    records: Mapping[str, BoardRecord],
    sources: Sources,
    options: Options,
    *,
    warnings: tuple[Diagnostic, ...] = (),
    boards: Mapping[str, Board] | None = None,
) -> Planned:
    """A plan with what it was made from."""
    return Planned(
        plan,
        sources,
        options,
        warnings,
        boards or {},
        not records,
        beyond_git=ancestry.leaves_git(plan, records, sources),
        heads={record.name: record.meta.get("commit") for record in records.values()},
    )


def guarded(plan: Plan, records: Mapping[str, BoardRecord], sources: Sources, options: Options) -> Plan:
    """The plan with what was asked for all its boards, and refused where files come from the wrong place."""
    if options.requeue or options.on_prune:
        asked = (replace(b, requeue=options.requeue, on_prune=options.on_prune) for b in plan.boards)
        plan = replace(plan, boards=tuple(asked))
    if not options.allow_rewind:
        plan = ancestry.judged(plan, records, sources)
    if options.committed_only and not options.allow_dirty:
        plan = guards.with_dirt(plan, sources)
    return plan


def refuse_invalid(diagnostics: Sequence[Diagnostic]) -> None:
    """Raise if there is an error among them; a warning stops nothing.

    Raises:
        errors.InvalidBoards: With all of them.
    """
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise errors.InvalidBoards(diagnostics)


def unchanged_files(sources: Sources, options: Options, records: Mapping[str, BoardRecord]) -> dict[str, str]:
    """Path to board name of every file that is, byte for byte, what was last applied."""
    by_path = {record.meta.get("path"): record for record in records.values()}
    adopting = {split_address(address)[0] for address in options.adopted.values()}
    clean: dict[str, str] = {}
    for file in sources.files:
        record = by_path.get(file.path)
        if (
            record is not None
            and record.meta.get("digest") == file.digest
            and not record.drift
            and record.name not in adopting
            and not guards.origin_refusals(record, sources, options)
        ):
            clean[file.path] = record.name
    return clean


def _stands_still(
    sources: Sources, options: Options, records: Mapping[str, BoardRecord], unchanged: Mapping[str, str]
) -> bool:
    """Whether every file is unchanged, none is missed, and nothing was asked that looks at jobs anyway."""
    asked = (options.targets, options.excludes, options.adopted, options.requeue, options.on_prune)
    # Keeping what is live contradicts other policies, which is refused whatever there is to do.
    if len(unchanged) < len(sources.files) or any(asked) or options.on_conflict == "live":
        return False
    read = set(unchanged.values())
    return not any(name not in read and guards.is_missed(records[name], sources) for name in records)


def still(record: BoardRecord, sources: Sources) -> BoardPlan:
    """The plan of a board whose file did not change: at most its head commit is noted."""
    meta = ancestry.restated(record.meta, sources)
    return BoardPlan(
        record.name,
        str(record.meta["path"]),
        record.version,
        jobs=int(record.meta["jobs"]),
        meta=meta,
        recorded=meta is not record.meta,
    )
