"""Jobs of a simulation that would fall silent: none of their runs ends well for as long as they are to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.simulate import Scenario, Simulation


@dataclass(frozen=True, slots=True)
class Silence:
    """How often and how long a job was overdue, as its ``expected_every`` says.

    Attributes:
        count: How often.
        longest_ms: The longest, up to the next run that ended well, or to the end of what is simulated.
        since_ms: When that began.
    """

    address: str
    count: int
    longest_ms: int
    since_ms: int


def silences(simulation: Simulation) -> list[Silence]:
    """The jobs that were overdue, the longest first; each is taken to have ended well at the beginning."""
    ended: dict[str, list[int]] = defaultdict(list)
    for run in simulation.runs:
        if run.state == "ok" and run.ended_at_ms is not None:
            ended[run.address].append(run.ended_at_ms)
    found = []
    for address, spec in simulation.jobs.items():
        if "expected_every" in spec and spec.get("enabled", True):
            spells = list(_spells(address, spec, sorted(ended[address]), simulation.scenario))
            if spells:
                longest_ms, since_ms = max((until - since, -since) for since, until in spells)
                found.append(Silence(address, len(spells), longest_ms, -since_ms))
    return sorted(found, key=lambda silence: (-silence.longest_ms, silence.address))


def _spells(
    address: str, spec: Spec, ended_ms: Sequence[int], scenario: Scenario
) -> Iterator[tuple[int, int]]:
    """From when to when it was overdue; as `watch_over` has it, a job that is held has its span anew."""
    span_ms: int = spec["expected_every"]
    holds = scenario.holds_on(address, spec)
    last_ms = scenario.from_ms
    for next_ms in (*ended_ms, scenario.until_ms):
        due_ms = last_ms + span_ms
        while any(hold.covers(due_ms) for hold in holds) and due_ms < scenario.until_ms:
            due_ms += span_ms
        if due_ms < min(next_ms, scenario.until_ms):
            yield due_ms, min(next_ms, scenario.until_ms)
        last_ms = next_ms
