"""`core.times.duration`: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.times.duration import MAX_DURATION_MS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("value", "span_ms"),
    [
        ("1m30s", 90_000),
        ("1m 30s", 90_000),
        (" 2h ", 7_200_000),
        ("500ms", 500),
        ("1.5h", 5_400_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1w2d3h4m5s6ms", 788_645_006),
        ("PT3M5S", 185_000),
        ("pt3m5s", 185_000),
        ("P1D", 86_400_000),
        ("P2W", 1_209_600_000),
        ("P1DT0.5H", 88_200_000),
        ("0", 0),
        ("0s", 0),
        (0, 0),
        ({"minutes": 3, "seconds": 5}, 185_000),
        ({"hours": 1.5}, 5_400_000),
        ({"weeks": 1, "milliseconds": 1}, 604_800_001),
    ],
)
def test_reads(value: object, span_ms: int) -> None:
    assert parse_duration(value) == span_ms


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, "write 5m for minutes or 5s for seconds"),
        ("300", "write 300m for minutes or 300s for seconds"),
        (2.5, "write 2.5m"),
        (True, "not True"),
        (None, "not None"),
        ([1], "a text such as 5m"),
        ("", "empty duration"),
        ({}, "empty duration"),
        ("5 minutes", "write it like 90s"),
        ("30s1m", "no duration"),
        ("1M", "no duration"),
        ("PT", "no duration"),
        ("P", "no duration"),
        ("P1M", "write days"),
        ("P1Y2M", "write days"),
        ("-5m", "negative"),
        ("0.0005s", "whole number of milliseconds"),
        ({"minute": 3}, "the units are weeks, days"),
        ({"minutes": "3"}, "a number of minutes"),
        ({"minutes": True}, "a number of minutes"),
        ({"minutes": -1}, "a number of minutes"),
        ({1: 1}, "no unit of time"),
        ("5300w", "longer than 100 years"),
        ("9" * 40 + "h", "out of range"),
        ("٣m", "no duration"),
    ],
)
def test_refuses_with_the_way_out(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_duration(value)


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (0, "0s"),
        (90_000, "1m30s"),
        (185_000, "3m5s"),
        (86_400_000, "1d"),
        (129_600_000, "1d12h"),
        (1_209_600_000, "2w"),
        (691_200_000, "8d"),
        (1_500, "1s500ms"),
        (-90_000, "-1m30s"),
    ],
)
def test_writes_the_usual_short_form(span_ms: int, text: str) -> None:
    assert format_duration(span_ms) == text


@given(st.integers(0, MAX_DURATION_MS))
def test_what_is_written_is_read_back(span_ms: int) -> None:
    assert parse_duration(format_duration(span_ms)) == span_ms
