"""A simulation's figures in words and bars; eighty columns are enough, unless names are long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.screen import moment
from jobboard.core.scope import scope_text
from jobboard.core.simulation.load import HOUR_MS, Slice
from jobboard.core.times.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from jobboard.cli.scenario import Sourced
    from jobboard.cli.screen import Screen
    from jobboard.core.simulation.load import DeadlineMiss, Load, PassedOver, Stuck, Waiting
    from jobboard.core.simulation.silence import Silence
    from jobboard.core.simulation.standing import Crew, QueueRule

    Moment: TypeAlias = Callable[[int, int | None], str]

SHOWN = 10
"""Lines of a list before the rest is only counted."""
_DAYS_FROM = 48
"""So many hours are shown one by one; of more, days."""
_LONG_MS = 10_000
_BAR = 16
_HANG = 6


class LoadText:
    """Writes the figures of one simulation to a screen.

    Args:
        screen: Where to.
        zone: Of the times that are printed; None is UTC.
        now_ms: The year of an instant is said if it is not this one's.
    """

    def __init__(self, screen: Screen, zone: str | None, now_ms: int) -> None:
        self.screen = screen
        self._zone = zone
        self._now_ms = now_ms

    def write(self, load: Load, sourced: Sourced, jobs: int) -> None:
        """All of it, the summary first."""
        self.head(load, sourced, jobs)
        if not load.jobs:
            self.screen.line("Nothing is due.")
            return
        self._hours(load)
        self._peaks(load)
        self._waits(load)
        self._list("Not begun by the end", [stuck_text(one, self._moment) for one in load.stuck])
        self._misses(load)
        self._silences(load)
        self._passed(load)
        self._jobs(load)

    def head(self, load: Load, sourced: Sourced, jobs: int) -> None:
        """What was simulated, and what it came to."""
        hours = f"{load.span_hours:g}h"
        self.screen.folded(
            f"{hours} from {self._moment(load.from_ms)}, {jobs:,} job{'s' if jobs != 1 else ''}", "bold"
        )
        begun = len(sourced.scenario.standing.begun)
        under_way = f" · {begun:,} run{'s' if begun != 1 else ''} under way" if begun else ""
        self.screen.folded(f"slots {slots_text(sourced)} · durations {sourced.sources}{under_way}", "dim")
        for remark in remarks(sourced):
            self.screen.folded(remark, "dim")
        self.screen.folded(summary(load))

    def _hours(self, load: Load) -> None:
        slices = load.hours if len(load.hours) <= _DAYS_FROM else _days(load.hours)
        step_ms = HOUR_MS if slices is load.hours else 24 * HOUR_MS
        top = max(one.busy_ms for one in slices) or 1
        beside = len(self._moment(slices[0].from_ms)) + 4 * len("  average") + len("  ")
        widest = min(_BAR, max(1, (self.screen.columns() or beside + _BAR) - beside))
        rows = []
        for one in slices:
            bar = "█" * -(-one.busy_ms * widest // top)
            numbers = [
                f"{one.made:,}",
                f"{one.running:,}",
                f"{one.waiting:,}",
                f"{one.busy_ms / step_ms:.1f}",
            ]
            rows.append([self._moment(one.from_ms), *(f"{number:>7}" for number in numbers), bar])
        heads = [f"{head:>7}" for head in ("runs", "at once", "waiting", "average")]
        self.screen.line()
        self.screen.table(["hour" if step_ms == HOUR_MS else "day", *heads, ""], rows)

    def _peaks(self, load: Load) -> None:
        self.screen.line()
        peak = load.running
        self.screen.folded(f"Most at once: {peak.count:,}, first {self._moment(peak.at_ms)}.")
        for name, queue in load.queues.items():
            self.screen.folded(
                f"Longest queue of {name}: {queue.count:,}, first {self._moment(queue.at_ms)}."
            )
        self._list("Busiest minutes", [self._minute(minute) for minute in load.busiest])

    def _minute(self, minute: Slice) -> str:
        made = f"{minute.made:,} run{'s' if minute.made != 1 else ''} made"
        return (
            f"{self._moment(minute.from_ms)}   {made}, {minute.running:,} at once, {minute.waiting:,} waiting"
        )

    def _waits(self, load: Load) -> None:
        self._list("Waits, the longest first", [wait_text(wait, self._moment) for wait in load.waits])

    def _misses(self, load: Load) -> None:
        self._list("Deadline misses, the most first", [miss_text(one, self._moment) for one in load.misses])

    def _silences(self, load: Load) -> None:
        told = [silence_text(one, self._moment) for one in load.silences]
        self._list("Without a good end for longer than expected_every, the longest first", told)

    def _passed(self, load: Load) -> None:
        self._list("Passed over, the most first", [passed_text(one, self._moment) for one in load.passed])

    def _jobs(self, load: Load) -> None:
        busiest = sorted(load.jobs, key=lambda job: (-job.busy_ms, job.address))
        rows = [
            [
                job.address,
                *(f"{number:>7,}" for number in (job.runs, job.failed, sum(job.passed.values()))),
                f"{span_text(job.busy_ms):>9}",
                f"{span_text(job.longest_wait_ms) if job.waited_ms else '-':>12}",
            ]
            for job in busiest[:SHOWN]
        ]
        heads = ["   runs", " failed", " passed", "  running", "longest wait"]
        self.screen.line()
        self.screen.table(["job", *heads], rows)
        self._more(len(busiest))

    def _list(self, head: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self.screen.line()
        self.screen.line(head, "dim")
        for line in lines[:SHOWN]:
            self.screen.folded(f"  {line}", hang=_HANG)
        self._more(len(lines))

    def _more(self, count: int) -> None:
        if count > SHOWN:
            self.screen.line(f"  … and {count - SHOWN:,} more; -o json lists all", "dim")

    def _moment(self, at_ms: int, beside_ms: int | None = None) -> str:
        return moment(at_ms, self._zone, now_ms=self._now_ms, beside_ms=beside_ms)


def span_text(span_ms: int) -> str:
    """How long something takes; to the second where that is long, since a hold may end at any millisecond."""
    return format_duration(span_ms if span_ms < _LONG_MS else round(span_ms, -3))


def slots_text(sourced: Sourced) -> str:
    """How many runs at once, in words."""
    scenario = sourced.scenario
    every = "no limit" if scenario.slots is None else f"{scenario.slots}"
    if scenario.crews is not None:
        every = _crews_text(scenario.crews)
    own = [f"{name} {slots}" for name, slots in scenario.queues.items()]
    return ", ".join([*own, f"others {every}"]) if own else every


def _crews_text(crews: Sequence[Crew]) -> str:
    """Who works, in words: ``2 workers with 8 slots, as they are now``."""
    workers, slots = sum(len(crew.workers) for crew in crews), sum(crew.slots or 0 for crew in crews)
    counted = ((workers, "worker"), (slots, "slot"))
    said = " with ".join(f"{count:,} {word}{'s' if count != 1 else ''}" for count, word in counted)
    return f"{said}, as they are now"


def remarks(sourced: Sourced) -> list[str]:
    """What else of the store shapes it: what rules queues, and what nobody serves."""
    rules = [
        f"{queue} {', '.join(words)}"
        for queue, rule in sorted(sourced.scenario.rules.items())
        if (words := _rule(rule))
    ]
    found = [f"queues {' · '.join(rules)}"] if rules else []
    if sourced.unserved:
        names = ", ".join(sourced.unserved[:SHOWN]) + (", …" if len(sourced.unserved) > SHOWN else "")
        found.append(f"No worker serves {names}: what comes there does not start.")
    if sourced.is_unstaffed:
        found.append("No worker is alive, so slots are taken to have no limit.")
    if sourced.is_unscheduled:
        found.append("No scheduler is alive; it is taken that one comes now.")
    return found


def _rule(rule: QueueRule) -> list[str]:
    said = [f"{rule.limit} at once"] if rule.limit is not None else []
    if rule.rate is not None:
        said.append(f"{rule.rate[0]} in {format_duration(rule.rate[1])}")
    if rule.aging_ms is not None:
        said.append(f"aging {format_duration(rule.aging_ms)}")
    return said


def summary(load: Load) -> str:
    """What it came to, as a sentence."""
    counts = [(load.failed, "failed"), (load.unfinished, "not begun"), (load.late, "late")]
    counts += [(load.count(state), state) for state in ("skipped", "missed", "held")]
    parts = [f"{load.runs:,} run{'s' if load.runs != 1 else ''}"]
    parts += [f"{count:,} {word}" for count, word in counts if count]
    waited = f"waited {span_text(load.waited_ms)} in all" if load.waited_ms else "no waits"
    return f"{', '.join([*parts, waited])}."


def wait_text(wait: Waiting, moment_of: Moment) -> str:
    """Who waited for what, how long, and since when at worst."""
    what = {
        "slot": f"a slot of {wait.name}",
        "limit": f"the limit of queue {wait.name}",
        "rate": f"the rate of queue {wait.name}",
        "lock": f"lock {wait.name}, held by {wait.by}",
        "turn": "the run before it",
        "hold": f"the hold on {scope_text(wait.name)} to end",
    }[wait.cause]
    often = f"{wait.count:,} times, up to " if wait.count > 1 else ""
    longest = span_text(wait.longest_ms)
    return f"{wait.address}   {often}{longest} for {what}, {moment_of(wait.at_ms, None)}"


def stuck_text(stuck: Stuck, moment_of: Moment) -> str:
    """Whose runs had not begun by the end, and what for."""
    often = f"{stuck.count:,} times, " if stuck.count > 1 else ""
    return f"{stuck.address}   {often}{stuck.reason}, since {moment_of(stuck.since_ms, None)}"


def miss_text(miss: DeadlineMiss, moment_of: Moment) -> str:
    """Whose runs were not over in time, and by how much at worst."""
    often = f"{miss.count:,} times" if miss.count > 1 else "once"
    worst = (
        ""
        if miss.over_ms is None
        else f", {'up to ' if miss.count > 1 else ''}{span_text(miss.over_ms)} late"
    )
    return f"{miss.address}   {often}{worst}, {moment_of(miss.nominal_ms, None)}"


def silence_text(silence: Silence, moment_of: Moment) -> str:
    """Whose runs did not end well for too long, and how long beyond that at worst."""
    often = f"{silence.count:,} times, up to " if silence.count > 1 else ""
    since = moment_of(silence.since_ms, None)
    return f"{silence.address}   {often}{span_text(silence.longest_ms)} overdue, from {since}"


def passed_text(passed: PassedOver, moment_of: Moment) -> str:
    """What was passed over, why and when."""
    why = {
        "overlap": "still running",
        "no scheduler looked in time": "no scheduler ran",
    }.get(passed.reason, passed.reason.removeprefix("after: "))
    often = f" {passed.count:,} times" if passed.count > 1 else ""
    when = moment_of(passed.first_ms, None)
    until = f" to {moment_of(passed.last_ms, passed.first_ms)}" if passed.last_ms != passed.first_ms else ""
    return f"{passed.address}   {passed.state}{often}: {why}, {when}{until}"


def _days(hours: Sequence[Slice]) -> list[Slice]:
    """Twenty-four hours made one."""
    found = []
    for first in range(0, len(hours), 24):
        day = hours[first : first + 24]
        found.append(
            Slice(
                day[0].from_ms,
                sum(hour.made for hour in day),
                max(hour.running for hour in day),
                max(hour.waiting for hour in day),
                sum(hour.busy_ms for hour in day),
            )
        )
    return found
