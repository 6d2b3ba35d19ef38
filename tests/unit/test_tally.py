from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.runs.tally import Spans, Tally, total


def _bucket(ms: int) -> int:
    return 0 if ms < 1 else 1 + math.floor(4 * math.log2(ms) + 1e-9)


def _spans(values: list[int]) -> Spans:
    histogram: dict[int, int] = {}
    for ms in values:
        histogram[_bucket(ms)] = histogram.get(_bucket(ms), 0) + 1
    return Spans(len(values), sum(values), sum(ms * ms for ms in values), max(values), histogram)


VALUES = st.lists(st.integers(0, 10**8), min_size=1, max_size=50)


@given(VALUES, VALUES)
def test_two_stretches_add_up_to_one(first: list[int], second: list[int]) -> None:
    both = total(
        [Tally({"ok": 2}, 1, _spans(first)), Tally({"ok": 1, "failed": 1}, 2, _spans(second)), Tally()]
    )
    assert both == Tally({"ok": 3, "failed": 1}, 3, _spans(first + second))


@given(VALUES, st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_right_to_within_a_tenth(values: list[int], share: float) -> None:
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    assert _spans(values).percentile_ms(share) == pytest.approx(exact, rel=0.1)


@given(VALUES)
def test_mean_and_deviation_are_exact(values: list[int]) -> None:
    spans = _spans(values)
    assert spans.mean_ms == pytest.approx(statistics.fmean(values))
    assert spans.deviation_ms == pytest.approx(statistics.pstdev(values), rel=1e-3, abs=max(values) * 1e-6)


def test_of_nothing_nothing_is_said() -> None:
    nothing = Tally()
    assert (nothing.runs, nothing.ok_share, nothing.ran.mean_ms, nothing.ran.deviation_ms) == (
        0,
        None,
        None,
        None,
    )
    assert nothing.ran.percentile_ms(0.5) is None


def test_what_was_called_off_is_neither_good_nor_bad() -> None:
    tally = Tally({"ok": 3, "failed": 1, "cancelled": 6, "skipped": 9})
    assert (tally.runs, tally.ok_share, tally.bad) == (10, 0.75, 1)
