"""Reading runs: those that live, and the records of those that do not. Uses read commands only.

A live run is a HASH of its own. A finished one is a packed record in the ``history`` stream, and among the
last twenty of its job; a job's past beyond those is found by walking the stream (`store.runs.walking`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard.core.runs.record import Record
from jobboard.core.states import LIVE
from jobboard.store.boards.codec import decode_spec
from jobboard.store.calls.connect import explained
from jobboard.store.calls.reading import read_set
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.made import FIELDS, read_made, read_moving
from jobboard.store.runs.recorded import decode_record, tries_of, unlocked_of
from jobboard.store.runs.walking import PAGE, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store

KEPT_BY_JOB = 20
"""Records a job keeps beside the history."""

_FACTS = (
    *("state", "attempt", "reserved_at", "worker", "reason", "cancel", "lost", "defers", "overlapped"),
    *("lock", "tries", "token", "progress", "unlocked"),
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
    moved = read_moving(store) if run_ids else {}
    for start in range(0, len(run_ids), PAGE):
        page = run_ids[start : start + PAGE]
        rows = store.read(*(("HMGET", store.key("run", run_id), *_FACTS, *FIELDS) for run_id in page))
        found += [
            _live(run_id, made, dict(zip(_FACTS, row, strict=False)), moved)
            for run_id, row in zip(page, rows, strict=True)
            if (made := read_made(row[len(_FACTS) :])) is not None and row[0] is not None
        ]
    return _with_needs(store, _with_delays(store, found))


def read_spec(store: Store, run_id: str) -> Spec | None:
    """What a live run runs: its own copy of the definition. None for one that is over."""
    (raw,) = store.read(("HGET", store.key("run", run_id), "spec"))
    return decode_spec(raw) if raw is not None else None


def last_records(store: Store, address: str, limit: int = KEPT_BY_JOB) -> list[Record]:
    """A job's newest records, newest first; at most `KEPT_BY_JOB` are kept."""
    (rows,) = store.read(("LRANGE", store.key("last", address), 0, limit - 1))
    return [decode_record(raw) for raw in rows]


def _live(
    run_id: str, made: Mapping[str, Any], facts: Mapping[str, bytes | None], moved: Mapping[str, str]
) -> Record:
    # An empty map comes back from a script as an empty list.
    launch = dict(made["launch"])
    flat = launch.get("l", ())
    tries = facts["tries"]
    said = _progress(facts)
    return Record(
        job=moved.get(made["job"], made["job"]),
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
        tries=tries_of(unpack(tries) if tries else None),
        unlocked=unlocked_of(unpack(facts["unlocked"]) if facts["unlocked"] else None),
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


def _text(raw: bytes | None) -> str | None:
    return raw.decode("utf-8", "surrogateescape") or None if raw is not None else None


def _number(raw: bytes | None) -> int | None:
    return int(float(raw)) if raw else None
