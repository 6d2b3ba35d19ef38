from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.times.moment import brief_instant, brief_span

NOW = 1_795_600_800_000
"""Wed 25 Nov 2026 10:00 UTC."""
DAY = 86_400_000


@pytest.mark.parametrize(
    ("at_ms", "zone", "text"),
    [
        (NOW, None, "Wed 10:00"),
        (NOW + 61_000, "UTC", "Wed 10:01:01"),
        (NOW, "Europe/Madrid", "Wed 11:00"),
        (NOW - 5 * DAY, None, "Fri 10:00"),
        (NOW - 6 * DAY, None, "19 Nov 10:00"),
        (NOW + 40 * DAY, None, "4 Jan 10:00"),
        (NOW - 200 * DAY, None, "2026-05-09 10:00"),
        (0, None, "1970-01-01 00:00"),
    ],
)
def test_an_instant_is_as_short_as_its_distance_allows(at_ms: int, zone: str | None, text: str) -> None:
    assert brief_instant(at_ms, zone, NOW) == text


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (0, "0ms"),
        (340, "340ms"),
        (2_000, "2s"),
        (2_490, "2.4s"),
        (12_999, "12s"),
        (185_000, "3m5s"),
        (7_805_000, "2h10m5s"),
        (43_805_000, "12h10m"),
        (3 * DAY + 5, "3d"),
        (14 * DAY, "2w"),
    ],
)
def test_a_span_is_rounded_down_to_what_matters(span_ms: int, text: str) -> None:
    assert brief_span(span_ms) == text


@given(st.integers(0, 10**13))
def test_every_span_is_short(span_ms: int) -> None:
    assert len(brief_span(span_ms)) <= 9
