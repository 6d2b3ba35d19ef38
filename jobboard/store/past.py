"""Reading runs: those that live, and the records of those that do not. Uses read commands only.

A live run is a HASH of its own. A finished one is a packed record in the ``history`` stream, and among the
last twenty of its job; a job's past beyond those is found by walking the stream, newest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard.core.record import Record, Try, Unlocked
from jobboard.core.states import LIVE
from jobboard.store import clocks
from jobboard.store.codec import decode_spec
from jobboard.store.connect import explained
from jobboard.store.made import FIELDS, read_made
from jobboard.store.reading import read_set
from jobboard.store.wire import as_bytes, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jobboard.core.model import Spec
    from jobboard.store.connect import Store

KEPT_BY_JOB = 20
"""Records a job keeps beside the history."""
PAGE = 500
_LATEST_MS = 3_600_000
"""How much later than its end a run may be recorded, so that a walk that begins at an instant finds it."""
WALKED = 20_000
"""Records of the history one command looks at; further back it says where it stopped."""

_FACTS = (
    *("state", "attempt", "reserved_at", "worker", "reason", "cancel", "lost", "defers", "overlapped"),
    *("lock", "tries", "token", "progress", "unlocked"),
)


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk through the history found.

    Attributes:
        records: Newest first.
        looked_at: How many records it read.
        back_to_ms: The end of the oldest of them; None where the history is empty.
        complete: Whether it came to the end of the history, or of what was asked for.
    """

    records: tuple[Record, ...]
    looked_at: int
    back_to_ms: int | None
    complete: bool


def decode_record(raw: bytes) -> Record:
    """A packed record as one value; what a newer version added is ignored."""
    packed = unpack(raw)
    return Record(
        job=packed["job"],
        state=packed["state"],
        nominal_ms=packed["nominal"],
        run_id=packed.get("id") or "",
        trigger=packed.get("trigger"),
        attempt=packed.get("attempt") or 1,
        queued_at_ms=packed.get("queued_at"),
        due_at_ms=packed.get("due_at"),
        started_at_ms=packed.get("started_at"),
        ended_at_ms=packed.get("ended_at"),
        worker=packed.get("worker"),
        exit_code=packed.get("exit"),
        signal=packed.get("signal"),
        reason=packed.get("reason") or None,
        by=packed.get("by"),
        revision=packed.get("revision"),
        lost=packed.get("lost") or 0,
        defers=packed.get("defers") or 0,
        overlapped=bool(packed.get("overlapped")),
        late=bool(packed.get("late")),
        output_bytes=packed.get("output_bytes") or 0,
        dropped_bytes=packed.get("dropped_bytes") or 0,
        group=packed.get("group"),
        queue=packed.get("queue"),
        tags=tuple(packed.get("tags") or ()),
        own_spec=as_bytes(packed.get("spec") or b""),
        count=packed.get("count") or 1,
        first_ms=packed.get("first"),
        tries=_tries(packed.get("tries")),
        unlocked=_unlocked(packed.get("unlocked")),
    )


def read_run(store: Store, run_id: str) -> Record | None:
    """A run by its full id, live or finished; None where nothing is known of it."""
    live = read_live(store, [run_id])
    if live:
        return live[0]
    (kept,) = store.read(("HGET", store.key("marked"), run_id))
    if kept is not None:
        return decode_record(kept)
    address = run_id.partition("@")[0]
    for record in last_records(store, address):
        if record.run_id == run_id:
            return record
    found = walk(store, lambda record: record.run_id == run_id, limit=1)
    return found.records[0] if found.records else None


def known_runs(store: Store, address: str) -> list[Record]:
    """A job's live runs, and those among its last records that were runs; live ones first, newest first."""
    known: dict[str, Record] = {}
    for run in (*live_runs(store, address), *last_records(store, address)):
        # Of a run that was retried by hand what came last is what it is.
        if run.run_id:
            known.setdefault(run.run_id, run)
    return list(known.values())


def live_runs(store: Store, address: str) -> list[Record]:
    """A job's unfinished runs: those furthest on first, then the newest."""
    ids = read_set(store, store.key("live", address))
    return in_order(read_live(store, [run_id.decode() for run_id in ids]))


def in_order(runs: Iterable[Record]) -> list[Record]:
    """Live runs, those furthest on first, then the newest."""
    return sorted(runs, key=lambda run: (LIVE.index(run.state), -run.nominal_ms, run.run_id))


def read_live(store: Store, run_ids: Sequence[str]) -> list[Record]:
    """Those of the runs that are not over, in the order asked for."""
    found: list[Record] = []
    for start in range(0, len(run_ids), PAGE):
        page = run_ids[start : start + PAGE]
        rows = store.read(*(("HMGET", store.key("run", run_id), *_FACTS, *FIELDS) for run_id in page))
        found += [
            _live(run_id, made, dict(zip(_FACTS, row, strict=False)))
            for run_id, row in zip(page, rows, strict=True)
            if (made := read_made(row[len(_FACTS) :])) is not None and row[0] is not None
        ]
    return _with_needs(store, _with_delays(store, found))


def read_spec(store: Store, run_id: str) -> Spec | None:
    """What a live run runs: its own copy of the definition. None for one that is over."""
    (raw,) = store.read(("HGET", store.key("run", run_id), "spec"))
    return decode_spec(raw) if raw is not None else None


def own_spec(record: Record) -> Spec | None:
    """What a run that is over ran, where its record keeps that; None where its job says it."""
    return decode_spec(record.own_spec) if record.own_spec else None


def last_records(store: Store, address: str, limit: int = KEPT_BY_JOB) -> list[Record]:
    """A job's newest records, newest first; at most `KEPT_BY_JOB` are kept."""
    (rows,) = store.read(("LRANGE", store.key("last", address), 0, limit - 1))
    return [decode_record(raw) for raw in rows]


def walk(
    store: Store,
    wanted: Callable[[Record], bool],
    *,
    limit: int,
    since_ms: int | None = None,
    until_ms: int | None = None,
    stream: str = "history",
    most: int = WALKED,
) -> Walk:
    """Look through the history, newest first.

    Args:
        store: Where.
        wanted: Which records count.
        limit: How many of them are enough.
        since_ms: Records that ended before this instant are left out, and end the walk.
        until_ms: Records that ended at this instant or later are left out; the walk begins there.
        stream: ``history``, or ``failures`` where only those are asked for.
        most: How many records to look at.
    """
    found: list[Record] = []
    looked_at, back_to_ms = 0, None
    for page in packed_pages(store, stream, _beginning(store, until_ms)):
        records = list(map(decode_record, page))
        for record in records:
            if len(found) == limit or looked_at == most:
                return Walk(tuple(found), looked_at, back_to_ms, complete=False)
            looked_at, back_to_ms = looked_at + 1, record.seen_at_ms
            if within(record, since_ms, until_ms) and wanted(record):
                found.append(record)
        # A result may be reported late, so a page must be wholly too old before what follows surely is.
        if since_ms is not None and all(record.seen_at_ms < since_ms for record in records):
            break
    return Walk(tuple(found), looked_at, back_to_ms, complete=True)


def _beginning(store: Store, until_ms: int | None) -> str:
    """Where in a stream to begin, so that everything that ended before an instant is met."""
    # In a test's namespace scripts see other instants than those that entries are ordered by.
    if until_ms is None or clocks.offset_ms(store):
        return "+"
    return str(max(0, until_ms) + _LATEST_MS)


def within(record: Record, since_ms: int | None, until_ms: int | None) -> bool:
    """Whether a record ended in a span of time: at the first instant or later, and before the second."""
    at_ms = record.seen_at_ms
    return (since_ms is None or at_ms >= since_ms) and (until_ms is None or at_ms < until_ms)


def packed_pages(store: Store, stream: str = "history", before: str = "+") -> Iterator[list[bytes]]:
    """Records, newest first; where the history ends, the failures that outlived what it dropped.

    Args:
        store: Where.
        stream: ``history`` or ``failures``.
        before: Where in it to begin: the id of an entry, or an instant of the server's clock.
    """
    while True:
        with explained(store.url):
            entries: Any = store.client.xrevrange(store.key(stream), before, "-", count=PAGE)
        if not entries:
            if stream == "failures":
                return
            stream = "failures"
            continue
        yield [as_bytes(fields[b"r"]) for _, fields in entries]
        before = f"({entries[-1][0].decode()}"


def _live(run_id: str, made: Mapping[str, Any], facts: Mapping[str, bytes | None]) -> Record:
    # An empty map comes back from a script as an empty list.
    launch = dict(made["launch"])
    flat = launch.get("l", ())
    tries = facts["tries"]
    said = _progress(facts)
    return Record(
        job=made["job"],
        state=_text(facts["state"]) or "",
        nominal_ms=made["nominal"],
        run_id=run_id,
        trigger=made["trigger"] or None,
        attempt=_number(facts["attempt"]) or 1,
        queue=made["queue"] or None,
        queued_at_ms=made["queued_at"],
        due_at_ms=made["due_at"],
        started_at_ms=_number(facts["reserved_at"]),
        worker=_text(facts["worker"]),
        reason=_text(facts["reason"]),
        by=_text(facts["cancel"]) or made["by"] or None,
        revision=made["revision"],
        lost=_number(facts["lost"]) or 0,
        defers=_number(facts["defers"]) or 0,
        overlapped=facts["overlapped"] is not None,
        lock=_text(facts["lock"]),
        locks=dict(zip(flat[::2], flat[1::2], strict=True)),
        tries=_tries(unpack(tries) if tries else None),
        unlocked=_unlocked(unpack(facts["unlocked"]) if facts["unlocked"] else None),
        tags=tuple(launch.get("g", ())),
        tracked=bool(launch.get("tracked")),
        percent=said.get("percent"),
        doing=said.get("text") or None,
    )


def _progress(facts: Mapping[str, bytes | None]) -> Mapping[str, Any]:
    """What the present attempt said of itself last; what an earlier one said is past."""
    raw = facts["progress"]
    said: Mapping[str, Any] = unpack(raw) if raw else {}
    running = facts["state"] in (b"running", b"stopping")
    return said if running and said.get("token") == _number(facts["token"]) else {}


def _with_delays(store: Store, runs: list[Record]) -> list[Record]:
    delayed = [run.run_id for run in runs if run.state == "delayed"]
    if not delayed:
        return runs
    (scores,) = store.read(("ZMSCORE", store.key("delay"), *delayed))
    until = {run_id: int(score) for run_id, score in zip(delayed, scores, strict=True) if score is not None}
    return [replace(run, due_at_ms=until.get(run.run_id, run.due_at_ms)) for run in runs]


def _with_needs(store: Store, runs: list[Record]) -> list[Record]:
    blocked = [run.run_id for run in runs if run.state == "blocked"]
    if not blocked:
        return runs
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for run_id in blocked:
            pipe.smembers(store.key("needs", run_id))
            pipe.hvals(store.key("gate", run_id))
            pipe.zscore(store.key("gates"), run_id)
        answers = pipe.execute()
    found = dict(zip(blocked, zip(answers[::3], answers[1::3], answers[2::3], strict=True), strict=True))
    return [_waiting(run, *found[run.run_id]) if run.run_id in found else run for run in runs]


def _waiting(run: Record, needs: set[bytes], asks: list[bytes], until: float | None) -> Record:
    """A blocked run with what it waits for: other runs, and nominals of other jobs."""
    asked = [unpack(ask) for ask in asks]
    shown = [ask["shown"] if ask["left"] < 2 else f"{ask['shown']} ({ask['left']} runs)" for ask in asked]
    named = tuple(sorted([*(need.decode() for need in needs), *shown]))
    return replace(run, needs=named, waits_until_ms=None if until is None else int(until))


def _tries(packed: Sequence[Mapping[str, Any]] | None) -> tuple[Try, ...]:
    return tuple(
        Try(
            attempt=one.get("attempt") or 1,
            state=one["state"],
            worker=one.get("worker"),
            reason=one.get("reason") or None,
            started_at_ms=one.get("started_at"),
            ended_at_ms=one.get("ended_at"),
            exit_code=one.get("exit"),
            signal=one.get("signal"),
            again_by=(one.get("again") or {}).get("by"),
            again_reason=(one.get("again") or {}).get("reason") or None,
        )
        for one in packed or ()
    )


def _unlocked(packed: Sequence[Mapping[str, Any]] | None) -> tuple[Unlocked, ...]:
    return tuple(Unlocked(one["lock"], one["by"], one.get("reason") or "", one["at"]) for one in packed or ())


def _text(raw: bytes | None) -> str | None:
    return raw.decode("utf-8", "surrogateescape") or None if raw is not None else None


def _number(raw: bytes | None) -> int | None:
    return int(float(raw)) if raw else None
