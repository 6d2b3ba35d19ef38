"""Planning: the boards in the files against the boards in the store. Reads only.

A file whose bytes are those last applied, of a board nobody edited since, is neither parsed nor compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.arrival import arrived
from jobboard.core.compare import plan_jobs
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plan import BoardPlan, Plan
from jobboard.core.policy import Policy
from jobboard.core.refusal import drift_refusals, empty_refusal, loss_refusal, protected_refusals
from jobboard.reconcile import ancestry, guards, targeting, together
from jobboard.reconcile.contradiction import refuse_contradiction
from jobboard.reconcile.judging import AtHand, judge
from jobboard.reconcile.moving import Crossing, Traffic, board_facts, emptied, loose_plan
from jobboard.source.loader import load
from jobboard.store import definitions, tombstones

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from jobboard.core.clash import Outside
    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.drift import Drift
    from jobboard.core.model import Definition, Spec
    from jobboard.reconcile.judging import Settled
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.source.loader import Board
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
    clean = _unchanged(sources, options, records)
    still = set(clean.values())
    loaded = load([file for file in sources.files if file.path not in clean])
    if any(board.name in still for board in loaded.boards):
        # Another file claims a name that an unread file has: read them all, so that both can be shown.
        still, clean = set(), {}
        loaded = load(sources.files)
    refuse_invalid(loaded.diagnostics)

    boards = {board.name: board for board in loaded.boards}
    lives = {
        name: definitions.read_definitions(store, records[name].version) for name in boards if name in records
    }
    policies = {board.name: _policy_of(board, options) for board in boards.values()}
    refuse_contradiction(policies, boards, lives, options)
    unmentioned = [r for r in records.values() if r.name not in boards and r.name not in still]
    unread = [records[name] for name in clean.values()]
    vanished = guards.vanished(store, sources, pruning(options, boards.values(), unread), unmentioned)
    held = {name for name in lives if _is_held(boards[name], records[name], lives[name])}
    leaving = [plan.name for plan in vanished]
    traffic = Crossing(store, boards, lives, records, leaving, held=held).traffic(sources, options)
    chosen = targeting.choose(options, boards, lives, traffic, records)
    if options.targets or options.excludes:
        vanished, traffic = [], Traffic()
    elif options.adopted:
        vanished = []
    boards = chosen.boards
    lives = {name: traffic.settled(name, lives.get(name, {})) for name in boards}
    removed = {name: _removed(store, records[name], lives[name]) for name in boards if name in records}
    aside = [_still(record, sources) for record in unread]
    aside += _outside(store, vanished, records, traffic)

    def plan_with(settled: Settled) -> Plan:
        plans = [
            _plan_board(
                board,
                records.get(board.name),
                lives[board.name],
                sources,
                options,
                policy=replace(policies[board.name], settled=settled.sides),
                left_out=settled.left_out | chosen.aside,
                traffic=traffic,
                removed=removed.get(board.name, {}),
            )
            if board.name not in held
            else _passed_over(board, records[board.name], traffic)
            for board in boards.values()
        ]
        return Plan(store.namespace, tuple(sorted([*aside, *plans], key=lambda p: p.name)), chosen.undone)

    going = {board.name for board in aside if board.removed}
    others = [r for r in records.values() if r.name not in boards and r.name not in going]
    at_hand = AtHand(boards, lives, _as_left(others, aside), policies, options.skip_conflicted)
    plan = judge(store, at_hand, plan_with, lambda specs, outside: _refuse_apart(boards, specs, outside))
    if options.requeue or options.on_prune:
        asked = (replace(b, requeue=options.requeue, on_prune=options.on_prune) for b in plan.boards)
        plan = replace(plan, boards=tuple(asked))
    if not options.allow_rewind:
        plan = ancestry.judged(plan, records, sources)
    if options.committed_only:
        plan = guards.with_dirt(plan, sources)
    beyond_git = ancestry.leaves_git(plan, records, sources)
    return Planned(plan, sources, options, loaded.diagnostics, boards, not records, beyond_git=beyond_git)


def _as_left(others: Sequence[BoardRecord], aside: Sequence[BoardPlan]) -> list[BoardRecord]:
    """Boards that take no part, as they will be when jobs have come to them or left them."""
    after = {board.name: board.meta for board in aside if board.left or board.name == LOOSE}
    return [replace(record, meta=after.get(record.name, record.meta)) for record in others]


def pruning(options: Options, boards: Iterable[Board], unread: Iterable[BoardRecord]) -> Options:
    """The options, with the boards that a board beside them says may go."""
    named = {name for board in boards for name in _removed_boards(board)}
    named |= {name for record in unread for name in record.meta.get("removes", ())}
    return replace(options, prune_boards=options.prune_boards | named) if named else options


def _removed_boards(board: Board) -> list[str]:
    return [removal.board for removal in board.removals if removal.board is not None]


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


def _plan_board(  # as above
    board: Board,
    record: BoardRecord | None,
    live: Mapping[str, Definition],
    sources: Sources,
    options: Options,
    *,
    policy: Policy,
    left_out: frozenset[str],
    traffic: Traffic,
    removed: Mapping[str, Spec | None],
) -> BoardPlan:
    comings = traffic.comings.get(board.name, {})
    without = {job for job in {**board.jobs, **live} if address_of(board.name, job) in left_out}
    changes, drift, conflicts = plan_jobs(
        board.name,
        board.jobs,
        live,
        policy,
        skip_conflicted=options.skip_conflicted and not comings,
        left_out=without,
        removed=removed,
    )
    changes = arrived(changes, comings, board.name)
    refusals = [*traffic.refusals.get(board.name, ()), *protected_refusals(changes), *drift_refusals(drift)]
    empty = empty_refusal(board.name, len(live), len({*board.jobs} | without))
    if empty is not None and not options.allow_empty:
        refusals.append(empty)
    loss = loss_refusal(board.name, len(live), changes, options.allow_destroy)
    if loss is not None and empty is None:
        refusals.append(loss)
    if record is not None:
        refusals += guards.origin_refusals(record, sources, options)
    skipped = without | {split_address(c.address)[1] for c in conflicts if c.skipped}
    specs = _specs_after(board, live, skipped, drift)
    kept = {
        split_address(address)[1]
        for address in (*(d.address for d in drift), *(c.address for c in conflicts))
    }
    forgotten = tuple(sorted({*(record.drift if record else ())} - live.keys() - kept))
    meta = {
        **(ancestry.without_provenance(record.meta) if record else {}),
        **ancestry.provenance(sources, record.meta if record else {}),
        "path": board.path,
        # A digest is kept only where nothing of the file was left undone.
        "digest": None
        if any(targeting.differs(board.jobs.get(job), live.get(job)) for job in skipped)
        else board.digest,
        "description": board.description,
        "owner": board.owner,
        **board_facts(specs),
    }
    for name in ("held", "reconcile", "removes"):
        meta.pop(name, None)
    if removes := _removed_boards(board):
        meta["removes"] = removes
    pruned = [layer["on_prune"] for layer in board.policies if "on_prune" in layer]
    if board.reconcile or pruned:
        meta["reconcile"] = {**board.reconcile, **({"on_prune": pruned[-1]} if pruned else {})}
    return BoardPlan(
        board.name,
        board.path,
        record.version if record else None,
        changes,
        drift,
        conflicts,
        tuple(refusals),
        len(specs),
        meta=meta,
        recorded=record is None or meta != record.meta or bool(forgotten),
        released=record is not None and bool(record.meta.get("held")),
        forgotten=forgotten,
        left=tuple(sorted(traffic.goings.get(board.name, ()))),
    )


def _removed(store: Store, record: BoardRecord, live: Mapping[str, Definition]) -> dict[str, Spec | None]:
    """The jobs of a board that were removed by hand, to what was applied of them last."""
    jobs = [job for job in record.drift if job not in live]
    bases = tombstones.read_bases(store, [address_of(record.name, job) for job in jobs])
    return {split_address(address)[1]: base for address, base in bases.items()}


def _specs_after(
    board: Board, live: Mapping[str, Definition], skipped: Collection[str], drift: Iterable[Drift]
) -> dict[str, Spec]:
    """What the board's record is to speak of: the file's jobs, save those left as they are or away."""
    specs = {job: spec for job, spec in board.jobs.items() if job not in skipped}
    specs.update((job, live[job].spec) for job in skipped if job in live)
    for found in drift:
        job = split_address(found.address)[1]
        if job not in live:
            specs.pop(job, None)
        elif job not in specs:
            specs[job] = live[job].spec
    return specs


def _is_held(board: Board, record: BoardRecord, live: Mapping[str, Definition]) -> bool:
    """Whether a rollback keeps the file from having a say: until it says what was rolled back to."""
    if not record.meta.get("held"):
        return False
    then = {job: {n: v for n, v in d.base.items() if n != "seed"} for job, d in live.items()}
    return board.jobs != then


def _passed_over(board: Board, record: BoardRecord, traffic: Traffic) -> BoardPlan:
    return BoardPlan(
        board.name,
        board.path,
        record.version,
        jobs=int(record.meta["jobs"]),
        meta=record.meta,
        refusals=tuple(traffic.refusals.get(board.name, ())),
        held=record.meta["held"],
    )
