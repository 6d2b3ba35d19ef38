"""The scheduler: claims what is due, works out what that means, and has the store carry it out.

Any number may run at once and none of them leads. The store hands a due job to one scheduler for five
seconds; if that one dies, the job is due again. What a claimed job's schedule says is computed here, by pure
functions, and carried out by one script that refuses it if the job has changed meanwhile. So nothing fires
twice, and a scheduler that is killed anywhere costs at most those five seconds.

It never polls for due jobs: it sleeps until shortly before the next instant it was told, claims and computes
what is due then, and sleeps for the rest, so that only the firing is left when the instant strikes. A token
on ``wake:scheduler`` wakes it when something earlier turns up. Once a second it lets the store do what time
alone brings about.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.jobs.meaning import zone_version
from jobboard.core.jobs.model import seed_of
from jobboard.core.jobs.override import laid
from jobboard.core.runs.misfire import decide, lateness_of
from jobboard.core.runs.run import Firing
from jobboard.core.times.instant import format_instant
from jobboard.core.times.schedule import Schedule, compile_schedule
from jobboard.daemon.scheduler.storeclock import StoreClock
from jobboard.store.boards.codec import decode_definition
from jobboard.store.boards.retiming import heed_zone_data
from jobboard.store.boards.staging import drain
from jobboard.store.calls.listen import Listener
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.runs import CLAIM_LEASE_MS, CLAIMED, Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.misfire import Decision, Lateness
    from jobboard.daemon.scheduler.gates import Gatekeeper
    from jobboard.daemon.system.announce import Announcer
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import ClaimedJob, Volley

_log = logging.getLogger(__name__)

TICK_S = 1.0
LEAD_MS = 25
"""How long before it is due a job is claimed: enough for an answer of the store on a busy machine."""

CLAIM_S = CLAIM_LEASE_MS / 1000
"""The longest sleep: the scheduler that took the token for something earlier may have died with it."""
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_REMEMBERED = 100_000
_BEYOND_US_MS = 60_000


class Scheduler:
    """One scheduler of a namespace.

    Args:
        store: The namespace; the scheduler opens connections of its own.
        name: Unique among all that run.
        announcer: Tells the system what it does; None for nobody.
    """

    def __init__(self, store: Store, *, name: str, announcer: Announcer | None = None) -> None:
        self._store = store.again()
        # A connection that nothing but calls goes over does without the client library, which takes its time.
        self._calling = store.again()
        self._runs = Runs(self._calling)
        self._name = name
        self._announcer = announcer
        self._announced = False
        self._clock = StoreClock()
        self._nudged = threading.Event()
        self._known: dict[str, tuple[int, Schedule | None, Lateness]] = {}
        self._hand: deque[tuple[int, Volley]] = deque()
        self._following_ms: int | None = None
        self._tick_at_s = self._claim_at_s = 0.0
        self._fire_at_s = math.inf
        self._zones_heeded = False

    def run(self, stop: threading.Event) -> None:
        """Schedule until `stop` is set. An outage of the store is waited out."""
        listener = Listener(self._store, [self._store.key("wake", "scheduler")])
        ear = threading.Thread(target=self._listen, args=(listener, stop), name="scheduler-ear")
        waiter = threading.Thread(target=self._await, args=(listener, stop), name="scheduler-stop")
        ear.start()
        waiter.start()
        try:
            self._loop(stop)
        finally:
            if self._announcer is not None:
                self._announcer.stopping()
            stop.set()
            waiter.join()
            ear.join()
            with suppress(errors.StoreUnreachable, errors.StoreRefused):
                self._runs.resign(self._name)
            self._calling.close()
            self._store.close()

    def _loop(self, stop: threading.Event) -> None:
        pause_s = 0.0
        while not stop.is_set():
            self._stay_alive()
            try:
                self.turn()
            except (errors.StoreUnreachable, errors.StoreRefused) as error:
                if not pause_s:
                    _log.warning("The store is away: %s", error, extra={"action": "outage"})
                pause_s = min(2 * pause_s or _FIRST_PAUSE_S, _LONGEST_PAUSE_S)
                self._tick_at_s = self._claim_at_s = 0.0
                stop.wait(pause_s)
                continue
            if pause_s:
                pause_s = 0.0
                _log.warning("The store is back", extra={"action": "outage over"})
            self._announce()
            next_at_s = min(self._tick_at_s, self._claim_at_s, self._fire_at_s)
            self._nudged.wait(max(0.0, next_at_s - monotonic_s()))

    def _announce(self) -> None:
        """Say once that it schedules."""
        if self._announcer is not None and not self._announced:
            self._announced = True
            self._announcer.ready()

    def _stay_alive(self) -> None:
        """Say that it is not stuck: it turns every second, unless it waits for an answer of the store."""
        if self._announcer is not None and self._announcer.alive_every_s is not None:
            self._announcer.alive()

    def turn(self) -> None:
        """Do everything that is due now, then know when to come back."""
        if not self._zones_heeded:
            self._heed_zones()
        if self._nudged.is_set():
            self._nudged.clear()
            self._tick_at_s = self._claim_at_s = 0.0
        if monotonic_s() >= self._claim_at_s:
            self._claim()
        if monotonic_s() >= self._fire_at_s:
            self._fire()
        if monotonic_s() >= self._tick_at_s:
            self._tick()

    def _heed_zones(self) -> None:
        """Have jobs due as the time zone data at hand say, if those are newer than what was gone by."""
        moved = heed_zone_data(self._store, zone_version())
        self._zones_heeded = True
        if moved is not None:
            _log.warning(
                "Time zone data %s: %d jobs are due at other instants",
                zone_version(),
                moved,
                extra={"action": "zone data"},
            )

    def _claim(self) -> None:
        """Take in hand what is due now or soon, in place of what was in hand, and have its firing ready."""
        sent_s = monotonic_s()
        claimed = self._runs.claim(self._name, ahead_ms=LEAD_MS)
        now_ms = self._clock.observe(claimed.now_ms, sent_s, monotonic_s())
        dues = [claimed.next_at_ms] if claimed.next_at_ms is not None else []
        self._hand.clear()
        entries = sorted(claimed.entries, key=attrgetter("due_ms"))
        for at_ms, group in groupby(entries, lambda entry: max(entry.due_ms, now_ms)):
            due = list(group)
            firings = [self._judge(entry, at_ms) for entry in due]
            dues += [firing.next_due_ms for firing in firings if firing.next_due_ms is not None]
            # Not at the instant it is judged for: that is ahead of a clock that was set back.
            self._hand.append((due[-1].due_ms, self._runs.firing(self._name, firings)))
        if len(claimed.entries) == CLAIMED:
            dues.append(0)
        self._following_ms = min(dues, default=None)
        self._look_ahead()

    def _fire(self) -> None:
        """Carry out what of it is due."""
        tags: set[str] = set()
        while self._hand and self._at_s(self._hand[0][0]) <= monotonic_s():
            _, volley = self._hand.popleft()
            tags.update(tag for tag, _ in volley())
        self._look_ahead()
        if "STALE" in tags:
            # It may be stale by the end of an override, which a tick takes off.
            self._tick_at_s = self._claim_at_s = 0.0

    def _look_ahead(self) -> None:
        """Know when to fire what is in hand, and to claim: once there is nothing, or once that is lost."""
        self._claim_at_s = monotonic_s() + CLAIM_S
        self._fire_at_s = self._at_s(self._hand[0][0]) if self._hand else math.inf
        if not self._hand and self._following_ms is not None:
            self._claim_at_s = min(self._claim_at_s, self._at_s(self._following_ms - LEAD_MS))

    def _tick(self) -> None:
        sent_s = monotonic_s()
        tick = self._runs.tick(self._name, zone_version())
        self._clock.observe(tick.now_ms, sent_s, monotonic_s())
        self._tick_at_s = monotonic_s() + TICK_S
        if tick.next_at_ms is not None:
            self._tick_at_s = min(self._tick_at_s, self._at_s(tick.next_at_ms))
        if tick.unsettled:
            drain(self._store)
            self._claim_at_s = 0.0
        if tick.ended:
            self._take_off(tick.ended)
            self._claim_at_s = 0.0

    def _take_off(self, addresses: Sequence[str]) -> None:
        """Overrides end by themselves: the definitions under them are in force again."""
        from jobboard.reconcile.overriding import take_off_ended

        for address in addresses:
            try:
                take_off_ended(self._store, address, actor=self._name)
            except (errors.Stale, ValueError) as error:
                # Others write to it, or it is beyond this version: the next tick names it again.
                _log.warning("%s keeps its override: %s", address, error, extra={"action": "override kept"})

    def _at_s(self, instant_ms: int) -> float:
        """When, on our monotonic clock, a call is to be sent that the store carries out at the instant."""
        now_s = monotonic_s()
        return now_s + self._clock.until_s(instant_ms, now_s)

    def _judge(self, entry: ClaimedJob, now_ms: int) -> Firing:
        """What is to be done for a claimed job; one that is beyond this version is looked at again later."""
        epoch, _, _, facts, *_ = unpack(entry.definition)
        try:
            schedule, lateness = self._schedule_of(entry, epoch)
            gates = self._gates_of(entry, schedule) if schedule is not None and "n" in facts else None
        except ValueError as error:
            _log.error("%s cannot be scheduled: %s", entry.address, error, extra={"action": "unscheduled"})
            return Firing(entry.address, epoch, None, now_ms + _BEYOND_US_MS)
        if schedule is None:
            return Firing(entry.address, epoch, None, None)
        cursor_ms = entry.cursor_ms
        if cursor_ms is None:
            nominal_ms = schedule.prev_at(entry.due_ms)
            cursor_ms = (entry.due_ms if nominal_ms is None else nominal_ms) - 1
        if "i" in facts:
            # Nothing is due before what was decided: where the clock went back, it goes on from there.
            schedule = schedule.anchored(max(entry.due_ms, cursor_ms + 1))
        if gates is not None:
            schedule = gates.schedule
        return _firing(entry.address, epoch, schedule, decide(schedule, cursor_ms, now_ms, lateness), gates)

    def _gates_of(self, entry: ClaimedJob, schedule: Schedule) -> Gatekeeper:
        """What knows the gates of a job that has some; its schedule knows when they are due."""
        from jobboard.daemon.scheduler.gates import Gatekeeper

        return Gatekeeper(self._store, entry.address, laid(decode_definition(entry.definition)), schedule)

    def _schedule_of(self, entry: ClaimedJob, epoch: int) -> tuple[Schedule | None, Lateness]:
        """A job's schedule, None if it has none, and what late means; computed once for each epoch."""
        known = self._known.get(entry.address)
        if known is None or known[0] != epoch:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            spec = laid(decode_definition(entry.definition))
            value = spec.get("schedule")
            schedule = compile_schedule(value, seed_of(entry.address, spec)) if value else None
            known = self._known[entry.address] = (epoch, schedule, lateness_of(spec))
        return known[1:]

    def _listen(self, listener: Listener, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if listener.wait(30.0):
                    self._nudged.set()
            except (errors.StoreUnreachable, errors.StoreRefused):
                # The loop meets the same outage and says so; here it is enough not to spin.
                stop.wait(_FIRST_PAUSE_S)

    def _await(self, listener: Listener, stop: threading.Event) -> None:
        stop.wait()
        listener.close()
        self._nudged.set()


def _firing(
    address: str, epoch: int, schedule: Schedule, decision: Decision, gates: Gatekeeper | None = None
) -> Firing:
    nominal_ms, missed = decision.nominal_ms, decision.missed
    return Firing(
        address=address,
        epoch=epoch,
        cursor_ms=decision.cursor_ms,
        next_due_ms=decision.next_due_ms,
        nominal_ms=nominal_ms,
        text="" if nominal_ms is None else format_instant(nominal_ms),
        due_ms=None if nominal_ms is None else schedule.due(nominal_ms),
        missed=(missed.count, missed.first_ms, missed.last_ms, missed.reason) if missed else None,
        backlog=tuple((one, format_instant(one), schedule.due(one)) for one in decision.backlog_ms),
        gate=gates.gate_of(nominal_ms) if gates is not None and nominal_ms is not None else None,
        gates=tuple(map(gates.gate_of, decision.backlog_ms)) if gates is not None else (),
    )
