"""A job's schedule: its nominal instants, the window that bounds them, and the jitter that spreads them.

A schedule is a pure function of its canonical value, the job's seed and the zone data. It knows no clock, no
creation and no last run, so every scheduler, preview and test computes the same instants. Instants and spans
are integer milliseconds.

``delay`` is the exception: its instants follow from when runs end, so the store keeps them, and `anchored`
makes a schedule of the one that is due.

The canonical value is a mapping with exactly one of ``cron`` (text, or a sorted list), ``every`` (ms), ``at``
(a sorted list), ``repeat`` (text) and ``delay`` (ms), and as they apply ``seconds``, ``days``, ``timezone``,
``phase``, ``decay`` (``factor``, ``step``, ``min``, ``max``), ``jitter`` (ms, or ``max`` in ms and ``per:
run``), ``exclude`` (ranges and cron expressions; see `core.times.exclude`), ``on_exclude``, ``start``
(inclusive), ``stop`` (exclusive) and ``runs``, which is counted elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.seed import HASH_BITS, fresh_hash, stable_hash
from jobboard.core.times.cron import Days, compile_cron, normalise_cron, resolve_hashes
from jobboard.core.times.crontimes import CronTimes
from jobboard.core.times.cronunion import CronUnion, cron_instants
from jobboard.core.times.decay import Decay, tabulate
from jobboard.core.times.exclude import Span, merged, read_item
from jobboard.core.times.exclusion import Deferring, Exclusions, Skipping, Windowed
from jobboard.core.times.nominals import DUSK_MS, Following, Instants, Interval, Nominals
from jobboard.core.times.repeat import Repeats, parse_repeat
from jobboard.core.times.schedule_words import words
from jobboard.core.times.wallset import Mixed
from jobboard.core.times.zone import find_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.times.wallclock import Cron

__all__ = ["Schedule", "compile_schedule", "words"]

Key: TypeAlias = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs.

    Attributes:
        nominals: The instants, before window and jitter.
        start_ms: No instant lies before it.
        stop_ms: Every instant lies before it.
        jitter_ms: How much later than its nominal a run may be due.
        share: The job's stable place in its jitter, a fraction of 2**64.
        run_seed: What each run's own place in it is hashed from; None where all runs share the job's.
    """

    nominals: Nominals
    start_ms: int
    stop_ms: int
    jitter_ms: int
    share: int
    run_seed: str | None = None

    def next_after(self, at_ms: int) -> int | None:
        """The first nominal strictly after an instant; None if there is none any more."""
        found_ms = self.nominals.next_after(at_ms if at_ms >= self.start_ms else self.start_ms - 1)
        return found_ms if found_ms is not None and found_ms < self.stop_ms else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last nominal at or before an instant; None if there was none yet."""
        found_ms = self.nominals.prev_at(at_ms if at_ms < self.stop_ms else self.stop_ms - 1)
        return found_ms if found_ms is not None and found_ms >= self.start_ms else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many nominals there are after one instant and up to another, that one included."""
        begin_ms, end_ms = max(after_ms, self.start_ms - 1), min(upto_ms, self.stop_ms - 1)
        return self.nominals.count(begin_ms, end_ms) if begin_ms < end_ms else 0

    def due(self, nominal_ms: int) -> int:
        """When a nominal's run is to start: never before the nominal, and always before the next one."""
        if not self.jitter_ms:
            return nominal_ms
        following_ms = self.nominals.next_after(nominal_ms)
        room_ms = self.jitter_ms
        if following_ms is not None:
            room_ms = min(room_ms, following_ms - nominal_ms)
        share = self.share if self.run_seed is None else fresh_hash(self.run_seed, f"jitter {nominal_ms}")
        return nominal_ms + (share * room_ms >> HASH_BITS)

    def anchored(self, due_ms: int) -> Schedule:
        """Of a delay: the schedule of the one instant that is due; none comes before the start."""
        return replace(self, nominals=Instants((max(due_ms, self.start_ms),)))

    def shift_at(self, nominal_ms: int) -> Literal["gap", "fold", "deferred"] | None:
        """Why a nominal is not where it would be looked for: ``deferred``, or see `CronTimes.shift_at`."""
        times = self.nominals
        while isinstance(times, Skipping | Deferring | Windowed):
            is_deferring, times = isinstance(times, Deferring), times.nominals
            if is_deferring and times.prev_at(nominal_ms) != nominal_ms:
                return "deferred"
        if not isinstance(times, CronTimes | CronUnion) or times.prev_at(nominal_ms) != nominal_ms:
            return None
        return times.shift_at(nominal_ms)


def compile_schedule(schedule: Mapping[str, Any], seed: str) -> Schedule:
    """The schedule that a canonical value means for a job; equal ones are compiled once.

    Args:
        schedule: The canonical value; see the module.
        seed: What `H`, phase and jitter hash: the job's address.

    Raises:
        CronError: If the expression is refused.
        UnknownZone: If the zone is.
    """
    return _compile(schedule_key(schedule), seed if is_seeded(schedule) else "")


def schedule_key(schedule: Mapping[str, Any]) -> Key:
    """What equal canonical values have in common, to look things up by."""
    return tuple(sorted((name, _frozen(value)) for name, value in schedule.items()))


def cron_texts(schedule: Mapping[str, Any]) -> tuple[str, ...]:
    """The cron expressions of a canonical value; none where it is of another kind."""
    given = schedule.get("cron", ())
    return (given,) if isinstance(given, str) else tuple(given)


def normal_crons(schedule: Mapping[str, Any]) -> tuple[str, ...]:
    """The canonical texts of its cron expressions.

    Raises:
        CronError: If one is refused.
    """
    seconds, days = schedule.get("seconds", False), schedule.get("days")
    return tuple(normalise_cron(text, seconds=seconds, days=days) for text in cron_texts(schedule))


@lru_cache(maxsize=65_536)
def _compile(key: Key, seed: str) -> Schedule:
    value = dict(key)
    jitter_ms = value.get("jitter", 0)
    start_ms, stop_ms = max(0, value.get("start", 0)), value.get("stop", DUSK_MS)
    per_run = not isinstance(jitter_ms, int)
    if per_run:
        jitter_ms = dict(jitter_ms)["max"]
    return Schedule(
        nominals=_remaining(value, seed, start_ms, stop_ms),
        start_ms=start_ms,
        stop_ms=stop_ms,
        jitter_ms=jitter_ms,
        share=stable_hash(seed, "jitter") if jitter_ms and not per_run else 0,
        run_seed=seed if per_run else None,
    )


def _remaining(value: Mapping[str, Any], seed: str, start_ms: int, stop_ms: int) -> Nominals:
    """The instants less those that are left out."""
    if "exclude" not in value:
        return _nominals(value, seed)
    zone = value.get("timezone", "UTC")
    spans, crons = _excluded(value["exclude"], zone)
    if value.get("on_exclude") == "defer":
        windowed = Windowed(_nominals(value, seed), start_ms, stop_ms)
        return Deferring(windowed, _exclusions(spans, crons, zone))
    if "cron" in value:
        # On the same clock, whole sets of minutes are taken out at once.
        normals = tuple(resolve_hashes(normal, seed) for normal in normal_crons(value))
        times = cron_instants(normals, find_zone(zone), days=value.get("days"), minus=crons)
        return Skipping(times, _exclusions(spans, (), zone)) if spans else times
    return Skipping(_nominals(value, seed), _exclusions(spans, crons, zone))


def _excluded(texts: Sequence[str], zone: str) -> tuple[list[Span], tuple[Cron, ...]]:
    items = [read_item(text, zone) for text in texts]
    spans = merged([item for item in items if not isinstance(item, str)])
    return spans, tuple(compile_cron(item) for item in items if isinstance(item, str))


def _exclusions(spans: Sequence[Span], crons: tuple[Cron, ...], zone: str) -> Exclusions:
    begins_ms, ends_ms = tuple(begin for begin, _ in spans), tuple(end for _, end in spans)
    minutes = Mixed(crons, (), None, wild=True) if crons else None
    return Exclusions(begins_ms, ends_ms, minutes, find_zone(zone))


def _nominals(value: Mapping[str, Any], seed: str) -> Nominals:
    if "cron" in value:
        normals = tuple(resolve_hashes(normal, seed) for normal in normal_crons(value))
        return _cron_times(normals, value.get("timezone", "UTC"), value.get("days"))
    if "repeat" in value:
        zone = value.get("timezone", "UTC")
        return Repeats(parse_repeat(value["repeat"], zone), find_zone(zone))
    if "decay" in value:
        decay = dict(value["decay"])
        how = Decay(decay["factor"], decay["step"], decay.get("min", 1), decay.get("max"))
        return tabulate(value["every"], value["start"], how)
    if "every" in value:
        return Interval(value["every"], _anchor_ms(value, seed))
    if "delay" in value:
        return Following(value["delay"])
    return Instants(tuple(sorted(set(value["at"]))))


@lru_cache(maxsize=16_384)
def _cron_times(normals: tuple[str, ...], zone: str, days: Days | None) -> CronTimes | CronUnion:
    return cron_instants(normals, find_zone(zone), days=days)


def _anchor_ms(value: Mapping[str, Any], seed: str) -> int:
    """An explicit phase, else the start, else a place of the job's own, on a whole second where that fits."""
    if "phase" in value:
        return int(value["phase"])
    if "start" in value:
        return int(value["start"])
    every_ms = int(value["every"])
    unit_ms = 1000 if every_ms % 1000 == 0 else 1
    return stable_hash(seed, "phase") % (every_ms // unit_ms) * unit_ms


def is_seeded(schedule: Mapping[str, Any]) -> bool:
    """Whether it means another schedule for another job."""
    if "jitter" in schedule:
        return True
    if "cron" in schedule:
        return any("h" in text.lower() for text in cron_texts(schedule))
    return "every" in schedule and "phase" not in schedule and "start" not in schedule


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value
