"""What the meaning of a board's bytes depends on besides them: a digest covers these, so that what was read
by other rules, or with other clock changes, is read again.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

VERSION: Final = 2
"""Raised whenever the same text comes to mean another spec."""


@cache
def zone_version() -> str:
    """The release of the time zone data in use, such as ``2026f``; see `core.times.zone`."""
    return str(import_module("tzdata").IANA_VERSION)
