"""A definition as a board would write it."""

from __future__ import annotations

import pytest

from jobboard.core.jobs.written import unit_of, units_of


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("timeout", "ms"),
        ("late_after", "ms"),
        ("logs.keep", "ms"),
        ("limits.cpu", "ms"),
        ("limits.memory", "bytes"),
        ("logs.max_size", "bytes"),
        ("limits.files", None),
        ("priority", None),
        ("retries", None),
        ("env.timeout", None),
        ("limits", None),
        ("needs.ops/a.timeout", "ms"),
        ("needs.ops/a.fresh", None),
    ],
)
def test_a_number_says_what_it_counts(path: str, unit: str | None) -> None:
    assert unit_of(path) == unit


def test_the_numbers_of_a_definition_say_what_they_count() -> None:
    spec = {
        "command": {"run": "x"},
        "schedule": {"every": 60_000, "jitter": {"max": 5, "each": True}, "start": 0},
        "retries": {"max": 3, "delay": 1_000},
        "needs": {"ops/a": {"timeout": 5_000}},
        "limits": {"memory": 1_024, "files": 10},
        "env": {"timeout": "5"},
        "timeout": 5_000,
    }
    assert units_of(spec) == {
        "schedule.every": "ms",
        "schedule.jitter.max": "ms",
        "schedule.start": "epoch_ms",
        "retries.delay": "ms",
        "needs.ops/a.timeout": "ms",
        "limits.memory": "bytes",
        "timeout": "ms",
    }
