"""What a plan would do to load and waits: all jobs played as they are, and as they would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard.cli import scenario
from jobboard.cli.screen import moment
from jobboard.cli.simulate_text import SHOWN, passed_text, remarks, slots_text, span_text, wait_text
from jobboard.core.jobs.model import Definition
from jobboard.core.jobs.override import laid
from jobboard.core.simulation.load import Peak, load_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from jobboard.cli.scenario import Sourced
    from jobboard.cli.screen import Screen
    from jobboard.core.plans.plan import Plan
    from jobboard.core.simulation.load import Load, PassedOver, Waiting
    from jobboard.core.simulation.simulate import Passing
    from jobboard.core.simulation.standing import Standing
    from jobboard.store.calls.connect import Store


_PASSED: Sequence[Passing] = ("skipped", "missed", "held")


@dataclass(frozen=True, slots=True)
class Outlook:
    """Both sides, and the circumstances they share."""

    before: Load
    after: Load
    sourced: Sourced

    def new_waits(self) -> list[Waiting]:
        """Waits afterwards that there are none of now, or shorter ones."""
        known = {(w.address, w.cause, w.name): w.longest_ms for w in self.before.waits}
        return [w for w in self.after.waits if w.longest_ms > known.get((w.address, w.cause, w.name), 0)]

    def new_passed(self) -> list[PassedOver]:
        """What is passed over more often afterwards than now."""
        known = {(p.address, p.state, p.reason): p.count for p in self.before.passed}
        return [p for p in self.after.passed if p.count > known.get((p.address, p.state, p.reason), 0)]


def foresee(args: argparse.Namespace, store: Store, plan: Plan, now_ms: int) -> Outlook:
    """Play every job of the namespace, as it is and as it would be.

    Args:
        args: The options of `scenario_options.add_options`.
        store: Where the jobs are.
        plan: What would change.
        now_ms: The store's time.

    Raises:
        errors.UsageError: An option makes no sense, or it would take too long.
    """
    from jobboard.store.views.usual import live_definitions

    before = live_definitions(store)
    after = dict(before)
    for change in plan.changes:
        was = change.before
        if change.source is not None:
            after.pop(change.source, None)
        if change.after is None:
            after.pop(change.address, None)
        elif was is None:
            after[change.address] = Definition(0, 0, 0, change.after, change.after)
        else:
            after[change.address] = replace(was, spec=change.after)
    jobs = {address: laid(definition) for address, definition in {**before, **after}.items()}
    sourced = scenario.scenario_of(args, jobs, now_ms, store)
    sourced = scenario.from_store(sourced, store, now_ms, jobs)
    played = sourced.scenario
    changed = replace(played, standing=_moved(played.standing, plan))
    first = load_of(scenario.play_definitions(before, played))
    return Outlook(first, load_of(scenario.play_definitions(after, changed)), sourced)


def _moved(standing: Standing, plan: Plan) -> Standing:
    """How things stand once a plan was applied: a schedule that moves counts from now on."""
    cursors = dict(standing.cursors)
    for change in plan.changes:
        if change.source is not None and change.source in cursors:
            cursors[change.address] = cursors.pop(change.source)
        if change.moves_schedule:
            cursors.pop(change.address, None)
    return replace(standing, cursors=cursors)


def outlook_json(outlook: Outlook) -> dict[str, Any]:
    """Both sides for programs."""
    from jobboard.cli.simulate_json import circumstances_json, load_json

    return {
        "before": load_json(outlook.before),
        "after": load_json(outlook.after),
        "circumstances": circumstances_json(outlook.sourced),
    }


def write_outlook(screen: Screen, outlook: Outlook, zone: str | None = None) -> None:
    """Both sides for people: the figures side by side, then what is new; times in a zone, else UTC."""

    def moment_of(at_ms: int, beside_ms: int | None) -> str:
        return moment(at_ms, zone, now_ms=outlook.before.from_ms, beside_ms=beside_ms)

    before, after = outlook.before, outlook.after
    hours = f"{before.span_hours:g}h"
    screen.line()
    screen.folded(f"Simulated: {hours} from {moment_of(before.from_ms, None)}", "bold")
    screen.folded(f"slots {slots_text(outlook.sourced)} · durations {outlook.sourced.sources}", "dim")
    for remark in remarks(outlook.sourced):
        screen.folded(remark, "dim")
    rows = [
        ["runs", f"{before.runs:,}", f"{after.runs:,}"],
        ["failed", f"{before.failed:,}", f"{after.failed:,}"],
        *([state, *(f"{load.count(state):,}" for load in (before, after))] for state in _PASSED),
        ["waited in all", span_text(before.waited_ms), span_text(after.waited_ms)],
        ["most at once", _peak(before.running, moment_of), _peak(after.running, moment_of)],
    ]
    nothing = Peak(0, before.from_ms)
    for name in sorted({*before.queues, *after.queues}):
        sides = (load.queues.get(name, nothing) for load in (before, after))
        rows.append([f"longest queue {name}", *(_peak(side, moment_of) for side in sides)])
    screen.table(
        ["", "now", "afterwards"], [row for row in rows if row[0] == "runs" or set(row[1:]) != {"0"}]
    )
    _list(screen, "New or longer waits", [wait_text(wait, moment_of) for wait in outlook.new_waits()])
    _list(screen, "Newly passed over", [passed_text(one, moment_of) for one in outlook.new_passed()])


def _peak(peak: Peak, moment_of: Callable[[int, int | None], str]) -> str:
    return f"{peak.count:,}, {moment_of(peak.at_ms, None)}" if peak.count else "0"


def _list(screen: Screen, head: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    screen.line(head, "dim")
    for line in lines[:SHOWN]:
        screen.folded(f"  {line}", hang=6)
    if len(lines) > SHOWN:
        screen.line(f"  … and {len(lines) - SHOWN:,} more; -o json lists all", "dim")
