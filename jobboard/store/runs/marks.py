"""What people mark runs with: tags of a run's own, and that somebody tracks it.

A live run bears its marks itself. Of one that is over the record is kept apart with them, in ``marked``: for
as long as it is tracked, and of those that got tags when they were over, the last thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.names import NAME_RULE, is_name
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes, unpack
from jobboard.store.runs.past import read_live
from jobboard.store.runs.recorded import decode_record
from jobboard.store.runs.walking import WALKED, packed_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class Marks:
    """What a run is marked with: its tags in order, and whether it is tracked."""

    tags: tuple[str, ...]
    tracked: bool


def mark(
    store: Store,
    run: Record,
    *,
    by: Mapping[str, Any],
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    tracked: bool | None = None,
) -> Marks:
    """Change what a run is marked with, live or over; what it is marked with then.

    Args:
        store: Where.
        run: The run.
        by: Who asks.
        add: Tags to give it.
        remove: Tags to take from it, if it has them; one that is in both is given.
        tracked: Whether it is to be tracked; None leaves that.

    Raises:
        errors.UsageError: Something cannot be a tag; nothing is known of the run.
        errors.Refused: It would have too many tags, or too many runs would be tracked.
    """
    for tag in (*add, *remove):
        if not is_name(tag):
            raise errors.UsageError(f"{tag!r} cannot be a tag", f"a name is {NAME_RULE}")
    asked: dict[str, Any] = {
        "run": run.run_id,
        "job": run.job,
        "add": list(add),
        "remove": list(remove),
        "tracked": {True: "yes", False: "no", None: ""}[tracked],
        "by": dict(by),
    }
    answer = store.call("mark", **asked, record=False)
    if answer[0] == "UNKNOWN":
        packed = _packed_record(store, run.run_id)
        answer = store.call("mark", **asked, record=packed) if packed is not None else answer
    if answer[0] == "UNKNOWN":
        raise errors.UsageError(f"nothing is known of {run.run_id}", "jobboard runs lists those there are")
    if answer[0] == "FULL":
        raise _too_many(int(answer[1]))
    return Marks(tuple(answer[1]), bool(answer[2]))


def _too_many(most: int) -> errors.Refused:
    if most == MOST_TAGS:
        return errors.Refused(
            f"a run has at most {most} tags", "take some off: jobboard tag RUN --remove TAG"
        )
    return errors.Refused(
        f"{most} runs are tracked already", "jobboard runs --tracked lists them; jobboard untrack lets one go"
    )


def _packed_record(store: Store, run_id: str) -> bytes | None:
    """The newest record of a run, looked for where it is kept longest."""
    looked_at = 0
    for page in packed_pages(store):
        for packed in page:
            if run_id.encode() in packed and unpack(packed).get("id") == run_id:
                return packed
        looked_at += len(page)
        if looked_at >= WALKED:
            break
    return None


def marked(store: Store, records: Sequence[Record]) -> list[Record]:
    """The records, with what runs that are over were marked with since."""
    ids = [record.run_id for record in records if record.run_id and not record.live]
    if not ids:
        return list(records)
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        pipe.hmget(store.key("marked"), ids)
        pipe.zmscore(store.key("tracked"), ids)
        kept, tracked = pipe.execute()
    found = {
        run_id: (decode_record(as_bytes(raw)).tags, since is not None)
        for run_id, raw, since in zip(ids, kept, tracked, strict=True)
        if raw is not None
    }
    return [_with(record, found) for record in records]


def _with(record: Record, found: Mapping[str, tuple[tuple[str, ...], bool]]) -> Record:
    if record.run_id not in found:
        return record
    tags, tracked = found[record.run_id]
    return replace(record, tags=tags, tracked=tracked)


def kept_records(store: Store) -> dict[str, Record]:
    """The records of runs that are over which are kept for their marks, by run: two thousand at most."""
    with explained(store.url):
        found: Any = store.client.hgetall(store.key("marked"))
    return {run_id.decode(): decode_record(as_bytes(raw)) for run_id, raw in found.items()}


def tracked_ids(store: Store) -> set[str]:
    """The runs that are tracked, live or over."""
    with explained(store.url):
        rows: Any = store.client.zrange(store.key("tracked"), 0, -1)
    return {run_id.decode() for run_id in rows}


def read_tracked(store: Store) -> list[Record]:
    """The runs that are tracked, what was tracked last first."""
    with explained(store.url):
        rows: Any = store.client.zrevrange(store.key("tracked"), 0, -1)
    ids = [run_id.decode() for run_id in rows]
    if not ids:
        return []
    with explained(store.url):
        raws: Any = store.client.hmget(store.key("marked"), ids)
    known = {
        run_id: replace(decode_record(as_bytes(raw)), tracked=True)
        for run_id, raw in zip(ids, raws, strict=True)
        if raw is not None
    }
    known |= {run.run_id: run for run in read_live(store, [id_ for id_ in ids if id_ not in known])}
    return [known[run_id] for run_id in ids if run_id in known]
