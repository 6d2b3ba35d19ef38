"""Judging a plan's result: whether the jobs still hold together once file and live edits are merged.

Files that are wrong by themselves are invalid boards, for their author to mend. What only the merge makes
wrong is a conflict: nobody changed a field twice, and yet both sides cannot have their way. A policy settles
it as it does any conflict: the file's value, or the live one, at every path that has a part in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from jobboard.core.names import address_of, split_address
from jobboard.core.plans import clash
from jobboard.core.plans.clash import Clash
from jobboard.reconcile import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.policy import Policy
    from jobboard.core.plans.clash import Outside, Trouble
    from jobboard.core.plans.plan import Plan
    from jobboard.source.board import Board
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided so that jobs hold together.

    Attributes:
        sides: ``board/job:path`` to the side whose value it gets.
        left_out: Jobs of which the file has no say.
    """

    sides: Mapping[str, Literal["file", "live"]] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AtHand:
    """The boards that take part, as they were read.

    Attributes:
        boards: As the files say them.
        lives: As they are live.
        others: The boards that take no part.
        policies: The policy of each board.
        skip_conflicted: Whether jobs in a conflict stay as they are, and the others go on without them.
    """

    boards: Mapping[str, Board]
    lives: Mapping[str, Mapping[str, Definition]]
    others: Sequence[BoardRecord]
    policies: Mapping[str, Policy]
    skip_conflicted: bool


def judge(
    store: Store,
    at_hand: AtHand,
    plan_with: Callable[[Settled], Plan],
    refuse: Callable[[Mapping[str, Spec], Outside], None],
) -> Plan:
    """The plan, with whatever a policy settles settled, and what is left of clashes and refusals in it.

    Args:
        store: Where the other boards are.
        at_hand: The boards that take part.
        plan_with: Makes the plan, with what has been settled so far.
        refuse: Raises what is wrong with the files by themselves.
    """
    settled = Settled()
    skipped: list[Clash] = []
    while True:
        plan = plan_with(settled)
        if not plan.changes:
            return _told(plan, skipped)
        merged = together.specs_after(plan, at_hand.lives)
        outside = together.outside_of(store, merged.values(), at_hand.others)
        found = clash.troubles(merged, outside)
        clashes: list[Clash] = []
        if found:
            files = _in_files(at_hand, plan)
            alone = together.outside_as_applied(store, files.values(), at_hand.others)
            if not {_key(trouble) for trouble in found}.isdisjoint(map(_key, clash.troubles(files, alone))):
                refuse(files, alone)
            clashes = _clashes(found, at_hand, merged, files, outside)
        more = _settled(clashes, plan, at_hand, settled)
        if more == settled:
            return _bereft(_told(plan, [*skipped, *clashes]), outside)
        if more.left_out != settled.left_out:
            skipped += [replace(each, skipped=True) for each in clashes]
        settled = more


def _key(trouble: Trouble) -> object:
    """The same for one trouble on either side: a circle is its jobs, in whatever order."""
    kind, names = trouble
    return kind, frozenset(names)


def _in_files(at_hand: AtHand, plan: Plan) -> dict[str, Spec]:
    """The jobs as the files say them; of a board whose file has no say, as they are live."""
    return {
        address_of(name, job): spec
        for name, board in at_hand.boards.items()
        for job, spec in (
            {job: d.spec for job, d in at_hand.lives.get(name, {}).items()}
            if name in plan.held
            else board.jobs
        ).items()
    }


def _clashes(
    found: Iterable[Trouble],
    at_hand: AtHand,
    merged: Mapping[str, Spec],
    files: Mapping[str, Spec],
    outside: Outside,
) -> list[Clash]:
    definitions = {
        address_of(name, job): definition
        for name, live in at_hand.lives.items()
        for job, definition in live.items()
    }
    lives = {address: definition.spec for address, definition in definitions.items()}
    bases = {address: definition.base for address, definition in definitions.items()}
    clashes = []
    for trouble in found:
        parts = clash.parts_of(trouble, merged, files, lives, bases)
        message = clash.describe(trouble, merged, outside)
        clashes.append(
            Clash(trouble[0], message, tuple(parts), tuple(clash.cures_of(trouble, parts, merged, outside)))
        )
    return clashes


def _settled(clashes: Iterable[Clash], plan: Plan, at_hand: AtHand, settled: Settled) -> Settled:
    """What the policies settle beyond what is settled already; where that is nothing, who is skipped."""
    sides, left_out = dict(settled.sides), set(settled.left_out)
    changed = {change.address for change in plan.changes}
    for each in clashes:
        decided = {
            f"{part.address}:{part.field.path}": side
            for part in each.parts
            if part.field.path
            and (side := _side(part, at_hand.policies)) in each.cures
            and f"{part.address}:{part.field.path}" not in sides
        }
        sides.update(decided)
        if not decided and at_hand.skip_conflicted:
            left_out |= {part.address for part in each.parts if part.address in changed}
    return Settled(sides, frozenset(left_out))


def _side(part: clash.Part, policies: Mapping[str, Policy]) -> Literal["file", "live", "fail"]:
    return policies[split_address(part.address)[0]].conflict_at(part.field.path, part.address)


def _told(plan: Plan, clashes: Iterable[Clash]) -> Plan:
    """The plan with each clash on the board of its first part, else on the first board that changes."""
    by_board: dict[str, list[Clash]] = {}
    for each in clashes:
        name = split_address((each.parts[0] if each.parts else plan.changes[0]).address)[0]
        by_board.setdefault(name, []).append(each)
    if not by_board:
        return plan
    boards = (replace(board, clashes=tuple(by_board.get(board.name, ()))) for board in plan.boards)
    return replace(plan, boards=tuple(boards))


def _bereft(plan: Plan, outside: Outside) -> Plan:
    """The plan with what it would take from boards that take no part."""
    bereft = together.bereft_refusals(plan, outside)
    if not bereft:
        return plan
    return replace(
        plan,
        boards=tuple(
            replace(b, refusals=(*b.refusals, *(r for r in bereft if split_address(r.subject)[0] == b.name)))
            for b in plan.boards
        ),
    )
