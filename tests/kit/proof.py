"""The proof that schedules are right about time, beside two oracles that share nothing with them.

In UTC, croniter with its vixie flag; everywhere else `kit.minutes`, which looks at every real minute of some
days. `make proof` runs it whole: 100,000 random cases over 30 zones, most near a clock change, then every
clock change of every distinct zone from 1970 to 2037 with three days on either side. The suite draws a small
sample anew each time, and `make sample`, which CI runs, a minute's worth.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from croniter import croniter

from jobboard.core.jobs.meaning import zone_version
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import compile_schedule
from jobboard.core.times.zone import find_zone, zone_names
from kit.cron import random_expression
from kit.minutes import fires, wall_minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.times.schedule import Schedule
    from kit.cron import Expression
    from kit.minutes import WallMinute

CASES = 100_000
ASKED = 20
"""So many instants each expression is asked for; each of them is a case."""
SINCE_MS, UNTIL_MS = parse_instant("1970-01-04"), parse_instant("2037-12-28")
AROUND = timedelta(days=3)

# Half-hour changes, changes at midnight, skipped days, two changes for one month of fasting, two hours,
# negative daylight saving, changes of the standard time, three hours back, and zones that rest.
ZONES = (
    *("Africa/Cairo", "Africa/Casablanca", "Asia/Seoul", "America/Asuncion", "America/Caracas"),
    *("America/Havana", "America/New_York", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns"),
    *("Antarctica/Casey", "Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu"),
    *("Asia/Pyongyang", "Asia/Shanghai", "Asia/Tehran", "Atlantic/Azores", "Australia/Lord_Howe"),
    *("Australia/Sydney", "Europe/Amsterdam", "Europe/Dublin", "Europe/Istanbul", "Europe/Moscow"),
    *("Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Kwajalein"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Some days of a zone, minute by minute."""

    zone: str
    minutes: list[WallMinute]

    @property
    def begin_ms(self) -> int:
        """Its first minute."""
        return self.minutes[0][0]

    @property
    def end_ms(self) -> int:
        """The first instant after it."""
        return self.minutes[-1][0] + 60_000


def fresh_seed() -> int:
    """A seed that nobody has chosen."""
    return random.SystemRandom().randrange(1 << 32)


def changes_of(zone: str) -> list[int]:
    """The clock changes that the oracle can look around: between offsets of whole minutes.

    All have such since 1970, but for Liberia's of 1972, which has a test of its own.
    """
    table = find_zone(zone)
    return [
        at_ms
        for at_ms, offsets_ms in zip(table.starts_ms[1:], pairwise(table.offsets_ms), strict=True)
        if SINCE_MS < at_ms < UNTIL_MS and not any(offset_ms % 60_000 for offset_ms in offsets_ms)
    ]


def window_around(zone: str, at_ms: int) -> Window:
    """Three days on either side of an instant."""
    begin = datetime.fromtimestamp(at_ms // 60_000 * 60, UTC) - AROUND
    return Window(zone, wall_minutes(zone, begin, days=6))


def in_utc(chance: random.Random, cases: int) -> None:
    """Hold random expressions to croniter.

    Raises:
        AssertionError: They differ.
    """
    for _ in range(0, cases, 4):
        text = random_expression(chance).text
        begin = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(50 * 525_960))
        oracle = croniter(text, begin, implement_cron_bug=True)
        schedule, at_ms = compile_schedule({"cron": text}, ""), int(begin.timestamp()) * 1000
        for _ in range(4):
            following = schedule.next_after(at_ms)
            expected = int(oracle.get_next(float)) * 1000
            assert following == expected, f"{text} after {format_instant(at_ms)}: {following}, not {expected}"
            at_ms = following


def near_changes(chance: random.Random, cases: int, zones: tuple[str, ...] = ZONES) -> None:
    """Hold random expressions, and lists of them, to every minute of random windows, most around a change.

    Raises:
        AssertionError: They differ.
    """
    done = 0
    while done < cases:
        zone = chance.choice(zones)
        changes = changes_of(zone)
        if changes and chance.random() < 0.9:
            at_ms = chance.choice(changes)
        else:
            at_ms = chance.randrange(SINCE_MS, UNTIL_MS)
        window = window_around(zone, at_ms)
        for _ in range(5):
            value, expressions = random_value(chance, zone)
            hold(window, value, expressions, chance)
            done += ASKED


def every_change(chance: random.Random) -> Iterator[str]:
    """Hold expressions to every minute around every change of every distinct zone; yields zones as they pass.

    Raises:
        AssertionError: They differ.
    """
    seen = set()
    for zone in sorted(zone_names()):
        table = find_zone(zone)
        alike = tuple(zip(table.starts_ms, table.offsets_ms, strict=True))
        if alike in seen:
            continue
        seen.add(alike)
        changes = changes_of(zone)
        for at_ms in changes:
            window = window_around(zone, at_ms)
            for _ in range(2):
                value, expressions = random_value(chance, zone)
                hold(window, value, expressions, chance)
        yield f"{zone}: {len(changes)} changes"


def random_value(chance: random.Random, zone: str) -> tuple[dict[str, Any], list[Expression]]:
    """A schedule that comes on most days, and its expressions."""
    size = chance.choice([1, 1, 1, 2, 3])
    days = chance.choice([None, None, None, "and", "or"])
    expressions = [replace(random_expression(chance, dense=True), days_rule=days) for _ in range(size)]
    texts = sorted({each.text for each in expressions})
    value: dict[str, Any] = {"cron": texts if len(texts) > 1 else texts[0], "timezone": zone}
    return value | ({"days": days} if days else {}), expressions


def hold(window: Window, value: dict[str, Any], expressions: list[Expression], chance: random.Random) -> None:
    """Ask for next, previous and count at random instants of a window.

    Raises:
        AssertionError: An answer is not the oracle's.
    """
    expected = sorted({at_ms for each in expressions for at_ms in fires(each, window.minutes)})
    schedule = compile_schedule(value, "")
    assert schedule.count(window.begin_ms - 1, window.end_ms - 1) == len(expected), (
        f"{value}: all in a window"
    )
    for _ in range(ASKED):
        after_ms, upto_ms = sorted(chance.choices(range(window.begin_ms - 1, window.end_ms), k=2))
        inside = [at_ms for at_ms in expected if after_ms < at_ms <= upto_ms]
        told = f"{value} between {format_instant(after_ms)} and {format_instant(upto_ms)}"
        assert schedule.count(after_ms, upto_ms) == len(inside), told
        _hold_ends(schedule, inside, (after_ms, upto_ms), told)


def _hold_ends(schedule: Schedule, inside: list[int], span: tuple[int, int], told: str) -> None:
    following, latest = schedule.next_after(span[0]), schedule.prev_at(span[1])
    if inside:
        assert following == inside[0], told
        assert latest == inside[-1], told
    else:
        assert following is None or following > span[1], told
        assert latest is None or latest <= span[0], told


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def sample(chance: random.Random, span_s: float) -> int:
    """Hold as many cases as fit into a span; how many these were."""
    began, cases = time.monotonic(), 0  # noqa: TID251 - the span is what was asked for
    while time.monotonic() - began < span_s:  # noqa: TID251 - likewise
        in_utc(chance, CASES // 200)
        near_changes(chance, CASES // 100)
        cases += CASES // 200 + CASES // 100
    return cases


def main() -> int:
    """All of it, or as much as fits into a span; the seed may be given, to repeat a run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=fresh_seed())
    parser.add_argument("--for", dest="span_s", type=float, metavar="SECONDS")
    args = parser.parse_args()
    seed: int = args.seed
    chance = random.Random(seed)
    began = time.monotonic()  # noqa: TID251 - a proof may say how long it took
    say(f"seed {seed}, zone data {zone_version()}")
    if args.span_s is not None:
        say(f"{sample(chance, args.span_s):,} cases as croniter and the walk have them; seed {seed}")
        return 0
    in_utc(chance, CASES // 2)
    say(f"{CASES // 2:,} instants as croniter has them, in UTC")
    near_changes(chance, CASES)
    say(f"{CASES:,} cases in {len(ZONES)} zones as a walk through every minute has them")
    passed = 0
    for zone in every_change(chance):
        passed += 1
        say(f"  {zone}")
    took_s = time.monotonic() - began  # noqa: TID251 - likewise
    say(f"every change of {passed} distinct zones as the walk has it; {took_s:.0f} s, seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
