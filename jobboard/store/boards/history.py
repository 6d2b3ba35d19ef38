"""The past of the definitions: every sync is a revision, and the newest remember what they did job by job.

What a sync does to each job is staged beside its definitions and becomes visible with them, in the one step
that commits both. Of a job that was added only that is kept: what it was like is what the next change found,
or what it is like now. So the first sync of a large board costs little more than the board. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.names import address_of, split_address
from jobboard.store.boards import definitions, staging
from jobboard.store.boards.codec import decode_definition, encode_definition
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import as_bytes, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.change import Action
    from jobboard.store.calls.connect import Store

PAGE = 250


@dataclass(frozen=True, slots=True)
class Revision:
    """One sync.

    Attributes:
        number: Counted from 1 in each namespace.
        at_ms: When, by the store's clock.
        by: Who, via what, from which host, why: {actor, via, host, reason}.
        commit, branch, dirty: Where the boards came from, as far as Git knew.
        author: Who wrote that commit, as ``name <address>``.
        digest: Of the plan that it applied.
        counts: Jobs by action.
        boards: The boards it wrote.
        stage: Where its changes lie.
        rollback: The revision it went back to; None for a sync.
    """

    number: int
    at_ms: int
    by: Mapping[str, Any]
    commit: str | None
    branch: str | None
    dirty: bool
    digest: str
    counts: Mapping[str, int]
    boards: tuple[str, ...]
    stage: int | None = None
    rollback: int | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a revision did to one job.

    Attributes:
        address: The job.
        action: As in a plan.
        before: The definition it found; None for a job that was added.
        after: The definition it left; None for one destroyed, and for one added, of which it is not kept.
        source: The address it had until then, where that was another.
    """

    address: str
    action: Action
    before: Definition | None = field(default=None)
    after: Definition | None = field(default=None)
    source: str | None = None


def encode_change(
    action: Action, before: Definition | None, after: Definition | None, source: str | None = None
) -> bytes:
    """What is kept of one job's change; overrides are no part of it."""
    packed = [
        action,
        None if before is None else encode_definition(replace(before, overrides=())),
        None if before is None or after is None else encode_definition(replace(after, overrides=())),
    ]
    return pack(packed if source is None else [*packed, source])


def newest(store: Store) -> int:
    """The number of the newest revision; 0 where there is none."""
    return int(store.read(("HGET", store.key("meta"), "revision"))[0] or 0)


def read_revisions(store: Store, *, down_to: int = 1) -> Iterator[Revision]:
    """Revisions, the newest first, down to a number; read as they are asked for."""
    above = newest(store)
    while above >= max(1, down_to):
        numbers = range(above, max(above - PAGE, down_to - 1, 0), -1)
        (raws,) = store.read(("HMGET", store.key("revisions"), *numbers))
        if not any(raws):
            return
        yield from (_revision(unpack(raw)) for raw in raws if raw is not None)
        above = numbers[-1] - 1


def read_revision(store: Store, number: int) -> Revision:
    """One revision.

    Raises:
        errors.UsageError: There is none of that number.
    """
    (raw,) = store.read(("HGET", store.key("revisions"), number))
    if raw is None:
        raise errors.UsageError(f"there is no revision {number}", "jobboard history lists them")
    return _revision(unpack(raw))


def read_changes(store: Store, revision: Revision) -> list[Change]:
    """What a revision did to each job, by address; nothing where that is no longer kept."""
    (found,) = read_hashes(store, store.key("changes", str(revision.stage)))
    return [_change(address.decode(), raw) for address, raw in sorted(found.items())]


def changes_of(store: Store, address: str) -> Iterator[tuple[Revision, Change]]:
    """What revisions did to one job, the newest first, as far back as that is kept.

    From where it was given its address on, it is followed under the one it had before.
    """
    kept = _kept(store)
    for revision in read_revisions(store, down_to=min(kept.values(), default=1)):
        if split_address(address)[0] not in revision.boards or revision.stage not in kept:
            continue
        (raw,) = store.read(("HGET", store.key("changes", str(revision.stage)), address))
        if raw is not None:
            change = _change(address, raw)
            yield revision, change
            address = change.source or address


def bases_at(store: Store, number: int, boards: Sequence[str] | None = None) -> dict[str, Spec]:
    """What the files said of every job when a revision had been applied, by address.

    Args:
        store: Where.
        number: The revision; 0 is before the first.
        boards: Only of these boards; None for all, those that are gone since too.

    Raises:
        errors.Refused: A later revision's changes are no longer kept, so nobody can tell.
    """

    def is_asked(address: str) -> bool:
        return boards is None or split_address(address)[0] in boards

    specs = _bases_now(store, boards)
    kept = _kept(store)
    for revision in read_revisions(store, down_to=number + 1):
        is_touched = boards is None or not set(boards).isdisjoint(revision.boards)
        if not is_touched or not any(revision.counts.values()):
            continue
        if revision.stage not in kept:
            raise errors.Refused(
                f"what revision {revision.number} changed is no longer kept job by job,"
                f" so nobody can tell how the boards were at {number}",
                f"only the newest {staging.KEPT_CHANGES} that changed jobs are: jobboard history",
            )
        for change in read_changes(store, revision):
            address = change.source or change.address
            if change.before is None or change.source is not None:
                specs.pop(change.address, None)
            # One that left a board asked for is on record under the address it got.
            if change.before is not None and is_asked(address):
                specs[address] = {n: v for n, v in change.before.base.items() if (n, v) != ("seed", address)}
    return specs


def names_at(store: Store, number: int) -> dict[str, str]:
    """The address that each job had when a revision had been applied, where it has another now.

    From its present address to the one then. What later revisions did and is no longer kept counts for
    nothing: `bases_at` refuses where that matters.
    """
    kept, now_of = _kept(store), dict[str, str | None]()
    for revision in read_revisions(store, down_to=number + 1):
        if revision.stage not in kept or not any(revision.counts.values()):
            continue
        changes = read_changes(store, revision)
        # What an address stood for afterwards, before it is said what it stood for until then.
        present = {change.address: now_of.pop(change.address, change.address) for change in changes}
        for change in changes:
            if change.after is None and change.before is not None:
                now_of[change.address] = None
            elif change.before is not None:
                now_of[change.source or change.address] = present[change.address]
    return {now: then for then, now in now_of.items() if now not in (None, then)}


def _bases_now(store: Store, boards: Sequence[str] | None) -> dict[str, Spec]:
    return {
        address_of(name, job): definition.base
        for name, record in definitions.read_boards(store).items()
        if boards is None or name in boards
        for job, definition in definitions.read_definitions(store, record.version).items()
    }


def _kept(store: Store) -> dict[int, int]:
    """Stage to revision, of all revisions whose changes are kept."""
    (rows,) = store.read(("ZRANGE", store.key("changed"), 0, -1, "WITHSCORES"))
    return {int(stage): int(number) for stage, number in rows}


def _change(address: str, raw: bytes) -> Change:
    action, before, after, *more = unpack(raw)
    return Change(
        address,
        action,
        None if before is None else decode_definition(as_bytes(before)),
        None if after is None else decode_definition(as_bytes(after)),
        more[0] if more else None,
    )


def _revision(found: Mapping[str, Any]) -> Revision:
    return Revision(
        number=int(found["revision"]),
        at_ms=int(found["at"]),
        by=found["by"],
        commit=found.get("commit"),
        branch=found.get("branch"),
        dirty=bool(found.get("dirty")),
        digest=found.get("digest", ""),
        counts=dict(found.get("counts") or {}),
        boards=tuple(found.get("boards") or ()),
        stage=found.get("stage"),
        rollback=found.get("rollback"),
        author=found.get("author"),
    )
