"""Time zones as tables of segments: what the clock on the wall shows, and when it changes.

Zones come from the `tzdata` package and never from the system's copy, so that every machine of a fleet
agrees; `core.jobs.meaning.zone_version` names the release, for schedulers to compare.
"""

from __future__ import annotations

import pkgutil
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from jobboard.core.times.tzif import DAWN_MS, read_changes


class UnknownZone(ValueError):
    """No zone has this name.

    Attributes:
        hint: The name that was probably meant, in a sentence; None if nothing comes near.
    """

    def __init__(self, name: str, hint: str | None) -> None:
        super().__init__(f"there is no time zone {name!r}")
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone's local time, segment by segment; in each the offset from UTC is constant.

    Attributes:
        name: As in the IANA database, ``Europe/Madrid``.
        starts_ms: The instant each segment begins at; the first is `DAWN_MS`.
        offsets_ms: What is added to an instant to give its wall time.
        fronts_ms: The latest wall time that any earlier segment has reached: wall time from here on is new,
            wall time before it has been shown already. Where a segment begins past its front, the span
            between is skipped; where it begins before it, the span is repeated.
    """

    name: str
    starts_ms: tuple[int, ...]
    offsets_ms: tuple[int, ...]
    fronts_ms: tuple[int, ...]

    def index_at(self, at_ms: int) -> int:
        """The number of the segment that an instant lies in."""
        return bisect_right(self.starts_ms, at_ms) - 1

    def offset_at(self, at_ms: int) -> int:
        """Wall time minus UTC, in ms, at an instant."""
        return self.offsets_ms[bisect_right(self.starts_ms, at_ms) - 1]

    def instant(self, wall_ms: int) -> int:
        """The instant at which a wall time has first been reached.

        A skipped one is reached at the change that skips it; a repeated one the first time it is shown.
        """
        index = bisect_right(self.fronts_ms, wall_ms) - 1
        return max(self.starts_ms[index], wall_ms - self.offsets_ms[index])

    def skipped_ms(self, index: int) -> tuple[int, int] | None:
        """The wall time, end excluded, that the change into a segment skips; None if it skips none."""
        front_ms, begin_ms = self.fronts_ms[index], self.starts_ms[index] + self.offsets_ms[index]
        return (front_ms, begin_ms) if index and front_ms < begin_ms else None

    def repeated_ms(self, index: int) -> tuple[int, int] | None:
        """The wall time, end excluded, that the change into a segment repeats; None if it repeats none."""
        front_ms, begin_ms = self.fronts_ms[index], self.starts_ms[index] + self.offsets_ms[index]
        return (begin_ms, front_ms) if begin_ms < front_ms else None


UTC_ZONE = Zone("UTC", (DAWN_MS,), (0,), (DAWN_MS,))


@lru_cache(maxsize=1024)
def find_zone(name: str) -> Zone:
    """The zone of an IANA name, exactly as the database spells it.

    Raises:
        UnknownZone: If there is none.
    """
    if name == "UTC":
        return UTC_ZONE
    if name not in zone_names():
        raise UnknownZone(name, _nearest(name))
    content = pkgutil.get_data("tzdata", f"zoneinfo/{name}")
    if content is None:
        raise UnknownZone(name, None)
    changes = read_changes(content)
    starts_ms, offsets_ms = zip(*changes, strict=True)
    return Zone(name, starts_ms, offsets_ms, tuple(_fronts(changes)))


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every name that the database knows."""
    listing = pkgutil.get_data("tzdata", "zones") or b""
    return frozenset(listing.decode("ascii").split())


def _fronts(changes: list[tuple[int, int]]) -> list[int]:
    front_ms = DAWN_MS
    fronts = [front_ms]
    for (_, offset_ms), (end_ms, _) in pairwise(changes):
        front_ms = max(front_ms, end_ms + offset_ms)
        fronts.append(front_ms)
    return fronts


def _nearest(name: str) -> str | None:
    from difflib import get_close_matches

    folded = {known.casefold(): known for known in sorted(zone_names(), reverse=True)}
    cities = {known.rpartition("/")[2].casefold(): known for known in sorted(zone_names(), reverse=True)}
    wanted = name.strip().replace(" ", "_").casefold()
    if wanted in cities:
        return f"Did you mean {cities[wanted]}?"
    near = get_close_matches(wanted, folded, n=1, cutoff=0.7)
    return (
        f"Did you mean {folded[near[0]]}?"
        if near
        else "Zones are named like Europe/Madrid; UTC is the default"
    )
