"""Runs a second of one worker process of ours beside those of seven task queues, on one server.

There are three heats, as a run is more than a call: functions within the worker, where ours does what the
store does for a run and makes no process; functions, each in a process of its own; programs. The others are
installed in environments of their own (`contest.environments`); who cannot be, or fails, is named with the
reason, and the rest is measured. Rounds take turns, so that a machine that drifts does so for all.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contest.drain import Broken, Drain, drain
from bench.contest.environments import LOCKS, Missing, python_of
from bench.contest.roster import HEATS
from bench.measure import own_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.contest.roster import Contestant, Heat
    from jobboard.store.calls.connect import Store

ROUNDS = 3
ENOUGH_S = 120
"""No round begins later than this."""

WIDTH = 98


class Standing:
    """What is known of one contestant in one heat.

    Attributes:
        drains: What was measured.
        broken: Why no more was.
    """

    def __init__(self) -> None:
        self.drains: list[Drain] = []
        self.broken = ""

    @property
    def middle(self) -> Drain | None:
        """The median of each figure; None where nothing was measured or it broke."""
        if self.broken or not self.drains:
            return None
        return Drain(*(statistics.median(column) for column in zip(*self.drains, strict=True)))


def main() -> None:
    """Measure and print."""
    pythons = installed()
    with own_store() as (store, _):
        standings, rounds = measured(store, HEATS, pythons)
    print(f"medians of rounds: {rounds}; ratio: jobboard's rate by the other's; µs: of processors, for a run")
    for heat, standing in zip(HEATS, standings, strict=True):
        print(*table(heat, standing), sep="\n")


def installed(python_of: Callable[[str], Path] = python_of) -> dict[str | None, Path]:
    """The interpreters there are, by lock; says which are missing."""
    found: dict[str | None, Path] = {None: Path(sys.executable)}
    for lock in LOCKS:
        try:
            found[lock] = python_of(lock)
        except Missing as missing:
            names = {one.name for heat in HEATS for one in heat.contestants if one.lock == lock}
            print(f"not measured: {', '.join(sorted(names))}: {missing}", flush=True)
    return found


def measured(
    store: Store, heats: Sequence[Heat], pythons: dict[str | None, Path], rounds: int = ROUNDS
) -> tuple[list[dict[Contestant, Standing]], int]:
    """All heats, again and again while there is time; and how often."""
    standings = [{one: Standing() for one in heat.contestants if one.lock in pythons} for heat in heats]
    began_s = time.monotonic()
    done = 0
    while done < rounds and (not done or time.monotonic() - began_s < ENOUGH_S):
        for heat, standing in zip(heats, standings, strict=True):
            for contestant, known in standing.items():
                if not known.broken:
                    _run(store, heat, contestant, pythons[contestant.lock], known)
        done += 1
    return standings, done


def _run(store: Store, heat: Heat, contestant: Contestant, python: Path, known: Standing) -> None:
    with tempfile.TemporaryDirectory() as home:
        try:
            known.drains.append(drain(store, heat, contestant, python, Path(home)))
        except Broken as broken:
            known.broken = str(broken)


def table(heat: Heat, standing: dict[Contestant, Standing]) -> Iterable[str]:
    """Lines of at most `WIDTH` columns."""
    yield f"\n{heat.runs:,} {heat.title}"
    yield f"{'':8} {'':24} {'runs/s':>7} {'ratio':>6} {'µs':>7} {'trips':>6} {'commands':>8}  keeps"
    ours = standing[heat.contestants[0]].middle
    for contestant, known in standing.items():
        who = f"{contestant.name:8} {contestant.setting:24}"
        middle = known.middle
        if middle is None:
            yield f"{who} broken: {known.broken}"[:WIDTH]
            continue
        ratio = f"{ours.per_s / middle.per_s:.2f}" if ours else ""
        figures = f"{middle.per_s:7,.0f} {ratio:>6} {middle.processor_us:7,.0f}"
        yield f"{who} {figures} {middle.trips:6.2f} {middle.commands:8.1f}  {contestant.keeps}"


if __name__ == "__main__":
    main()
