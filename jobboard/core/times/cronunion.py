"""The instants of one or several cron expressions in a zone, less those of others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.times.cron import compile_cron, has_two_days, seconds_of
from jobboard.core.times.crontimes import CronTimes
from jobboard.core.times.wallset import Layers, Mixed, Seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.times.cron import Days
    from jobboard.core.times.wallclock import Cron, WallSet
    from jobboard.core.times.zone import Zone

    # The seconds that an expression names, None where it has none to name, and its minutes.
    _Compiled: TypeAlias = tuple[int | None, Cron]


def cron_instants(
    normals: Sequence[str], zone: Zone, *, days: Days | None = None, minus: Sequence[Cron] = ()
) -> CronTimes | CronUnion:
    """The instants of canonical expressions without `H`, each once.

    Each meets clock changes as it would alone; see `core.times.crontimes`.

    Args:
        normals: All with a field for seconds, or none.
        zone: Whose wall clock they follow.
        days: See `normalise_cron`.
        minus: Wall minutes that are taken out of all.
    """
    compiled = [
        (seconds_of(each), compile_cron(each, days if has_two_days(each) else None)) for each in normals
    ]
    wild = [each for each in compiled if each[1].wild]
    fixed = [each for each in compiled if not each[1].wild]
    parts = [CronTimes(_wall_set(part, minus), zone) for part in (fixed, wild) if part]
    return CronUnion(parts[0], parts[1], _wall_set(fixed, minus, within=wild)) if len(parts) > 1 else parts[0]


def _wall_set(
    plus: Sequence[_Compiled], minus: Sequence[Cron], *, within: Sequence[_Compiled] | None = None
) -> WallSet:
    """The ticks of any of some expressions that also belong to one of some others, if there are such."""
    wild = plus[0][1].wild
    if len(plus) == 1 and within is None and not minus:
        second, cron = plus[0]
        return cron if second is None else Seconds(cron, second)
    if plus[0][0] is None:
        return _mixed(plus, minus, within)
    alike: defaultdict[tuple[tuple[_Compiled, ...], tuple[_Compiled, ...] | None], int] = defaultdict(int)
    for second in range(60):
        there = tuple(each for each in plus if _names(each, second))
        besides = None if within is None else tuple(each for each in within if _names(each, second))
        if there and besides != ():
            alike[there, besides] |= 1 << second
    layers = (Seconds(_mixed(there, minus, besides), seconds) for (there, besides), seconds in alike.items())
    return Layers(tuple(layers), wild)


def _names(compiled: _Compiled, second: int) -> bool:
    return bool((compiled[0] or 0) >> second & 1)


def _mixed(plus: Sequence[_Compiled], minus: Sequence[Cron], within: Sequence[_Compiled] | None) -> Mixed:
    return Mixed(
        plus=tuple(cron for _, cron in plus),
        minus=tuple(minus),
        within=None if within is None else tuple(cron for _, cron in within),
        wild=plus[0][1].wild,
    )


@dataclass(frozen=True, slots=True)
class CronUnion:
    """Fixed and wild expressions together: every instant of either, once.

    Attributes:
        common: The ticks that belong to both sets.
    """

    fixed: CronTimes
    wild: CronTimes
    common: WallSet

    @property
    def zone(self) -> Zone:
        """The zone of both."""
        return self.fixed.zone

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        found = [times.next_after(at_ms) for times in (self.fixed, self.wild)]
        return min((each for each in found if each is not None), default=None)

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        found = [times.prev_at(at_ms) for times in (self.fixed, self.wild)]
        return max((each for each in found if each is not None), default=None)

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        if upto_ms <= after_ms:
            return 0
        return sum(
            (
                self.fixed.count(after_ms, upto_ms),
                self.wild.count(after_ms, upto_ms),
                -self._count_twice(after_ms, upto_ms),
            )
        )

    def shift_at(self, at_ms: int) -> Literal["gap", "fold"] | None:
        """What a clock change has to do with one of the instants; see `CronTimes.shift_at`."""
        return self.wild.shift_at(at_ms) if self.wild.prev_at(at_ms) == at_ms else self.fixed.shift_at(at_ms)

    def _count_twice(self, after_ms: int, upto_ms: int) -> int:
        """How many instants are both a fixed and a wild expression's.

        Away from clock changes those are the common ticks. What a change skips is no instant of a wild one,
        unless what makes up for it meets one there; what it repeats is no instant of a fixed one.
        """
        zone = self.zone
        total = self.common.count_ticks(self.fixed.unreached(after_ms), self.fixed.unreached(upto_ms))
        for index in range(zone.index_at(after_ms) + 1, zone.index_at(upto_ms) + 1):
            span = zone.skipped_ms(index)
            if span is not None:
                total += self._makes_up(index, span[1]) - self._skipped(span)
        return total

    def _skipped(self, span: tuple[int, int]) -> int:
        return self.common.count_ticks(self.wild.tick_from(span[0]), self.wild.tick_from(span[1]))

    def _makes_up(self, index: int, wall_ms: int) -> bool:
        """Whether a fixed time that is made up for meets a wild one that no fixed one names."""
        tick, rest_ms = divmod(wall_ms, self.common.unit_ms)
        if rest_ms or not self.fixed.skips(index):
            return False
        wild = self.wild.cron.count_ticks(tick, tick + 1)
        return bool(wild) and not self.common.count_ticks(tick, tick + 1)
