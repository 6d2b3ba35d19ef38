"""`core.times.decay`: the written rule, instant by instant in fractions, against the table."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from jobboard.core.jobs.resolve import resolve_job
from jobboard.core.times.decay import Decay, Decaying, tabulate
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule

START_MS = parse_instant("2026-03-01")


def walked(every_ms: int, decay: Decay, count: int) -> list[int]:
    """The rule as it is written down."""
    found, at_ms = [], START_MS
    for _ in range(count):
        found.append(at_ms)
        # After so many steps every limit used here has long been reached.
        steps = min((at_ms - START_MS) // decay.step_ms, 3000)
        exact = every_ms * Fraction(str(decay.factor)) ** steps
        span_ms = max(int(exact + Fraction(1, 2)), decay.min_ms)
        at_ms += span_ms if decay.max_ms is None else min(span_ms, decay.max_ms)
    return found


def listed(times: Decaying, count: int) -> list[int]:
    found: list[int] = []
    at_ms = START_MS - 1
    for _ in range(count):
        following = times.next_after(at_ms)
        assert following is not None
        at_ms = following
        found.append(at_ms)
    return found


def test_the_example_of_the_rule() -> None:
    value = {"every": 5_000, "start": START_MS, "decay": {"factor": 2, "step": 10_000, "max": 86_400_000}}
    schedule = compile_schedule(value, "a/b")
    assert isinstance(schedule.nominals, Decaying)
    seconds = [(at_ms - START_MS) // 1000 for at_ms in listed(schedule.nominals, 6)]
    assert seconds == [0, 5, 10, 20, 40, 120]


@pytest.mark.parametrize("seed", range(60))
def test_the_table_follows_the_rule(seed: int) -> None:
    chance = random.Random(seed)
    every_ms, grows = chance.choice([7, 500, 5_000, 3_600_000]), chance.random() < 0.6
    factor = chance.choice([1.5, 2, 1.01, 10, 1.333]) if grows else chance.choice([0.5, 0.99, 0.1, 0.875])
    decay = Decay(
        factor=factor,
        step_ms=chance.choice([1, 3_000, 10_000, 90_000, 86_400_000]),
        min_ms=chance.choice([1, every_ms // 3 + 1]) if grows else every_ms // chance.randint(2, 50) + 1,
        max_ms=every_ms * chance.randint(2, 500) if grows else chance.choice([None, every_ms]),
    )
    expected = walked(every_ms, decay, 300)
    times = tabulate(every_ms, START_MS, decay)
    assert listed(times, 300) == expected
    for _ in range(40):
        after_ms, upto_ms = sorted(chance.choices(range(START_MS - 5, expected[-1]), k=2))
        inside = [at_ms for at_ms in expected if after_ms < at_ms <= upto_ms]
        assert times.count(after_ms, upto_ms) == len(inside)
        before = [at_ms for at_ms in expected if at_ms <= upto_ms]
        assert times.prev_at(upto_ms) == (before[-1] if before else None)


def test_where_no_step_is_passed_the_table_is_one_row() -> None:
    times = tabulate(60_000, START_MS, Decay(2, 10**12, 1, 10**9))
    assert times.spans_ms[0] == 60_000
    assert times.starts_ms[1] >= START_MS + 10**12


def test_ten_years_of_hourly_steps_end_at_their_limit() -> None:
    decay = Decay(1.0001, 3_600_000, 1, 86_400_000)
    times = tabulate(5_000, START_MS, decay)
    assert times.spans_ms[-1] == 86_400_000
    assert START_MS + 12 * 365 * 86_400_000 > times.starts_ms[-1] > START_MS + 10 * 365 * 86_400_000
    middle_ms = START_MS + 5 * 365 * 86_400_000
    assert times.prev_at(times.next_after(middle_ms) or 0) == times.next_after(middle_ms)


@pytest.mark.parametrize(
    ("keys", "path", "told", "hint"),
    [
        ({"decay": {"factor": 2, "step": "1h", "max": "1d"}}, ("decay",), 'needs "start"', "Write  start: "),
        ({"decay": {"factor": 2, "step": "1h"}}, ("decay",), 'needs "max"', "Write  max: 8m20s"),
        ({"decay": {"factor": 0.5, "step": "1h"}}, ("decay",), 'needs "min"', "Write  min: 50ms"),
        ({"decay": {"factor": 1, "step": "1h"}}, ("decay", "factor"), "changes nothing", "Leave decay out"),
        ({"decay": {"step": "1h"}}, ("decay",), 'no "factor"', "Write  decay: "),
        ({"decay": {"factor": 2, "max": "1d"}}, ("decay",), 'no "step"', "Write  decay: "),
        ({"decay": {"factor": 2, "step": "0s", "max": "1d"}}, ("decay", "step"), "longer than nothing", "1s"),
        (
            {"decay": {"factor": 2, "step": "1h", "min": "2h", "max": "1h"}},
            ("decay", "min"),
            "greater than max",
            "Swap",
        ),
        (
            {"decay": {"factor": 1.00001, "step": "1s", "max": "1d"}},
            ("decay", "factor"),
            "would take 975,",
            "further from 1",
        ),
    ],
)
def test_what_is_refused(keys: dict[str, Any], path: tuple[str, ...], told: str, hint: str) -> None:
    start = {} if "start" in told else {"start": "2026-03-01"}
    _, (fault,) = resolve_job({"run": "a", "every": "5s", **start, **keys}, board="b", name="j")
    assert fault.path == path
    assert told in fault.message
    assert hint in str(fault.hint)


def test_its_canonical_form() -> None:
    raw = {
        "run": "a",
        "every": "5s",
        "start": "2026-03-01",
        "decay": {"max": "1d", "step": "10s", "factor": 2.0},
    }
    spec, faults = resolve_job(raw, board="b", name="j")
    assert faults == []
    decay = {"factor": 2, "max": 86_400_000, "step": 10_000}
    assert spec["schedule"] == {"every": 5_000, "start": START_MS, "decay": decay}
    assert list(spec["schedule"]["decay"]) == sorted(decay)
