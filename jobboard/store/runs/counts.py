"""Reading what was counted of runs: by queue in minutes and days, by job in days. Uses read commands only.

`count.lua` writes it down in the step that ends a run; a few ends at a time are counted together. Minutes are
kept for two days, the days of queues for 400, the days of jobs for thirty; days are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jobboard.core.runs.tally import Spans, Tally, spans_of, total
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jobboard.store.calls.connect import Store

_Key = TypeVar("_Key")
_Read = TypeVar("_Read")

MINUTE_MS = 60_000
DAY_MS = 86_400_000
MINUTES_KEPT_MS = 2 * DAY_MS
QUEUE_DAYS = 400
JOB_DAYS = 30
_PAGE = 500
_ATTEMPTS = 3


def by_queue(store: Store, since_ms: int, now_ms: int) -> tuple[dict[str, Tally], int]:
    """What ended in each queue since an instant, and since when it really was counted.

    Within two days that is the minute of the instant, before that its UTC day, and no earlier than is kept.
    """
    since_ms = max(since_ms, now_ms - (QUEUE_DAYS - 1) * DAY_MS)
    near = since_ms > now_ms - MINUTES_KEPT_MS + MINUTE_MS
    family, step_ms = ("minute", MINUTE_MS) if near else ("day", DAY_MS)
    first, last = since_ms // step_ms, now_ms // step_ms
    counted, ends = _steady(store, lambda: _totals(_stretches(store, family, first, last)))
    late = [{end.queue: end.tally} for end in ends if end.queue and first <= end.at_ms // step_ms <= last]
    return _totals([counted, *late]), first * step_ms


def by_job(store: Store, since_ms: int, now_ms: int) -> tuple[dict[str, Tally], int]:
    """What ended of each job since the beginning of an instant's UTC day, and when that was."""
    first_ms = first_day_ms(since_ms, now_ms)
    days = range(first_ms // DAY_MS, now_ms // DAY_MS + 1)
    keys = [store.key("jobday", str(day)) for day in days]
    counted, ends = _steady(store, lambda: _totals(page for key in keys for page in _pages(store, key)))
    late = [{end.job: end.tally} for end in ends if end.at_ms // DAY_MS in days]
    return _totals([counted, *late]), first_ms


def of_job(store: Store, address: str, since_ms: int, now_ms: int) -> dict[int, Tally]:
    """What ended of one job, by UTC day: its first instant -> tally. Days without any are left out."""
    days = range(first_day_ms(since_ms, now_ms) // DAY_MS, now_ms // DAY_MS + 1)

    def read() -> list[dict[int, Tally]]:
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for day in days:
                pipe.hget(store.key("jobday", str(day)), address)
            rows = pipe.execute()
        return [{day: _tally(raw)} for day, raw in zip(days, rows, strict=True) if raw is not None]

    counted, ends = _steady(store, read)
    late = [{end.at_ms // DAY_MS: end.tally} for end in ends if end.job == address]
    found = _totals([*counted, *late])
    return {day * DAY_MS: found[day] for day in sorted(found) if day in days}


def first_day_ms(since_ms: int, now_ms: int) -> int:
    """Where the UTC day of an instant begins; of the first day that jobs are counted for, if it is older."""
    return max(since_ms, now_ms - (JOB_DAYS - 1) * DAY_MS) // DAY_MS * DAY_MS


def _stretches(store: Store, family: str, first: int, last: int) -> Iterator[dict[str, Tally]]:
    for start in range(first, last + 1, _PAGE):
        numbers = range(start, min(start + _PAGE, last + 1))
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for number in numbers:
                pipe.hgetall(store.key(family, str(number)))
            rows = pipe.execute()
        yield from ({name.decode(): _tally(raw) for name, raw in row.items()} for row in rows)


def _pages(store: Store, key: str) -> Iterator[dict[str, Tally]]:
    cursor = 0
    while True:
        with explained(store.url):
            cursor, page = cast("Any", store.client.hscan(key, cursor, count=_PAGE))
        yield {name.decode(): _tally(raw) for name, raw in page.items()}
        if cursor == 0:
            return


@dataclass(frozen=True, slots=True)
class _End:
    """One end that was written down and not counted yet."""

    at_ms: int
    job: str
    queue: str | None
    tally: Tally


def _steady(store: Store, read: Callable[[], _Read]) -> tuple[_Read, list[_End]]:
    """What `read` reads of what was counted, and the ends that are not in it.

    Where ends are counted again and again while it reads, some of them may be in neither; none is in both.
    """
    for _ in range(_ATTEMPTS):
        before, found, after = _batches(store), read(), _batches(store)
        # They are counted all together: where the first is there still, nothing was counted in between.
        if after[:1] == before[:1]:
            break
    return found, [end for batch in after for end in _ends(batch)]


def _batches(store: Store) -> list[bytes]:
    with explained(store.url):
        return cast("list[bytes]", store.client.lrange(store.key("uncounted"), 0, -1))


def _ends(batch: bytes) -> Iterator[_End]:
    at_ms, ends = unpack(batch)
    for job, queue, seen in ends:
        spans = dict(seen["spans"])
        ran, waited = (spans_of(spans[name]) if name in spans else Spans() for name in "dw")
        tally = Tally({seen["state"]: seen.get("count", 1)}, seen.get("retries") or 0, ran, waited)
        yield _End(at_ms, job, queue or None, tally)


def _totals(stretches: Iterable[Mapping[_Key, Tally]]) -> dict[_Key, Tally]:
    found: dict[_Key, list[Tally]] = {}
    for stretch in stretches:
        for name, tally in stretch.items():
            found.setdefault(name, []).append(tally)
    return {name: total(several) for name, several in found.items()}


def _tally(raw: bytes) -> Tally:
    packed: dict[str, Any] = unpack(raw)
    return Tally(dict(packed["s"]), packed.get("r", 0), _spans(packed.get("d")), _spans(packed.get("w")))


def _spans(packed: list[Any] | None) -> Spans:
    if packed is None:
        return Spans()
    count, total_ms, squares_ms2, longest_ms, histogram = packed
    # Buckets 1, 2, 3 … without a gap come back from a script as a list.
    buckets = dict(enumerate(histogram, 1)) if isinstance(histogram, list) else histogram
    return Spans(count, total_ms, squares_ms2, longest_ms, buckets)
