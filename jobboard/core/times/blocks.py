"""What is left out of a stretch of time, block by block: for those who count, and so meet each of them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from heapq import merge
from typing import TYPE_CHECKING

from jobboard.core.times.wallclock import DAY_MINUTES, EPOCH_DAY, lowest_bit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.times.exclusion import Exclusions
    from jobboard.core.times.wallset import Mixed
    from jobboard.core.times.zone import Zone

_MINUTE_MS = 60_000
_DAY_MS = DAY_MINUTES * _MINUTE_MS


def blocks(excluded: Exclusions, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """The blocks in a stretch of time, in order: each with its first instant and the first after it.

    Args:
        excluded: What is left out.
        from_ms: The first instant of the stretch; a block that has begun before begins there.
        to_ms: The first after it; a block that goes on ends there.
    """
    pieces = _ranges(excluded, from_ms, to_ms)
    if excluded.minutes is not None:
        pieces = merge(pieces, _minutes(excluded.minutes, excluded.zone, from_ms, to_ms))
    begin_ms = end_ms = from_ms
    for piece_begin_ms, piece_end_ms in pieces:
        if piece_begin_ms > end_ms:
            if end_ms > begin_ms:
                yield begin_ms, end_ms
            begin_ms = piece_begin_ms
        end_ms = max(end_ms, piece_end_ms)
    if end_ms > begin_ms:
        yield begin_ms, end_ms


def _ranges(excluded: Exclusions, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    for begin_ms, end_ms in zip(excluded.begins_ms, excluded.ends_ms, strict=True):
        if begin_ms < to_ms and end_ms > from_ms:
            yield max(begin_ms, from_ms), min(end_ms, to_ms)


def _minutes(minutes: Mixed, zone: Zone, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Minutes on end, of one day and one offset of the zone each."""
    index = zone.index_at(from_ms)
    while from_ms < to_ms:
        offset_ms = zone.offsets_ms[index]
        index += 1
        until_ms = min(to_ms, zone.starts_ms[index]) if index < len(zone.starts_ms) else to_ms
        for day in range((from_ms + offset_ms) // _DAY_MS, (until_ms - 1 + offset_ms) // _DAY_MS + 1):
            at = date.fromordinal(day + EPOCH_DAY)
            midnight_ms = day * _DAY_MS - offset_ms
            for begin, end in _runs(minutes.minutes_of(at.year, at.month, at.day)):
                begin_ms = max(from_ms, midnight_ms + begin * _MINUTE_MS)
                end_ms = min(until_ms, midnight_ms + end * _MINUTE_MS)
                if begin_ms < end_ms:
                    yield begin_ms, end_ms
        from_ms = until_ms


@lru_cache(maxsize=256)
def _runs(mask: int) -> tuple[tuple[int, int], ...]:
    """Where bits are set on end: the first, and the first after them."""
    found = []
    at = 0
    while mask:
        skipped = lowest_bit(mask)
        mask >>= skipped
        length = lowest_bit(~mask)
        found.append((at + skipped, at + skipped + length))
        mask >>= length
        at += skipped + length
    return tuple(found)
