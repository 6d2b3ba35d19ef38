"""Three schedulers, killed and frozen at random; `make proof` has the storm of 100,000 fires."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from kit import storm

from jobboard.store.views import fsck

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


def test_every_nominal_is_decided_once_whoever_is_killed_or_frozen(store: Store) -> None:
    seed = int(os.environ.get("JOBBOARD_PROOF_SEED") or random.SystemRandom().randrange(2**32))
    print(f"JOBBOARD_PROOF_SEED={seed}")  # noqa: T201 - shown with a failure
    fired, decided = storm.rage(store, seed, jobs=40, fires=1_000)
    assert decided > fired >= 1_000
    assert fsck.check(store) == []
