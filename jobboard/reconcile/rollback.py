"""Rolling back: the boards as a revision left them, merged like a sync whose files said so.

A job that left one of them since comes back, from a board that takes no part otherwise. One that came from a
board that does not take part is refused: nothing would keep it there. The board is held afterwards: its file
says something else, and the next sync would only bring that back. A sync passes the board over until its file
says what was rolled back to, or somebody releases it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.policy import Policy
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plans.arrival import Arrival, arrived
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.drift import removal
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.plans.refusal import empty_refusal, protected_refusals
from jobboard.reconcile import together
from jobboard.reconcile.lending import bases_of, lenders_of, lending, refuse_split
from jobboard.reconcile.moving import readdressed
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources
from jobboard.reconcile.traffic import Traffic, board_facts, loose_plan
from jobboard.store.boards import definitions, history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.change import Action
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


def plan_rollback(
    store: Store, revision: int, boards: Sequence[str] | None, options: Options, by: Mapping[str, Any]
) -> Planned:
    """Compare the boards as a revision left them with the boards in the store. Reads only.

    Boards that no later revision changed take no part.

    Args:
        store: Where.
        revision: The revision whose boards are the file side of the merge.
        boards: Only these; None for all.
        options: `allow_empty` and `on_conflict` count.
        by: Who holds the boards afterwards.

    Raises:
        errors.UsageError: There is no such revision, or no such board at either side.
        errors.Refused: What later revisions did is no longer known; or the boards do not fit together, with
            those that stay as they are.
    """
    history.read_revision(store, revision)
    then = _by_board(history.bases_at(store, revision, boards))
    names = history.names_at(store, revision)
    everything = definitions.read_boards(store)
    for name in boards or ():
        if name not in everything and name not in then:
            raise errors.UsageError(f"there was no board {name} at revision {revision}", "jobboard history")
    lenders = lenders_of(names, boards) & everything.keys()
    records = {n: record for n, record in everything.items() if boards is None or n in boards or n in lenders}
    lives = {name: definitions.read_definitions(store, record.version) for name, record in records.items()}
    # No file says what is on no board: only jobs that went from there to a board, or back, are put back.
    unmanaged = definitions.read_board(store, LOOSE)
    lives[LOOSE] = definitions.read_definitions(store, unmanaged.version) if unmanaged else {}
    traffic = _traffic(names, then, lives, records)
    if boards is not None:
        refuse_split(revision, names, boards, lives)
    held = {"revision": revision, "actor": by.get("actor"), "reason": by.get("reason")}
    plans = [
        _plan_board(
            name,
            then.get(name, {}),
            records.get(name),
            lives.get(name, {}),
            traffic,
            options=options,
            held=held,
        )
        for name in sorted({*then, *records} - {LOOSE} - lenders)
        if name in traffic.goings or then.get(name, {}) != bases_of(lives.get(name, {}))
    ]
    plans += [
        lending(records[name], lives[name], traffic) for name in sorted(lenders & traffic.goings.keys())
    ]
    loose = loose_plan(unmanaged, lives[LOOSE], traffic)
    plan = _judged(store, Plan(store.namespace, (*plans, *([loose] if loose else []))), lives)
    return Planned(
        plan,
        Sources((), (), None),
        options,
        rollback=revision,
        again=lambda: plan_rollback(store, revision, boards, options, by),
    )


def _traffic(
    names: Mapping[str, str],
    then: Mapping[str, Mapping[str, Spec]],
    lives: Mapping[str, Mapping[str, Definition]],
    records: Mapping[str, BoardRecord],
) -> Traffic:
    """The jobs that get back the address they had, where that is free and both boards take part."""
    traffic = Traffic(defaultdict(dict), defaultdict(set))
    for now, before in names.items():
        (home, job), (board, name) = split_address(now), split_address(before)
        held, wanted = lives.get(home, {}).get(job), then.get(board, {}).get(name)
        is_free = name not in lives.get(board, {}) or before in names
        if held is None or wanted is None or not is_free or (home not in records and home != LOOSE):
            continue
        action: Action = "forget" if board == LOOSE else "adopt" if home == LOOSE else "move"
        as_then = readdressed(held, now, before, held.spec if board == LOOSE else wanted)
        if board == LOOSE:
            as_then = replace(as_then, base=as_then.spec)
        traffic.comings[board][name] = Arrival(now, as_then, action)
        traffic.goings[home].add(job)
    return traffic


def _by_board(specs: Mapping[str, Spec]) -> dict[str, dict[str, Spec]]:
    found: dict[str, dict[str, Spec]] = {}
    for address, spec in specs.items():
        board, job = split_address(address)
        found.setdefault(board, {})[job] = spec
    return found


def _plan_board(
    name: str,
    then: Mapping[str, Spec],
    record: BoardRecord | None,
    held_now: Mapping[str, Definition],
    traffic: Traffic,
    *,
    options: Options,
    held: Mapping[str, Any],
) -> BoardPlan:
    policy = Policy().by_flag(options.on_drift, options.on_conflict, options.forced)
    live = traffic.settled(name, held_now)
    changes, drift, conflicts = plan_jobs(name, then, live, policy)
    changes = arrived(changes, traffic.comings.get(name, {}), name)
    # What was removed by hand is on neither side, and is still for the file to settle.
    removed = [address_of(name, job) for job in (record.drift if record else ()) if job not in {*then, *live}]
    refusals = protected_refusals(changes)
    empty = empty_refusal(name, len(live), len(then))
    if empty is not None and not options.allow_empty:
        refusals.append(empty)
    before = dict(record.meta) if record else {"path": ""}
    # Without a digest its file is read again, whether or not a byte of it moves.
    meta = {**before, **board_facts(then), "digest": None, "held": dict(held)}
    return BoardPlan(
        name,
        str(meta.get("path") or f"revision {held['revision']}"),
        record.version if record else None,
        changes,
        (*drift, *map(removal, removed)),
        conflicts,
        tuple(refusals),
        len(then),
        meta=meta,
        recorded=True,
        left=tuple(sorted(traffic.goings.get(name, ()))),
    )


def _judged(store: Store, plan: Plan, lives: Mapping[str, Mapping[str, Definition]]) -> Plan:
    """The plan with what stands in its way on boards that take no part; see `together`."""
    part = {board.name for board in plan.boards}
    others = [r for r in definitions.read_boards(store).values() if r.name not in part]
    specs = together.specs_after(plan, {name: live for name, live in lives.items() if name in part})
    outside = together.outside_of(store, specs.values(), others)
    for address, faults in together.check_together(specs, outside).items():
        for fault in faults:
            # What a fault advises is for whoever writes a file.
            board = split_address(address)[0]
            raise errors.Refused(
                f"{address}: {fault.message}; nothing was written",
                f"change {address} first, or roll board {board} back with it: --board {board}",
            )
    bereft = together.bereft_refusals(plan, outside)
    return replace(
        plan,
        boards=tuple(
            replace(b, refusals=(*b.refusals, *(r for r in bereft if split_address(r.subject)[0] == b.name)))
            for b in plan.boards
        ),
    )
