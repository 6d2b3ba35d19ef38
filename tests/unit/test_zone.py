"""`core.times.zone` and `core.times.tzif`: the offsets that the standard library reads in the same files."""

from __future__ import annotations

import pkgutil
import random
from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from jobboard.core.jobs.meaning import zone_version
from jobboard.core.times.tzif import LAST_YEAR, read_changes, rule_changes
from jobboard.core.times.zone import UTC_ZONE, UnknownZone, find_zone, zone_names

NAMES = sorted(zone_names())
END_S = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())


def standard_library_zone(name: str) -> ZoneInfo:
    content = pkgutil.get_data("tzdata", f"zoneinfo/{name}")
    assert content is not None
    return ZoneInfo.from_file(BytesIO(content), name)


@pytest.mark.parametrize("part", range(8))
def test_every_zone_agrees_with_the_standard_library(part: int) -> None:
    chance = random.Random(part)
    for name in NAMES[part::8]:
        ours, theirs = find_zone(name), standard_library_zone(name)
        changes_s = [start // 1000 for start in ours.starts_ms if 0 < start < END_S * 1000]
        samples = [chance.randrange(END_S) for _ in range(25)]
        samples += [at + side for at in chance.sample(changes_s, min(12, len(changes_s))) for side in (-1, 0)]
        for at_s in samples:
            offset = datetime.fromtimestamp(at_s, UTC).astimezone(theirs).utcoffset()
            assert offset is not None
            assert ours.offset_at(at_s * 1000) == offset.total_seconds() * 1000, (name, at_s)


def test_segments_are_in_order_and_differ() -> None:
    for name in NAMES:
        zone = find_zone(name)
        assert list(zone.starts_ms) == sorted(set(zone.starts_ms))
        assert list(zone.fronts_ms) == sorted(zone.fronts_ms)
        assert all(a != b for a, b in zip(zone.offsets_ms, zone.offsets_ms[1:], strict=False))


def test_a_skipped_and_a_repeated_span() -> None:
    zone = find_zone("Australia/Lord_Howe")
    spring = zone.index_at(int(datetime(2026, 10, 4, tzinfo=UTC).timestamp()) * 1000)
    autumn = zone.index_at(int(datetime(2026, 4, 6, tzinfo=UTC).timestamp()) * 1000)
    skipped, repeated = zone.skipped_ms(spring), zone.repeated_ms(autumn)
    assert skipped is not None
    assert repeated is not None
    assert (skipped[1] - skipped[0], repeated[1] - repeated[0]) == (1_800_000, 1_800_000)
    assert zone.repeated_ms(spring) is None
    assert zone.skipped_ms(autumn) is None


def test_a_day_can_be_skipped() -> None:
    zone = find_zone("Pacific/Apia")
    index = zone.index_at(int(datetime(2011, 12, 30, 12, tzinfo=UTC).timestamp()) * 1000)
    skipped = zone.skipped_ms(index)
    assert skipped is not None
    assert skipped[1] - skipped[0] == 86_400_000


def test_utc_reads_no_file() -> None:
    assert find_zone("UTC") is UTC_ZONE
    assert UTC_ZONE.instant(123_456) == 123_456


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("europe/madrid", "Did you mean Europe/Madrid?"),
        ("Europe/Madird", "Did you mean Europe/Madrid?"),
        ("Madrid", "Did you mean Europe/Madrid?"),
        ("new york", "Did you mean America/New_York?"),
        ("Mars", "Zones are named like Europe/Madrid; UTC is the default"),
        ("../../etc/passwd", "Zones are named like Europe/Madrid; UTC is the default"),
        ("", "Zones are named like Europe/Madrid; UTC is the default"),
    ],
)
def test_an_unknown_zone_names_the_one_that_was_meant(name: str, hint: str) -> None:
    with pytest.raises(UnknownZone) as caught:
        find_zone(name)
    assert caught.value.hint == hint


def test_the_release_is_named() -> None:
    assert zone_version()[:2] == "20"


def test_rules_by_the_day_of_the_year() -> None:
    """``J60`` is 1 March in every year, ``59`` is the sixtieth day; no zone uses either at present."""
    by_date = [at_ms for at_ms, _ in rule_changes("EST5EDT,J60/2,J300/2", after_ms=0)]
    by_day = [at_ms for at_ms, _ in rule_changes("<-05>5<-04>,59/2,299/2", after_ms=0)]
    shown = [
        [datetime.fromtimestamp(at / 1000, UTC).strftime("%m-%d %H") for at in each]
        for each in (by_date, by_day)
    ]
    assert set(shown[0]) == {"03-01 07", "10-27 06"}
    assert set(shown[1]) == {"03-01 07", "02-29 07", "10-27 06", "10-26 06"}


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="no POSIX TZ rule"):
        rule_changes("nonsense", after_ms=0)


def test_what_is_no_zone_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not a zone file"):
        read_changes(b"\x00" * 200)
