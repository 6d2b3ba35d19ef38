"""Amounts of bytes, as people write them: ``64K``, ``512M``, ``1.5G``, ``2TiB``.

A unit is a power of 1024, with or without ``iB``; a bare number is bytes.
"""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MOST = 2**53
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([KMGT])(?:iB)?")


def parse_size(value: str | int) -> int:
    """A size in bytes.

    Raises:
        ValueError: It is none; the message says what to write.
    """
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, int) and value < _MOST:
        return value
    if found is None or float(found[1]) * _UNITS[found[2]] >= _MOST:
        raise ValueError(f"{value!r} is not a size; write it as in 64K, 512M or 2G")
    return round(float(found[1]) * _UNITS[found[2]])


def format_size(size_bytes: int) -> str:
    """The shortest exact form: ``512M``, ``1000``."""
    unit = next(name for name, factor in reversed(_UNITS.items()) if size_bytes % factor == 0 and size_bytes)
    return f"{size_bytes // _UNITS[unit]}{unit}"
