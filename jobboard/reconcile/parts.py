"""Parts of a plan whose boards are too many for one commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobboard.core.plans.plan import BoardPlan, Plan


def count(plan: Plan, most: int) -> int:
    """In how many parts a plan is written, of so many boards at most."""
    return len(split(plan, most)) if sum(board.rewritten for board in plan.told) > most else 1


def split(plan: Plan, most: int) -> list[Plan]:
    """The parts of a plan, boards in order of name, those that go last.

    Boards between which a job moves stay together, even where a part gets larger by that: the job is never on
    both, or on none. What is only recorded comes with the last part.

    Args:
        plan: All of it.
        most: How many boards a part may write.
    """
    written = [board for board in plan.boards if board.rewritten]
    if len(written) <= most:
        return [plan]
    parts: list[list[BoardPlan]] = [[]]
    for group in sorted(_groups(written), key=lambda group: all(board.removed for board in group)):
        if parts[-1] and len(parts[-1]) + len(group) > most:
            parts.append([])
        parts[-1] += group
    parts[-1] += [board for board in plan.boards if not board.rewritten]
    return [_of(plan, part) for part in parts]


def joined(parts: Sequence[Plan]) -> Plan:
    """The plan that so many parts make up."""
    return _of(parts[0], [board for part in parts for board in part.boards])


def _of(plan: Plan, boards: Iterable[BoardPlan]) -> Plan:
    return replace(plan, boards=tuple(sorted(boards, key=lambda board: board.name)))


def _groups(boards: Sequence[BoardPlan]) -> list[list[BoardPlan]]:
    """Boards that belong together; each alone but for jobs that move between them."""
    groups = {board.name: [board] for board in boards}
    for board in boards:
        for change in board.changes:
            home = split_address(change.source)[0] if change.source else board.name
            if home in groups and groups[home] is not groups[board.name]:
                one, other = groups[board.name], groups[home]
                one += other
                groups.update((each.name, one) for each in other)
    return list({id(group): group for group in groups.values()}.values())
