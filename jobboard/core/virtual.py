"""The run path in virtual time: the same rules as the store's scripts, on a heap of events in memory.

It follows `fire`, `reserve` and `finish` and what they include, step by step: strict priority and then age in
each queue; locks all or none, a run that misses one parked there at its old place; overlap counted over every
unfinished run; children decided by the end of their parent, for its nominal. Those scripts are the authority:
`tests/integration/test_simulated_day.py` holds a simulated day to a real one, run for run.
"""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections import defaultdict
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.contenders import Going, Job, Lock, Pool, Waiting
from jobboard.core.depend import line_of
from jobboard.core.gate import ask, nominals_of, span_of, windows_of
from jobboard.core.misfire import Missed, decide
from jobboard.core.retry import Verdict, judge
from jobboard.core.simulate import CALLED_OFF, NOT_STARTED, Passed, VirtualRun, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.model import Spec
    from jobboard.core.simulate import Passing, Scenario

    # Instant, kind, place among those of one kind at one instant, what it is about. The place is a round, the
    # instant it should have been, and what tells it from others: a scheduler claims all that is due, the
    # longest due first, and fires that before it claims again.
    _Event: TypeAlias = tuple[int, int, tuple[int, int, int], Any]

    # How a run may be made: at once, behind all that is unfinished, there in the one place, or instead of it.
    _Turn: TypeAlias = Literal["now", "line", "latest", "replace"]

_EXPIRE, _LAPSE, _LATE, _FIRE, _PROMOTE, _END = range(6)
_DEEPEST = 100
"""A chain of dependents this deep is a circle that live edits closed; the store stops there too."""
_LINE = 100
"""How many runs of a job may wait for its own unfinished runs."""
_OK = Verdict("ok", 0, "")
_REPLACED = Verdict("cancelled", 0, "replaced by a newer run")
_TOO_LATE = Verdict("cancelled", 0, CALLED_OFF)


class RunPath:
    """One simulation; `play` it once.

    Args:
        jobs: Definitions by address.
        scenario: The circumstances.

    Attributes:
        runs, passed: See `Simulation`; complete once it was played.
    """

    def __init__(self, jobs: Mapping[str, Spec], scenario: Scenario) -> None:
        self.runs: list[VirtualRun] = []
        self.passed: list[Passed] = []
        self._scenario = scenario
        self._downtimes = sorted((down.from_ms, down.until_ms) for down in scenario.downtimes)
        self._events: list[_Event] = []
        self._now_ms = scenario.from_ms
        self._sequence = 0
        self._dropped = False
        self._round = -1
        self._locks: dict[str, Lock] = {}
        self._roomy: dict[Lock, None] = {}
        self._busy: dict[Pool, None] = {}
        shared = Pool(scenario.slots)
        self._specs = jobs
        self._pools = defaultdict(lambda: shared, {q: Pool(slots) for q, slots in scenario.queues.items()})
        self._prepare({a: spec for a, spec in sorted(jobs.items()) if spec.get("enabled", True)})

    def _prepare(self, specs: Mapping[str, Spec]) -> None:
        known = {address: Job(address, spec, self._scenario) for address, spec in specs.items()}
        for order, job in enumerate(known.values()):
            job.order = order
            job.pool = self._pools[job.queue]
            job.locks = tuple(
                (self._lock(name), capacity) for name, capacity in sorted(job.spec.get("locks", {}).items())
            )
            if job.needs:
                self._gate(job, specs, known)
            for parent in () if job.needs else job.parents:
                if parent in known:
                    known[parent].children.append(job)
            if job.schedule is not None and not (job.limit is not None and job.used >= job.limit):
                self._expect(job)
        heapify(self._events)

    def _gate(self, job: Job, specs: Mapping[str, Spec], known: Mapping[str, Job]) -> None:
        """Have the jobs that one waits for tell it how their runs end."""
        if job.parents:
            job.schedule = windows_of(job.address, job.spec, specs)
        for need in job.needs:
            if (parent := known.get(need.parent)) is not None:
                job.asked.append(parent)
                parent.asking.append(job)
                above = line_of(need.parent, specs)
                parent.above = tuple(known[address] for address in above if address in known)

    def _lock(self, name: str) -> Lock:
        return self._locks.setdefault(name, Lock(name))

    # ---- time

    def play(self) -> None:
        """Let everything happen, to the end of the last run."""
        was_enabled = gc.isenabled()
        # Nothing made on the way is garbage in a circle, and looking for some takes half the time.
        gc.disable()
        try:
            self._play()
        finally:
            if was_enabled:
                gc.enable()
        if self._dropped:
            self.runs = [run for run in self.runs if run.state != "skipped"]

    def _play(self) -> None:
        events = self._events
        while events:
            now_ms = self._now_ms = events[0][0]
            while events and events[0][0] == now_ms:
                _, kind, (claimed, due_ms, _), subject = heappop(events)
                if kind == _FIRE:
                    self._round = claimed
                    self._look(subject, due_ms)
                elif kind == _LAPSE:
                    self._lapse(subject)
                elif kind == _EXPIRE:
                    self._expire(subject)
                elif kind == _LATE:
                    self._call_off(subject)
                elif kind == _END:
                    self._end(subject)
                else:
                    self._promote(subject, due_ms)
            self._reserve()

    def _expect(self, job: Job) -> None:
        """Have the job looked at when its next nominal is due."""
        assert job.schedule is not None
        nominal_ms = job.schedule.next_after(job.cursor_ms)
        job.next_ms = nominal_ms
        if nominal_ms is not None and nominal_ms < self._scenario.until_ms:
            due_ms = job.schedule.due(nominal_ms)
            at_ms, claimed = (due_ms, 0) if due_ms > self._now_ms else (self._now_ms, self._round + 1)
            heappush(self._events, (at_ms, _FIRE, (claimed, due_ms, job.order), job))

    def _back_at(self) -> int | None:
        """When a scheduler runs again; None if one does now."""
        index = bisect_right(self._downtimes, (self._now_ms, float("inf"))) - 1
        if index >= 0 and self._now_ms < self._downtimes[index][1]:
            return self._downtimes[index][1]
        return None

    # ---- the scheduler

    def _look(self, job: Job, due_ms: int) -> None:
        """Decide what is due of a job, as the scheduler and `fire` do."""
        if self._downtimes and (back_at_ms := self._back_at()) is not None:
            heappush(self._events, (back_at_ms, _FIRE, (0, due_ms, job.order), job))
            return
        schedule, nominal_ms = job.schedule, job.next_ms
        assert schedule is not None
        assert nominal_ms is not None
        if self._now_ms - due_ms > job.lateness.late_after_ms:
            decision = decide(schedule, job.cursor_ms, self._now_ms, job.lateness)
            job.cursor_ms = decision.cursor_ms
            if decision.missed is not None:
                self._miss(job, decision.missed)
            if decision.backlog_ms:
                self._catch_up(job, decision.backlog_ms)
            if decision.nominal_ms is not None and decision.nominal_ms < self._scenario.until_ms:
                self._fire(job, decision.nominal_ms, schedule.due(decision.nominal_ms))
        else:
            job.cursor_ms = nominal_ms
            self._fire(job, nominal_ms, due_ms)
        if job.delay_ms is not None and nominal_ms <= job.cursor_ms:
            self._pace(job)
        elif job.limit is None or job.used < job.limit:
            self._expect(job)

    def _pace(self, job: Job) -> None:
        """Have a job whose runs come a while after each other be due again; see `pace`."""
        if job.live or (job.limit is not None and job.used >= job.limit):
            return
        assert job.schedule is not None
        assert job.delay_ms is not None
        job.schedule = job.schedule.anchored(self._now_ms + job.delay_ms)
        self._expect(job)

    def _miss(self, job: Job, missed: Missed) -> None:
        state: Passing = "held" if job.is_held(missed.last_ms) else "missed"
        reason = "paused" if state == "held" else missed.reason
        self._pass(job, state, missed.last_ms, reason, missed)
        self._follow(job, missed.last_ms, state, missed)

    def _catch_up(self, job: Job, backlog_ms: Sequence[int]) -> None:
        """Make the runs of missed nominals, one behind the other; see `fire`."""
        assert job.schedule is not None
        surplus = max(0, len(backlog_ms) - _LINE + len(job.line))
        if surplus:
            too_many = Missed(surplus, backlog_ms[0], backlog_ms[surplus - 1], "its line of 100 is full")
            self._pass(job, "missed", too_many.last_ms, too_many.reason, too_many)
            self._follow(job, too_many.last_ms, "missed", too_many)
        for nominal_ms in backlog_ms[surplus:]:
            if job.limit is not None and job.used >= job.limit:
                return
            asks, (policy, vain) = self._asks(job, nominal_ms)
            if job.is_held(nominal_ms):
                self._pass(job, "held", nominal_ms, "paused")
                self._follow(job, nominal_ms, "held")
            elif policy == "skip":
                self._pass(job, "skipped", nominal_ms, vain)
                self._follow(job, nominal_ms, "skipped")
            elif nominal_ms < self._scenario.until_ms:
                due_ms = job.schedule.due(nominal_ms)
                if self._is_too_late(job, due_ms):
                    self._pass(job, "skipped", nominal_ms, NOT_STARTED)
                    self._follow(job, nominal_ms, "skipped")
                    continue
                if self._skip(job, nominal_ms):
                    self._follow(job, nominal_ms, "skipped")
                    continue
                job.used += 1
                run = VirtualRun(job.address, nominal_ms, due_ms, self._now_ms, "schedule")
                self._create(run, job, turn="line", caught_up=True, asks=asks)
                if policy == "fail":
                    self._doom(next(reversed(job.live)), policy, vain)

    def _fire(self, job: Job, nominal_ms: int, due_ms: int) -> None:
        if job.limit is not None and job.used >= job.limit:
            return
        asks, (policy, vain) = self._asks(job, nominal_ms) if job.needs else ([], ("", ""))
        why_not = vain if policy == "skip" else ""
        turn = self._admit(job, nominal_ms, NOT_STARTED if self._is_too_late(job, due_ms) else why_not)
        if turn is None:
            self._follow(job, nominal_ms, self.passed[-1].state)
            return
        job.used += 1
        run = VirtualRun(job.address, nominal_ms, due_ms, self._now_ms, "schedule")
        for replaced in self._create(run, job, turn, asks=asks):
            self._follow(job, replaced.run.nominal_ms, replaced.run.state)
        if policy == "fail":
            self._doom(next(reversed(job.live)), policy, vain)

    def _asks(self, job: Job, nominal_ms: int) -> tuple[list[Waiting], tuple[str, str]]:
        """What a run waits for at its gate; or what becomes of it, since it would wait in vain, and why.

        What was before the simulation is taken to have ended well.
        """
        assert job.schedule is not None
        next_ms = job.schedule.next_after(nominal_ms)
        next_due_ms = None if next_ms is None else job.schedule.due(next_ms)
        asks: list[Waiting] = []
        for need in job.needs:
            parent = next((above for above in job.asked if above.address == need.parent), None)
            theirs = nominals_of(need.parent, self._specs)
            span = span_of(need, job.schedule, nominal_ms, theirs)
            asked = ask(need, span, theirs, self._known(parent), self._may_come(parent))
            if asked.vain and need.on_timeout != "run":
                return [], (
                    need.on_timeout,
                    f"{'after' if need.strict else 'needs'}: {need.parent} {asked.why}",
                )
            until_ms = None if need.strict else next_due_ms
            if need.timeout_ms is not None:
                until_ms = self._now_ms + need.timeout_ms
            if asked.left and not asked.vain:
                asks.append(Waiting(asked, until_ms))
        return asks, ("", "")

    def _known(self, parent: Job | None) -> Callable[[int], str | None]:
        begin_ms = self._scenario.from_ms
        outcomes = {} if parent is None else parent.outcomes
        return lambda asked_ms: "ok" if asked_ms < begin_ms else outcomes.get(asked_ms)

    @staticmethod
    def _may_come(parent: Job | None) -> Callable[[int], bool]:
        above = () if parent is None else parent.above
        return lambda asked_ms: any(
            (job.schedule is not None and job.cursor_ms < asked_ms)
            or any(going.run.nominal_ms == asked_ms for going in job.live)
            for job in above
        )

    def _admit(
        self, job: Job, nominal_ms: int, why_not: str = "", span: Missed | None = None
    ) -> _Turn | None:
        """How a run may be made for a nominal; None where it may not, and that is noted."""
        if job.pauses and job.is_held(nominal_ms):
            self._pass(job, "held", nominal_ms, "paused", span)
        elif why_not:
            self._pass(job, "skipped", nominal_ms, why_not, span)
        else:
            turn, reason = self._overlap(job) if job.live else ("now", "")
            if turn is not None and not self._skip(job, nominal_ms):
                return turn
            if turn is None:
                self._pass(job, "skipped", nominal_ms, f"overlap: {reason}")
        return None

    def _skip(self, job: Job, nominal_ms: int) -> bool:
        """Whether somebody had a job's next runs passed over: asked last, of a run that would be made."""
        if not job.skips:
            return False
        job.skips -= 1
        self._pass(job, "skipped", nominal_ms, "skip-next")
        return True

    def _overlap(self, job: Job) -> tuple[_Turn | None, str]:
        """What a job with unfinished runs does with one more; see `admit`."""
        rule = job.overlap
        if not (job.line and next(iter(job.line)).caught_up):
            if rule == "allow":
                return "now", ""
            if rule == "skip":
                return None, f"{next(iter(job.live)).run.run_id} has not finished"
            if rule == "queue_latest":
                return "latest", ""
            if rule == "replace":
                return "replace", ""
            if not isinstance(rule, str):
                most = rule["allow"]
                return ("now", "") if len(job.live) < most else (None, f"{most} runs have not finished")
        return ("line", "") if len(job.line) < _LINE else (None, "100 runs are in line")

    def _pass(
        self, job: Job, state: Passing, nominal_ms: int, reason: str, span: Missed | None = None
    ) -> None:
        first_ms, count = (span.first_ms, span.count) if span is not None else (nominal_ms, 1)
        passed = Passed(job.address, state, nominal_ms, reason, self._now_ms, first_ms, count)
        self.passed.append(passed)

    def _follow(self, parent: Job, nominal_ms: int, how: str, span: Missed | None = None) -> None:
        """Decide the children of a job that was decided, and of those passed over theirs."""
        agenda = [(parent, nominal_ms, how, 1, span)]
        while agenda:
            job, nominal_ms, how, depth, span = agenda.pop()
            if job.asking:
                self._tell(job, nominal_ms, how, span)
            for child in job.children if depth <= _DEEPEST else ():
                why_not = child.hears(nominal_ms, job.address, how, is_span=span is not None)
                if why_not is None:
                    continue
                turn = self._admit(child, nominal_ms, why_not, span)
                if turn is None:
                    agenda.append((child, nominal_ms, "skipped", depth + 1, span))
                    continue
                run = VirtualRun(child.address, nominal_ms, self._now_ms, self._now_ms, "after")
                for replaced in self._create(run, child, turn):
                    own = replaced.run
                    agenda.append((child, own.nominal_ms, own.state, depth + 1, None))

    def _tell(self, parent: Job, nominal_ms: int, how: str, span: Missed | None) -> None:
        """Let those hear of a nominal that wait for it at their gates."""
        parent.outcomes[nominal_ms] = how
        first_ms, count = (nominal_ms, 1) if span is None else (span.first_ms, span.count)
        for going in [going for job in parent.asking for going in job.live if parent.address in going.asks]:
            waiting = going.asks[parent.address]
            waiting.hears(nominal_ms, how, first_ms, count)
            policy = waiting.need.on_timeout
            if waiting.left <= 0 or (waiting.open < waiting.left and policy == "run"):
                self._open(going, parent.address)
            elif waiting.open < waiting.left:
                kind = "after" if waiting.need.strict else "needs"
                self._doom(going, policy, f"{kind}: {parent.address} {how}")

    def _open(self, going: Going, parent: str) -> None:
        """A run waits for nothing more of one job; where that was the last it goes on."""
        del going.asks[parent]
        if not going.asks and going not in going.job.line:
            self._enqueue(going)

    def _lapse(self, going: Going) -> None:
        """A run has waited at its gate for as long as it was to."""
        if going.is_over or not going.asks:
            return
        if self._downtimes and (back_at_ms := self._back_at()) is not None:
            heappush(self._events, (back_at_ms, _LAPSE, (0, self._now_ms, going.sequence), going))
            return
        for parent, waiting in list(going.asks.items()):
            if waiting.until_ms is None or waiting.until_ms > self._now_ms:
                continue
            if waiting.need.on_timeout != "run":
                self._doom(going, waiting.need.on_timeout, f"needs: {parent} did not come in time")
                return
            self._open(going, parent)

    def _doom(self, going: Going, policy: str, why: str) -> None:
        """A run that waited ends without having started: it is skipped, or it fails."""
        job, run = going.job, going.run
        going.is_over = True
        going.asks.clear()
        job.line.pop(going, None)
        del job.live[going]
        if policy == "cancel":
            run.state, run.reason, run.ended_at_ms = "cancelled", why, self._now_ms
        elif policy == "fail":
            run.state, run.reason, run.ended_at_ms = "failed", why, self._now_ms
        else:
            run.state = "skipped"
            self._dropped = True
            self._pass(job, "skipped", run.nominal_ms, why)
        self._follow(job, run.nominal_ms, run.state)
        self._advance(job)
        if job.delay_ms is not None:
            self._pace(job)

    # ---- deadlines

    def _watch(self, going: Going) -> None:
        """Have a run looked at when it is to have started, and when it is to be over; see `create`."""
        job, run = going.job, going.run
        if job.finish_by_ms is not None:
            run.deadline_ms = run.due_ms + job.finish_by_ms
        looks = [(_LATE, run.deadline_ms if job.is_called_off else None)]
        if job.start_within_ms is not None:
            looks.append((_EXPIRE, run.due_ms + job.start_within_ms))
        for kind, at_ms in looks:
            if at_ms is not None:
                heappush(self._events, (max(at_ms, self._now_ms), kind, (0, at_ms, going.sequence), going))

    def _is_too_late(self, job: Job, due_ms: int) -> bool:
        """Whether a run that was due at an instant may not start any more."""
        return job.start_within_ms is not None and due_ms + job.start_within_ms <= self._now_ms

    def _expire(self, going: Going) -> None:
        """A run was to have started by now."""
        if going.is_over or going.run.spans or self._is_put_off(_EXPIRE, going):
            return
        self._doom(going, "skip", NOT_STARTED)

    def _call_off(self, going: Going) -> None:
        """A run was to be over by now, and is called off otherwise."""
        if going.is_over or going.stopped is not None or self._is_put_off(_LATE, going):
            return
        if going.running:
            self._stop(going, _TOO_LATE)
        else:
            self._note_wait(going)
            self._doom(going, "cancel", CALLED_OFF)

    def _is_put_off(self, kind: int, going: Going) -> bool:
        """Whether no scheduler runs now; then the next one looks again."""
        back_at_ms = self._back_at() if self._downtimes else None
        if back_at_ms is not None:
            heappush(self._events, (back_at_ms, kind, (0, self._now_ms, going.sequence), going))
        return back_at_ms is not None

    def _stop(self, going: Going, how: Verdict) -> None:
        """End what runs, as if commands ended at once when they are told to."""
        going.stopped = how
        going.run.spans[-1] = (going.run.spans[-1][0], self._now_ms)
        heappush(self._events, (self._now_ms, _END, (0, self._now_ms, going.sequence), going))

    # ---- runs

    def _create(
        self,
        run: VirtualRun,
        job: Job,
        turn: _Turn = "now",
        *,
        caught_up: bool = False,
        asks: Sequence[Waiting] = (),
    ) -> list[Going]:
        """Make a run, and let it wait its turn where it has one; the runs it took the place of."""
        replaced = self._supersede(job, turn) if turn in ("latest", "replace") else []
        self._sequence += 1
        self.runs.append(run)
        going = Going(job, run, self._sequence)
        self._watch(going)
        waits = turn != "now" and bool(job.live)
        for waiting in asks:
            going.asks[waiting.need.parent] = waiting
            if waiting.until_ms is not None:
                place = (0, waiting.until_ms, going.sequence)
                heappush(self._events, (waiting.until_ms, _LAPSE, place, going))
        job.live[going] = None
        if waits:
            going.caught_up, going.is_lined = caught_up, True
            going.since_ms = self._now_ms
            job.line[going] = None
        elif not asks:
            self._enqueue(going)
        return replaced

    def _supersede(self, job: Job, turn: _Turn) -> list[Going]:
        """Make way for a newer run; the runs that ended with that."""
        ended = []
        for going in [*job.line, *(job.live if turn == "replace" else ())]:
            if going.running:
                if going.stopped is None:
                    self._stop(going, _REPLACED)
            elif not going.is_over:
                self._drop(going)
                ended.append(going)
        return ended

    def _drop(self, going: Going) -> None:
        """A run that has not started gives up its place to a newer one."""
        job, run = going.job, going.run
        going.is_over = True
        self._note_wait(going)
        job.line.pop(going, None)
        del job.live[going]
        if run.spans:
            run.state, run.reason, run.ended_at_ms = "cancelled", _REPLACED.reason, self._now_ms
        else:
            run.state = "skipped"
            self._dropped = True
            self._pass(job, "skipped", run.nominal_ms, "overlap: a newer run took its place")

    def _advance(self, job: Job) -> None:
        """Let the first in a job's line go on, once nothing else of it is unfinished."""
        if job.line and len(job.live) == len(job.line):
            going = next(iter(job.line))
            del job.line[going]
            if not going.asks:
                self._enqueue(going)

    def _promote(self, going: Going, due_ms: int) -> None:
        """A delay is over, unless nobody looks."""
        if going.is_over:
            return
        back_at_ms = self._back_at() if self._downtimes else None
        if back_at_ms is None:
            self._enqueue(going)
        else:
            heappush(self._events, (back_at_ms, _PROMOTE, (0, due_ms, going.sequence), going))

    # ---- queues and locks

    def _enqueue(self, going: Going) -> None:
        self._note_wait(going)
        going.cause = None
        pool = going.job.pool
        heappush(pool.line, (going.score, going))
        self._busy[pool] = None

    def _reserve(self) -> None:
        """Start everything that can be started now."""
        while self._busy or self._roomy:
            for pool in self._busy:
                self._serve(pool)
            self._busy.clear()
            locks, self._roomy = self._roomy, {}
            for lock in locks:
                self._hand_over(lock, eager=True)

    def _serve(self, pool: Pool) -> None:
        while pool.free > 0 and pool.line:
            _, going = heappop(pool.line)
            if going.is_over or (not going.run.spans and self._is_too_late(going.job, going.run.due_ms)):
                continue
            missing = self._missing(going)
            if missing is not None:
                self._park(going, missing)
            else:
                self._start(going)

    def _missing(self, going: Going) -> Lock | None:
        """The first of its locks that has no room."""
        for lock, capacity in going.job.locks:
            if len(lock.holders) >= capacity:
                return lock
        return None

    def _park(self, going: Going, lock: Lock) -> None:
        self._note_wait(going)
        going.cause = (lock, next(iter(lock.holders)).job.address)
        heappush(lock.waiting, (going.score, going))

    def _hand_over(self, lock: Lock, *, eager: bool) -> None:
        """Send waiters of a lock with room back to their queues: as many as there is room for, or all.

        What is left while there is room is sent after them, once it shows that those cannot start now.
        """
        promised = 0
        while lock.waiting:
            going = lock.waiting[0][1]
            if going.is_over:
                heappop(lock.waiting)
                continue
            missing = self._missing(going)
            if missing is lock:
                return
            capacity = next(size for own, size in going.job.locks if own is lock)
            if missing is None and not eager and len(lock.holders) + promised >= capacity:
                self._roomy[lock] = None
                return
            heappop(lock.waiting)
            if missing is not None:
                self._park(going, missing)
            else:
                promised += 1
                self._enqueue(going)

    def _note_wait(self, going: Going) -> None:
        """The run leaves where it waited: write that down, and begin anew."""
        if self._now_ms > going.since_ms > 0:
            lock, by = (going.cause[0].name, going.cause[1]) if going.cause else ("", "")
            cause, name = ("lock", lock) if lock else ("slot", going.job.queue)
            if going.is_lined:
                cause, name, by = "turn", going.job.address, going.job.address
            going.run.waits.append(Wait(cause, name, by, going.since_ms, self._now_ms))  # type: ignore[arg-type]  # one of the three words
        going.since_ms = self._now_ms
        going.is_lined = False

    # ---- the worker

    def _start(self, going: Going) -> None:
        self._note_wait(going)
        going.running = True
        job = going.job
        job.pool.free -= 1
        for lock, _ in job.locks:
            lock.holders[going] = None
        lasts_ms = job.lasts_ms if job.stops_ms is None else min(job.lasts_ms, job.stops_ms)
        end_ms = self._now_ms + lasts_ms
        going.run.spans.append((self._now_ms, end_ms))
        heappush(self._events, (end_ms, _END, (0, end_ms, going.sequence), going))

    def _end(self, going: Going) -> None:
        """A try is over: what `finish` does."""
        if going.is_over:
            return
        job, run = going.job, going.run
        going.running = False
        verdict = going.stopped or self._verdict(going)
        self._release(going)
        if verdict.verdict in ("retry", "defer"):
            run.attempt += verdict.verdict == "retry"
            run.defers += verdict.verdict == "defer"
            going.since_ms = 0
            if verdict.delay_ms:
                promoted_at_ms = self._now_ms + verdict.delay_ms
                place = (0, promoted_at_ms, going.sequence)
                heappush(self._events, (promoted_at_ms, _PROMOTE, place, going))
            else:
                self._enqueue(going)
            return
        going.is_over = True
        run.state = verdict.verdict if verdict.verdict in ("ok", "cancelled") else "failed"
        run.reason, run.ended_at_ms = verdict.reason, self._now_ms
        del job.live[going]
        self._advance(job)
        if job.delay_ms is not None:
            self._pace(job)
        if job.children or job.asking:
            self._follow(job, run.nominal_ms, run.state)

    def _verdict(self, going: Going) -> Verdict:
        job, run = going.job, going.run
        timed_out = job.stops_ms is not None and job.lasts_ms > job.stops_ms
        if not timed_out and not job.exits:
            return _OK
        tried = run.attempt + run.defers - 1
        code = None if timed_out else job.exits[min(tried, len(job.exits) - 1)]
        return judge(
            job.spec,
            attempt=run.attempt,
            defers=run.defers,
            exit_code=code,
            timed_out=timed_out,
            seed=run.run_id,
        )

    def _release(self, going: Going) -> None:
        pool = going.job.pool
        pool.free += 1
        if pool.line:
            self._busy[pool] = None
        for lock, _ in going.job.locks:
            del lock.holders[going]
        for lock, _ in going.job.locks:
            self._hand_over(lock, eager=False)
