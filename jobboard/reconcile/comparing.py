"""Comparing: what a plan is made of where any file, flag or missing file gives something to compare."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from jobboard.core.jobs.policy import Policy
from jobboard.core.names import LOOSE, split_address
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.reconcile import guards, targeting, together
from jobboard.reconcile.contradiction import refuse_contradiction
from jobboard.reconcile.judging import AtHand, judge
from jobboard.reconcile.moving import Crossing
from jobboard.reconcile.pairing import boards_removed_by, is_held, paired, passed_over, plan_board
from jobboard.reconcile.planning import concluded, guarded, refuse_invalid, still
from jobboard.reconcile.selecting import Stored
from jobboard.reconcile.traffic import Traffic, emptied, loose_plan
from jobboard.source.loader import load
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.clash import Outside
    from jobboard.reconcile.judging import Settled
    from jobboard.reconcile.pairing import Pair
    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.source.board import Board
    from jobboard.source.loader import Loaded
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


def compare(
    store: Store,
    sources: Sources,
    options: Options,
    records: Mapping[str, BoardRecord],
    unchanged: Mapping[str, str],
) -> Planned:
    """The plan, as `planning.make_plan` is to make it; raises the same.

    `records` are all boards of the store; `unchanged` is path to board of every file that need not be parsed.
    """
    loaded, unread = _loaded(sources, options, records, unchanged)
    refuse_invalid(loaded.diagnostics)

    boards = {board.name: board for board in loaded.boards}
    lives = {
        name: definitions.read_definitions(store, records[name].version) for name in boards if name in records
    }
    policies = {board.name: policy_of(board, options) for board in boards.values()}
    refuse_contradiction(policies, boards, lives, options)
    known = {*boards, *(record.name for record in unread)}
    unmentioned = [record for name, record in records.items() if name not in known]
    vanished: list[BoardPlan] = []
    if unmentioned:
        holders = {str(record.meta.get("path")): record.name for record in unread}
        holders |= {board.path: board.name for board in boards.values()}
        lifted = pruning(options, boards.values(), unread)
        vanished = guards.vanished(store, sources, lifted, unmentioned, holders)
    held = {name for name in lives if is_held(boards[name], records[name], lives[name])}
    held |= {plan.name for plan in vanished if plan.held}
    leaving = [plan.name for plan in vanished]
    traffic = Crossing(store, boards, lives, records, leaving, held=held).traffic(sources, options)
    chosen = targeting.choose(options, boards, lives, traffic, Stored(store, records))
    if options.targets or options.excludes:
        vanished, traffic = [], Traffic()
    elif options.adopted:
        vanished = []
    pairs = {
        name: paired(store, board, records.get(name), traffic.settled(name, lives.get(name, {})))
        for name, board in chosen.boards.items()
    }
    fileless = _outside(store, vanished, records, traffic)
    aside = [*(still(record, sources) for record in unread), *fileless]

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
        return Plan(store.namespace, tuple(sorted(plans, key=attrgetter("name"))), chosen.undone)

    going = {board.name for board in fileless if board.removed}
    others = [r for r in records.values() if r.name not in pairs and r.name not in going]
    at_hand = AtHand(
        chosen.boards,
        {name: pair.live for name, pair in pairs.items()},
        _as_left(others, fileless),
        policies,
        options.skip_conflicted,
    )
    plan = judge(store, at_hand, plan_with, partial(_refuse_apart, chosen.boards))
    if options.requeue:
        # Takes along all that reads runs.
        from jobboard.reconcile.requeuing import with_outdated

        plan = with_outdated(store, plan, records, chosen.takes)
    plan = guarded(plan, records, sources, options)
    return concluded(plan, records, sources, options, warnings=loaded.diagnostics, boards=chosen.boards)


def _loaded(
    sources: Sources,
    options: Options,
    records: Mapping[str, BoardRecord],
    unchanged: Mapping[str, str],
) -> tuple[Loaded, list[BoardRecord]]:
    """The boards of the files that had to be parsed, and the records of those that had not."""
    # A name alone may be that of a job of any board, read or not.
    clean = {} if targeting.has_bare_names(options, records) else unchanged
    loaded = load([file for file in sources.files if file.path not in clean])
    if {board.name for board in loaded.boards}.isdisjoint(clean.values()):
        return loaded, [records[name] for name in clean.values()]
    # Another file claims a name that an unread file has: read them all, so that both can be shown.
    return load(sources.files), []


def _as_left(others: Sequence[BoardRecord], fileless: Sequence[BoardPlan]) -> Sequence[BoardRecord]:
    """Boards that take no part, as they will be when jobs have come to them or left them."""
    after = {board.name: board.meta for board in fileless if board.left or board.name == LOOSE}
    if not after:
        return others
    return [replace(record, meta=after[record.name]) if record.name in after else record for record in others]


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


def _refuse_apart(boards: Mapping[str, Board], specs: Mapping[str, Spec], outside: Outside) -> None:
    """Raise what the files say that does not hold together, each fault at its place."""
    refuse_invalid(
        [
            boards[split_address(address)[0]].diagnostic(fault, split_address(address)[1])
            for address, found in together.check_together(specs, outside).items()
            for fault in found
        ]
    )


def policy_of(board: Board, options: Options) -> Policy:
    """The policy for a board's jobs: what its layers say, and what the command line says on top."""
    return Policy.of_layers(board.policies).by_flag(options.on_drift, options.on_conflict, options.forced)
