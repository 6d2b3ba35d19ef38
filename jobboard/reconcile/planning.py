"""Planning: the boards in the files against the boards in the store. Reads only.

A file whose bytes are those last applied, of a board nobody edited since, is neither parsed nor compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import LOOSE, split_address
from jobboard.core.plan import BoardPlan, Plan
from jobboard.core.policy import Policy
from jobboard.reconcile import ancestry, guards, targeting, together
from jobboard.reconcile.contradiction import refuse_contradiction
from jobboard.reconcile.judging import AtHand, judge
from jobboard.reconcile.moving import Crossing, Traffic, emptied, loose_plan
from jobboard.reconcile.pairing import boards_removed_by, is_held, paired, passed_over, plan_board
from jobboard.reconcile.requeuing import with_outdated
from jobboard.source.loader import load
from jobboard.store import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobboard.core.clash import Outside
    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.model import Spec
    from jobboard.reconcile.judging import Settled
    from jobboard.reconcile.pairing import Pair
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.source.loader import Board, Loaded
    from jobboard.store.connect import Store
    from jobboard.store.definitions import BoardRecord


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
        policy = _policy_of(self.boards[board], self.options) if board in self.boards else Policy()
        return any(rule.on_drift in ("revert", "exact") for rule in (policy, *policy.fields.values()))


def make_plan(store: Store, sources: Sources, options: Options) -> Planned:
    """Compare the boards in the files with the boards in the store. Reads only.

    Raises:
        errors.InvalidBoards: Any file of any board has an error; all of them are listed.
        errors.UsageError: A board's policies and the flags together keep what they would overwrite.
    """
    records = definitions.read_boards(store)
    loaded, unread = _loaded(sources, options, records)
    refuse_invalid(loaded.diagnostics)

    boards = {board.name: board for board in loaded.boards}
    lives = {
        name: definitions.read_definitions(store, records[name].version) for name in boards if name in records
    }
    policies = {board.name: _policy_of(board, options) for board in boards.values()}
    refuse_contradiction(policies, boards, lives, options)
    still = {record.name for record in unread}
    unmentioned = [r for r in records.values() if r.name not in boards and r.name not in still]
    vanished = guards.vanished(store, sources, pruning(options, boards.values(), unread), unmentioned)
    held = {name for name in lives if is_held(boards[name], records[name], lives[name])}
    leaving = [plan.name for plan in vanished]
    traffic = Crossing(store, boards, lives, records, leaving, held=held).traffic(sources, options)
    chosen = targeting.choose(options, boards, lives, traffic, records)
    if options.targets or options.excludes:
        vanished, traffic = [], Traffic()
    elif options.adopted:
        vanished = []
    pairs = {
        name: paired(store, board, records.get(name), traffic.settled(name, lives.get(name, {})))
        for name, board in chosen.boards.items()
    }
    aside = [_still(record, sources) for record in unread]
    aside += _outside(store, vanished, records, traffic)

    def plan_of(pair: Pair, settled: Settled) -> BoardPlan:
        name = pair.board.name
        if name in held:
            return passed_over(pair, records[name], traffic)
        policy = replace(policies[name], settled=settled.sides)
        return plan_board(
            pair, policy, settled.left_out | chosen.aside, traffic, sources=sources, options=options
        )

    def plan_with(settled: Settled) -> Plan:
        plans = [*aside, *(plan_of(pair, settled) for pair in pairs.values())]
        return Plan(store.namespace, tuple(sorted(plans, key=lambda p: p.name)), chosen.undone)

    going = {board.name for board in aside if board.removed}
    others = [r for r in records.values() if r.name not in pairs and r.name not in going]
    at_hand = AtHand(
        chosen.boards,
        {name: pair.live for name, pair in pairs.items()},
        _as_left(others, aside),
        policies,
        options.skip_conflicted,
    )
    plan = judge(store, at_hand, plan_with, partial(_refuse_apart, chosen.boards))
    if options.requeue:
        plan = with_outdated(store, plan, records, chosen.takes)
    plan = _guarded(plan, records, sources, options)
    return Planned(
        plan,
        sources,
        options,
        loaded.diagnostics,
        chosen.boards,
        not records,
        beyond_git=ancestry.leaves_git(plan, records, sources),
        heads={record.name: record.meta.get("commit") for record in records.values()},
    )


def _loaded(
    sources: Sources, options: Options, records: Mapping[str, BoardRecord]
) -> tuple[Loaded, list[BoardRecord]]:
    """The boards of the files that had to be parsed, and the records of those that had not."""
    # A name alone may be that of a job of any board, read or not.
    clean = {} if targeting.has_bare_names(options, records) else _unchanged(sources, options, records)
    loaded = load([file for file in sources.files if file.path not in clean])
    if {board.name for board in loaded.boards}.isdisjoint(clean.values()):
        return loaded, [records[name] for name in clean.values()]
    # Another file claims a name that an unread file has: read them all, so that both can be shown.
    return load(sources.files), []


def _guarded(plan: Plan, records: Mapping[str, BoardRecord], sources: Sources, options: Options) -> Plan:
    """The plan with what was asked for all its boards, and refused where files come from the wrong place."""
    if options.requeue or options.on_prune:
        asked = (replace(b, requeue=options.requeue, on_prune=options.on_prune) for b in plan.boards)
        plan = replace(plan, boards=tuple(asked))
    if not options.allow_rewind:
        plan = ancestry.judged(plan, records, sources)
    if options.committed_only and not options.allow_dirty:
        plan = guards.with_dirt(plan, sources)
    return plan


def _as_left(others: Sequence[BoardRecord], aside: Sequence[BoardPlan]) -> list[BoardRecord]:
    """Boards that take no part, as they will be when jobs have come to them or left them."""
    after = {board.name: board.meta for board in aside if board.left or board.name == LOOSE}
    return [replace(record, meta=after.get(record.name, record.meta)) for record in others]


def pruning(options: Options, boards: Iterable[Board], unread: Iterable[BoardRecord]) -> Options:
    """The options, with the boards that a board beside them says may go."""
    named = {name for board in boards for name in boards_removed_by(board)}
    named |= {name for record in unread for name in record.meta.get("removes", ())}
    return replace(options, prune_boards=options.prune_boards | named) if named else options


def _outside(
    store: Store, vanished: Sequence[BoardPlan], records: Mapping[str, BoardRecord], traffic: Traffic
) -> list[BoardPlan]:
    """The plans of boards without a file, and of the jobs of no board where any come or go."""
    plans = list(vanished)
    if not traffic.goings:
        return plans
    for index, plan in enumerate(plans):
        if plan.name in traffic.goings:
            live = definitions.read_definitions(store, records[plan.name].version)
            plans[index] = emptied(plan, live, traffic)
    loose = records.get(LOOSE)
    moved = loose_plan(loose, definitions.read_definitions(store, loose.version) if loose else {}, traffic)
    return [*plans, moved] if moved is not None else plans


def refuse_invalid(diagnostics: Sequence[Diagnostic]) -> None:
    """Raise if there is an error among them; a warning stops nothing.

    Raises:
        errors.InvalidBoards: With all of them.
    """
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise errors.InvalidBoards(diagnostics)


def _refuse_apart(boards: Mapping[str, Board], specs: Mapping[str, Spec], outside: Outside) -> None:
    """Raise what the files say that does not hold together, each fault at its place."""
    refuse_invalid(
        [
            boards[split_address(address)[0]].diagnostic(fault, split_address(address)[1])
            for address, found in together.check_together(specs, outside).items()
            for fault in found
        ]
    )


def _unchanged(sources: Sources, options: Options, records: Mapping[str, BoardRecord]) -> dict[str, str]:
    """Path to board name of every file that is, byte for byte, what was last applied."""
    by_path = {record.meta.get("path"): record for record in records.values()}
    clean: dict[str, str] = {}
    for file in sources.files:
        record = by_path.get(file.path)
        if (
            record is not None
            and record.meta.get("digest") == file.digest
            and not record.drift
            and not any(split_address(address)[0] == record.name for address in options.adopted.values())
            and not guards.origin_refusals(record, sources, options)
        ):
            clean[file.path] = record.name
    return clean


def _still(record: BoardRecord, sources: Sources) -> BoardPlan:
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


def _policy_of(board: Board, options: Options) -> Policy:
    """The policy for a board's jobs: what its layers say, and what the command line says on top."""
    return Policy.of_layers(board.policies).by_flag(options.on_drift, options.on_conflict, options.forced)
