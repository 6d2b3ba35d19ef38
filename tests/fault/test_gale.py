"""Everybody killed and frozen at random, and a ledger; `make proof` has the gale of 10,000 runs."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from kit import gale

if TYPE_CHECKING:
    from pathlib import Path


def test_whoever_is_killed_or_frozen_the_ledger_of_the_commands_is_the_history(tmp_path: Path) -> None:
    seed = int(os.environ.get("JOBBOARD_PROOF_SEED") or random.SystemRandom().randrange(2**32))
    print(f"JOBBOARD_PROOF_SEED={seed}")  # noqa: T201 - shown with a failure
    assert gale.rage(tmp_path, seed, runs=150, per_s=40).runs >= 150
