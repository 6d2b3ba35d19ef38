"""What a gate asks about: the jobs that a job waits for, those these run after, and how their runs ended.

Read in one step, with a count of the outcomes so far: `fire` compares it, so that what is worked out from
them never misses one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.depend import parents_of
from jobboard.core.jobs.override import laid
from jobboard.core.names import split_address
from jobboard.store.boards.codec import decode_definition
from jobboard.store.boards.definitions import defs_of
from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Kin:
    """Jobs that others stem from.

    Attributes:
        specs: Definitions in force, by address.
        epochs: Of those definitions.
    """

    specs: Mapping[str, Spec]
    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with a job's nominals.

    Attributes:
        known: How those ended that have, by nominal.
        told: How many outcomes of the job were remembered so far.
        cursors: The greatest nominal decided of it and of each job that it runs after.
        live: What follows the job in the ids of runs that are not over, of the same jobs.
        is_busy: Whether some nominals are still to be passed on to dependents.
    """

    known: Mapping[int, str]
    told: int
    cursors: Mapping[str, int]
    live: frozenset[str]
    is_busy: bool


def read_kin(store: Store, parents: Collection[str]) -> Kin:
    """The named jobs and all that they run after; those that do not exist are left out."""
    specs: dict[str, Spec] = {}
    epochs: dict[str, int] = {}
    wanted, asked = set(parents), set(parents)
    while wanted:
        for address, raw in _raw(store, sorted(wanted)).items():
            definition = decode_definition(raw)
            specs[address], epochs[address] = laid(definition), definition.epoch
        above = {parent for address in wanted for parent in parents_of(specs.get(address, {}))}
        wanted = above - asked
        asked |= wanted
    return Kin(specs, epochs)


def _raw(store: Store, addresses: Sequence[str]) -> dict[str, bytes]:
    boards = sorted({split_address(address)[0] for address in addresses})
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for board in boards:
            pipe.hget(store.key("boards"), board)
        versions = dict(zip(boards, pipe.execute(), strict=True))
        there = [address for address in addresses if versions[split_address(address)[0]] is not None]
        for board, job in map(split_address, there):
            pipe.hget(store.key("defs", defs_of(versions[board].decode())), job)
        found = pipe.execute()
    return {address: raw for address, raw in zip(there, found, strict=True) if raw is not None}


def read_standing(store: Store, parent: str, line: Sequence[str], low_ms: int, high_ms: int) -> Standing:
    """How things stand with a job's nominals later than one instant, up to another.

    Args:
        store: Where.
        parent: The job.
        line: It and all that it runs after.
        low_ms: Nominals after this one.
        high_ms: Up to this one.
    """
    with explained(store.url), store.client.pipeline(transaction=True) as pipe:
        pipe.zrangebyscore(store.key("outcomes", parent), f"({low_ms}", high_ms)
        pipe.hget(store.key("told"), parent)
        pipe.exists(store.key("fanout"))
        pipe.hmget(store.key("cursor"), list(line))
        for address in line:
            pipe.smembers(store.key("live", address))
        outcomes, told, is_busy, cursors, *live = pipe.execute()
    return Standing(
        known=_known(outcomes),
        told=int(told or 0),
        cursors={
            address: int(cursor) for address, cursor in zip(line, cursors, strict=True) if cursor is not None
        },
        live=frozenset(run.decode().partition("@")[2] for runs in live for run in runs),
        is_busy=bool(is_busy),
    )


def _known(outcomes: Sequence[Any]) -> dict[int, str]:
    pairs = (outcome.decode().split(":") for outcome in outcomes)
    return {int(nominal): state for nominal, state in pairs}
