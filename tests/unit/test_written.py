"""A definition as a board would write it."""

from __future__ import annotations

import pytest

from jobboard.core.jobs.written import unit_of


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
    ],
)
def test_a_number_says_what_it_counts(path: str, unit: str | None) -> None:
    assert unit_of(path) == unit
