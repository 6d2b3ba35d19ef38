"""Numbers that a seed (a job's address) stands for: the same on every machine, for ever."""

from __future__ import annotations

from functools import lru_cache

HASH_BITS = 64


@lru_cache(maxsize=65_536)
def stable_hash(seed: str, purpose: str) -> int:
    """`fresh_hash`, remembered: for numbers that a job has once and for all."""
    return fresh_hash(seed, purpose)


def fresh_hash(seed: str, purpose: str) -> int:
    """A number below 2**64, evenly spread over seeds and independent between purposes.

    Never change it: every `H`, phase and jitter of every deployed board would move.
    """
    from hashlib import blake2b

    digest = blake2b(f"{seed}\0{purpose}".encode("utf-8", "surrogatepass"), digest_size=HASH_BITS // 8)
    return int.from_bytes(digest.digest(), "big")
