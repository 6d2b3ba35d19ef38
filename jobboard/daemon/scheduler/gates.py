"""What a scheduler works out for a job with a gate: when it is due, and what its run waits for.

The rules are `core.jobs.gate`'s; here the store is asked about the other jobs. The script that carries it out
refuses it where one of them has changed or has ended a run since, and the job is claimed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs import gate
from jobboard.core.jobs.depend import line_of
from jobboard.core.runs.run import Gate, GateAsk
from jobboard.core.times.instant import format_instant
from jobboard.store.runs.kin import read_kin, read_standing

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec
    from jobboard.core.times.schedule import Schedule
    from jobboard.store.calls.connect import Store


class Gatekeeper:
    """What a job with a gate asks, as things stand now.

    Args:
        store: Where the other jobs are.
        address: The job.
        spec: Its definition in force.
        schedule: That of the definition.

    Attributes:
        schedule: Of its nominals, due when the last of the jobs it waits for is.
    """

    def __init__(self, store: Store, address: str, spec: Spec, schedule: Schedule) -> None:
        self._store = store
        self._needs = gate.needs_of(spec)
        self._kin = read_kin(store, [need.parent for need in self._needs])
        self.schedule: Schedule = (
            gate.windows_of(address, spec, self._kin.specs) if gate.is_windowed(spec) else schedule
        )

    def gate_of(self, nominal_ms: int) -> Gate:
        """What the run of a nominal waits for."""
        next_ms = self.schedule.next_after(nominal_ms)
        until_ms = None if next_ms is None else self.schedule.due(next_ms)
        told: dict[str, int] = {}
        asks: list[GateAsk] = []
        vain = None
        for need in self._needs:
            asked, told[need.parent] = self._ask(need, nominal_ms)
            if asked.vain and need.on_timeout != "run":
                why = f"{'after' if need.strict else 'needs'}: {need.parent} {asked.why}"
                vain = vain or (need.on_timeout, why)
            elif asked.left and not asked.vain:
                asks.append(_packed(asked, None if need.strict else until_ms))
        return Gate(tuple(self._kin.epochs.items()), tuple(told.items()), tuple(asks), vain)

    def _ask(self, need: gate.Need, nominal_ms: int) -> tuple[gate.Ask, int]:
        specs = self._kin.specs
        theirs = gate.nominals_of(need.parent, specs)
        span = gate.span_of(need, self.schedule, nominal_ms, theirs)
        line = line_of(need.parent, specs)
        now = read_standing(self._store, need.parent, line, span.low_ms, span.high_ms)
        is_off = any(specs.get(address, {}).get("enabled") is False for address in line)

        def may_come(asked_ms: int) -> bool:
            undecided = any(
                now.cursors.get(address, -1) < asked_ms
                for address in line
                if "schedule" in specs.get(address, {})
            )
            return now.is_busy or format_instant(asked_ms) in now.live or (undecided and not is_off)

        return gate.ask(need, span, theirs, now.known.get, may_come), now.told


def _packed(asked: gate.Ask, until_ms: int | None) -> GateAsk:
    need, span = asked.need, asked.span
    text = f"{need.parent}@{format_instant(span.high_ms)}"
    if span.high_ms - span.low_ms > 1:
        text = need.parent
    return GateAsk(
        parent=need.parent,
        low_ms=span.low_ms,
        high_ms=span.high_ms,
        left=asked.left,
        open=asked.open,
        on=need.on,
        strict=need.strict,
        timeout_ms=need.timeout_ms,
        until_ms=until_ms if need.timeout_ms is None else None,
        policy=need.on_timeout,
        shown=text,
    )
