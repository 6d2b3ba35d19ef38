"""A sample of `make proof`, drawn anew each time; a failure names the seed that repeats it."""

from __future__ import annotations

import os
import random
import sys

import pytest
from kit import proof
from kit.cron import RANGES, Expression


def test_a_sample_drawn_anew_agrees_with_both_oracles() -> None:
    seed = int(os.environ.get("JOBBOARD_PROOF_SEED") or proof.fresh_seed())
    # Shown by pytest where the test fails.
    sys.stdout.write(f"JOBBOARD_PROOF_SEED={seed}\n")
    chance = random.Random(seed)
    proof.in_utc(chance, 2_000)
    proof.near_changes(chance, 6_000)


def test_the_oracle_tells_a_wrong_answer() -> None:
    chance = random.Random(1)
    window = proof.window_around("Europe/Madrid", proof.changes_of("Europe/Madrid")[-1])
    _, _, days, months, weekdays = (frozenset(range(low, high + 1)) for low, high in RANGES)
    expression = Expression("30 2 * * *", frozenset([30]), frozenset([2]), days, months, weekdays)
    value = {"cron": expression.text, "timezone": "Europe/Madrid"}
    proof.hold(window, value, [expression], chance)
    with pytest.raises(AssertionError):
        proof.hold(window, {**value, "timezone": "Asia/Tokyo"}, [expression], chance)
