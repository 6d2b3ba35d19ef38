"""What moved since a plan was saved: its jobs as they were found, as they would be left, and as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from jobboard.core.jobs.merge import merge_job
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.reconcile.plancontent import SavedBoard, SavedChange
    from jobboard.store.boards.definitions import BoardRecord

Lives: TypeAlias = "Mapping[str, Mapping[str, Definition]]"
"""Board to job to what is live."""


def moved_since(
    board: SavedBoard, record: BoardRecord | None, lives: Lives, away: Mapping[str, Spec | None]
) -> Iterator[str]:
    """What is neither as the plan found it nor as it would leave it, in words."""
    if record is not None and record.version != board.version and not board.held:
        if record.meta.get("held") and not board.released:
            yield f"board {board.name} (held by a rollback)"
        if record.meta.get("origin") != board.meta.get("origin"):
            yield f"board {board.name} (synced from {record.meta.get('origin') or 'outside Git'})"
    for change in board.changes:
        now = found_now(change, lives)
        if not _is(now, change.before) and not _is(now, change.after):
            yield f"{change.address} ({_how(change, now)})"
        elif change.away is not None and away[change.address] not in change.away:
            yield f"{change.address} (applied since)"
    if board.removed:
        known = {*board.left, *(split_address(change.address)[1] for change in board.changes)}
        yield from (f"{board.name}/{job} (new)" for job in sorted({*lives.get(board.name, {})} - known))


def found_now(change: SavedChange, lives: Lives) -> Definition | None:
    """A job as it is now; one that is to get another address as if it had that already."""
    now = _live(change.address, lives)
    if change.source is None or change.before is None or now is not None:
        return now
    held = _live(change.source, lives)
    if held is None:
        return None
    # A job of no board has no base; and what a seed is depends on the address.
    bases = ({}, {}) if change.action == "adopt" else (held.base, change.before[1])
    if _unseeded(held.spec) != _unseeded(change.before[0]) or _unseeded(bases[0]) != _unseeded(bases[1]):
        return held
    return replace(held, spec=change.before[0], base=change.before[1])


def _live(address: str, lives: Lives) -> Definition | None:
    board, job = split_address(address)
    return lives.get(board, {}).get(job)


def _unseeded(spec: Spec) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != "seed"}


def _is(now: Definition | None, said: tuple[Any, Any] | None) -> bool:
    if now is None or said is None:
        return now is None and said is None
    return (now.spec, now.base) == said


def is_done(change: SavedChange, lives: Lives, away: Mapping[str, Spec | None]) -> bool:
    """Whether a job is as the plan would leave it."""
    if change.away is not None:
        return away[change.address] == change.away[1]
    return _is(_live(change.address, lives), change.after)


def _how(change: SavedChange, now: Definition | None) -> str:
    if now is None:
        return "gone"
    if change.before is None:
        return "there already"
    spec, base = change.before
    paths = [f.path for f in merge_job(spec, spec, now.spec).fields or merge_job(base, base, now.base).fields]
    return ", ".join(paths) or "there already"
