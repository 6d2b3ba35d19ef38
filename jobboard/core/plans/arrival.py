"""Jobs that come to a board from another address, and those that only look as if they went."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobboard.core.names import address_of
from jobboard.core.plans.change import JobChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.change import Action


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
