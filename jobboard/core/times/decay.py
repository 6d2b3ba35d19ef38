"""An interval that grows or shrinks as time passes.

From the start on, each instant lies one interval after the one before. The interval is the written one, times
the factor once for each whole step that has passed since the start, and never below `min` nor above `max`:
``t[k+1] = t[k] + clamp(every * factor ** ((t[k] - start) // step), min, max)``, rounded to the millisecond.

Within one step the interval is constant, so a table of the places where it changes answers every question; it
ends where the interval has reached its limit for good. Numbers are integers, so that every machine computes
the same table.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from jobboard.core.times.nominals import DUSK_MS

# A factor so near to 1 that it needs more steps than this to reach its limit makes tables too large.
MOST_STEPS = 100_000
LEAST_FACTOR, GREATEST_FACTOR = 0.001, 1000
# Fractions of a millisecond are kept to so many bits.
_BITS = 96


@dataclass(frozen=True, slots=True)
class Decay:
    """How an interval changes.

    Attributes:
        factor: Below 1 it shrinks, above it grows.
        step_ms: How often the factor applies.
        min_ms: The interval is never shorter.
        max_ms: Nor longer; None sets no limit.
    """

    factor: float
    step_ms: int
    min_ms: int
    max_ms: int | None


@dataclass(frozen=True, slots=True)
class Decaying:
    """The instants of a changing interval, row by row; in each row it is constant.

    Attributes:
        starts_ms: The first instant of each row.
        spans_ms: Its interval.
        counts: How many instants lie before it.
    """

    starts_ms: tuple[int, ...]
    spans_ms: tuple[int, ...]
    counts: tuple[int, ...]

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        if at_ms < self.starts_ms[0]:
            return self.starts_ms[0]
        row = bisect_right(self.starts_ms, at_ms) - 1
        start_ms, span_ms = self.starts_ms[row], self.spans_ms[row]
        found_ms = start_ms + ((at_ms - start_ms) // span_ms + 1) * span_ms
        return found_ms if found_ms < DUSK_MS else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        if at_ms < self.starts_ms[0]:
            return None
        row = bisect_right(self.starts_ms, at_ms) - 1
        start_ms, span_ms = self.starts_ms[row], self.spans_ms[row]
        return start_ms + (at_ms - start_ms) // span_ms * span_ms

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        return max(0, self._count_to(upto_ms) - self._count_to(after_ms))

    def _count_to(self, at_ms: int) -> int:
        if at_ms < self.starts_ms[0]:
            return 0
        row = bisect_right(self.starts_ms, at_ms) - 1
        return self.counts[row] + (at_ms - self.starts_ms[row]) // self.spans_ms[row] + 1


def steps_to_limit(every_ms: int, decay: Decay) -> float:
    """How many steps it takes until the interval has reached the limit it moves to."""
    limit_ms = decay.max_ms if decay.factor > 1 else decay.min_ms
    assert limit_ms is not None
    return max(0.0, math.log(limit_ms / every_ms) / math.log(decay.factor))


def tabulate(every_ms: int, start_ms: int, decay: Decay) -> Decaying:
    """The instants of an interval that begins with `every_ms` and changes from `start_ms` on."""
    times, over = _fraction(decay.factor)
    exact, passed, counted, at_ms = every_ms << _BITS, 0, 0, start_ms
    starts_ms, spans_ms, counts = [start_ms], [_clamp(exact, decay)], [0]
    while at_ms < DUSK_MS and not _is_final(exact, decay):
        span_ms = spans_ms[-1]
        taken = -(-(start_ms + (passed + 1) * decay.step_ms - at_ms) // span_ms)
        at_ms, counted = at_ms + taken * span_ms, counted + taken
        reached = (at_ms - start_ms) // decay.step_ms
        while passed < reached and not _is_final(exact, decay):
            exact, passed = exact * times // over, passed + 1
        passed, span_ms = reached, _clamp(exact, decay)
        if span_ms != spans_ms[-1]:
            starts_ms.append(at_ms)
            spans_ms.append(span_ms)
            counts.append(counted)
    return Decaying(tuple(starts_ms), tuple(spans_ms), tuple(counts))


def _clamp(exact: int, decay: Decay) -> int:
    span_ms = max((exact + (1 << _BITS - 1)) >> _BITS, decay.min_ms)
    return span_ms if decay.max_ms is None else min(span_ms, decay.max_ms)


def _is_final(exact: int, decay: Decay) -> bool:
    """Whether the interval stays as it is from here on."""
    if decay.factor > 1:
        return decay.max_ms is not None and exact >= decay.max_ms << _BITS
    return exact <= decay.min_ms << _BITS


def _fraction(factor: float) -> tuple[int, int]:
    """A number as it is written, as numerator and denominator."""
    whole, _, fraction = repr(factor).partition(".")
    return int(whole + fraction), int("1" + "0" * len(fraction))
