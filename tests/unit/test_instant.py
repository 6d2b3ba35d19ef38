"""`core.times.instant`: RFC 3339 out, ISO 8601 in, local times where a zone is given."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.times.instant import format_instant, local_text, parse_instant

SPRING_MS = 1_774_746_000_000  # 2026-03-29T01:00:00Z, when Madrid's clock skips from 02:00 to 03:00


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (SPRING_MS, "2026-03-29T01:00:00Z"),
        (SPRING_MS + 500, "2026-03-29T01:00:00.500Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_writes_utc_and_milliseconds_only_if_any(at_ms: int, text: str) -> None:
    assert format_instant(at_ms) == text


@pytest.mark.parametrize(
    ("text", "zone", "at_ms"),
    [
        ("2026-03-29T01:00:00Z", None, SPRING_MS),
        ("2026-03-29T01:00:00Z", "Asia/Tokyo", SPRING_MS),
        ("2026-03-29t01:00z", None, SPRING_MS),
        ("2026-03-29 03:00 +02:00", None, SPRING_MS),
        ("2026-03-29T03:00:00+0200", None, SPRING_MS),
        ("2026-03-28T22:30:00-02:30", None, SPRING_MS),
        ("2026-03-29T01:00:00.5Z", None, SPRING_MS + 500),
        ("2026-03-29T01:00:00.500000Z", None, SPRING_MS + 500),
        ("2026-03-29 01:00", None, SPRING_MS),
        ("2026-03-29", None, SPRING_MS - 3_600_000),
        ("2026-03-29", "Europe/Madrid", SPRING_MS - 7_200_000),
        ("2026-03-29 03:00", "Europe/Madrid", SPRING_MS),
        # skipped: the first instant after the change
        ("2026-03-29 02:30", "Europe/Madrid", SPRING_MS),
        # repeated: the first of the two
        ("2026-10-25 02:30", "Europe/Madrid", 1_792_888_200_000),
    ],
)
def test_reads(text: str, zone: str | None, at_ms: int) -> None:
    assert parse_instant(text, zone) == at_ms


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no instant"),
        ("tomorrow", "write it like 2026-03-29T02:00:00Z"),
        ("12:30", "no instant"),
        ("2026-02-30", "day"),
        ("2026-13-01", "month"),
        ("2026-03-29T25:00", "hour"),
        ("2026-03-29T01:00:00.0005Z", "finer than a millisecond"),
        ("2026-03-29Z", "no time of day"),
        ("2026-03-29T01:00+25:00", "offset +25:00"),
        ("2026-03-29 01:00\n02", "no instant"),
    ],
)
def test_refuses_with_a_sentence(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_instant(text)


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone 'Mars/Base'"):
        parse_instant("2026-03-29", "Mars/Base")


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (None, "2026-03-29 01:00:00 UTC"),
        ("UTC", "2026-03-29 01:00:00 UTC"),
        ("Europe/Madrid", "2026-03-29 03:00:00 +02:00"),
        ("America/St_Johns", "2026-03-28 22:30:00 -02:30"),
    ],
)
def test_local_text_is_for_people(zone: str | None, text: str) -> None:
    assert local_text(SPRING_MS, zone) == text


@given(st.integers(0, 7_000_000_000_000))
def test_what_is_written_is_read_back(at_ms: int) -> None:
    assert parse_instant(format_instant(at_ms)) == at_ms


@given(st.integers(0, 7_000_000_000_000), st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"]))
def test_local_text_with_its_offset_is_read_back(at_ms: int, zone: str) -> None:
    assert parse_instant(local_text(at_ms, zone).replace("UTC", "Z")) == at_ms
