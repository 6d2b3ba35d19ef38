"""What is counted of runs: how they ended, how long they ran and waited. Tallies of several stretches add up.

Spans are kept as their sums and as a histogram whose buckets are four to a doubling, so a percentile is right
to within a tenth, and the mean, the deviation and the longest are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from jobboard.core.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Spans:
    """Many spans of time.

    Attributes:
        count: How many.
        total_ms: All together.
        squares_ms2: The sum of their squares.
        longest_ms: The longest.
        histogram: Bucket -> how many. Bucket 0 is what took no millisecond, bucket n ends before 2^(n/4) ms.
    """

    count: int = 0
    total_ms: float = 0
    squares_ms2: float = 0
    longest_ms: float = 0
    histogram: Mapping[int, int] = field(default_factory=dict)

    @property
    def mean_ms(self) -> float | None:
        """None where there is none."""
        return self.total_ms / self.count if self.count else None

    @property
    def deviation_ms(self) -> float | None:
        """The standard deviation, of all there are; None where there is none."""
        if self.mean_ms is None:
            return None
        return math.sqrt(max(0.0, self.squares_ms2 / self.count - self.mean_ms**2))

    def percentile_ms(self, share: float) -> float | None:
        """What `share` of all stay at or below, to within a tenth; None where there is none."""
        left = math.ceil(share * self.count)
        for bucket, count in sorted(self.histogram.items()):
            left -= count
            if left <= 0:
                middle_ms = 2 ** ((bucket - 0.5) / 4) if bucket else 0.0
                return min(middle_ms, self.longest_ms)
        return None


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs that ended, and nominals that were passed over.

    Attributes:
        states: How many ended or were passed over, by state.
        retries: Attempts that ended without ending their run.
        ran: How long the last attempts took.
        waited: From when runs were due and made until their first attempt started.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    ran: Spans = Spans()
    waited: Spans = Spans()

    @property
    def runs(self) -> int:
        """Runs that ended, called off or not."""
        return sum(self.states.get(state, 0) for state in ENDED)

    @property
    def ok_share(self) -> float | None:
        """How many of those that were not called off ended well, 0 to 1; None where there were none."""
        judged = self.runs - self.states.get("cancelled", 0)
        return self.states.get("ok", 0) / judged if judged else None

    @property
    def bad(self) -> int:
        """Runs that failed or were lost."""
        return self.states.get("failed", 0) + self.states.get("lost", 0)


def spans_of(span_ms: float) -> Spans:
    """One span alone; `lua/include/tally.lua` adds it to others in the same way."""
    bucket = 1 + math.floor(4 * math.log2(span_ms) + 1e-9) if span_ms >= 1 else 0
    return Spans(1, span_ms, span_ms**2, span_ms, {bucket: 1})


def total(tallies: Iterable[Tally]) -> Tally:
    """What several tallies come to together."""
    several = tuple(tallies)
    if len(several) == 1:
        return several[0]
    return Tally(
        _counted([one.states for one in several]),
        sum(one.retries for one in several),
        _joined([one.ran for one in several if one.ran.count]),
        _joined([one.waited for one in several if one.waited.count]),
    )


def _joined(several: Sequence[Spans]) -> Spans:
    return Spans(
        sum(one.count for one in several),
        sum(one.total_ms for one in several),
        sum(one.squares_ms2 for one in several),
        max((one.longest_ms for one in several), default=0),
        _counted([one.histogram for one in several]),
    )


def _counted(several: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    found: dict[_Key, int] = {}
    for counts in several:
        for key, count in counts.items():
            found[key] = found.get(key, 0) + count
    return found
