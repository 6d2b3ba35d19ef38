"""A day for real: a scheduler and a worker on the test's clock, and commands that last as they are told.

Every command waits at a gate, a named pipe. The day goes from instant to instant, each the next at which
something is due or a command is to end; what has come by then is waited for before the clock moves on.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from jobboard.core.times.instant import parse_instant
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.runs.closed import read_closed
from jobboard.store.runs.world import read_workers, runs_of
from kit.events import events_of
from kit.work import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobboard.core.simulation.simulate import Scenario
    from jobboard.store.calls.connect import Store
    from kit.clock import StoreClock

WAIT_AT_GATE = (
    'gate="$GATES/$JOBBOARD_FENCE"; mkfifo "$gate.new"; mv "$gate.new" "$gate"; read -r c <"$gate"; exit "$c"'
)


LOOKED_AT = ("sched", "delay", "gates", "expiry", "deadlines", "overrides", "throttled")
"""What a scheduler looks at when it is due."""


class Day:
    """One day.

    Args:
        store: Where jobs are defined and due.
        clock: Of that store.
        gates: A folder for the gates.
        scenario: How long commands last, how they exit, when no scheduler runs.
        workers: How many are at work there.
    """

    def __init__(
        self, store: Store, clock: StoreClock, gates: Path, scenario: Scenario, workers: int = 1
    ) -> None:
        self._store = store
        self._clock = clock
        self._gates = gates
        self._scenario = scenario
        self._workers = workers
        # Token -> run, and the instant its command is to end.
        self._running: dict[str, tuple[str, int]] = {}
        self._tries: dict[str, int] = {}
        self._now_ms = scenario.from_ms - 1
        self._scheduler: tuple[threading.Event, threading.Thread] | None = None

    def play(self, until_ms: int | None = None) -> None:
        """From the first instant, or from where it is, to an instant or to the end of the last run."""
        until(lambda: len(read_workers(self._store)) == self._workers, 20)
        self._open()
        try:
            while (next_ms := self._next()) is not None and (until_ms is None or next_ms < until_ms):
                self._now_ms = next_ms
                self._clock.set(next_ms)
                self._keep_scheduler()
                self._clock.wake()
                self._settle()
                self._end_commands()
                self._settle()
        finally:
            self._close()

    def meet(self, at_ms: int) -> None:
        """At an instant at which nothing is due: what was made by hand begins."""
        self._now_ms = at_ms
        self._settle()

    def outcomes(self) -> list[tuple[str, int, str]]:
        """Job, nominal and state of everything that was decided and is over."""
        found = []
        for event in events_of(self._store):
            if event["e"] == "finished":
                found.append((event["job"], _nominal_ms(event["run"]), event["state"]))
            elif event["e"] in ("skipped", "missed", "held"):
                found.append((event["job"], int(event["nominal"]), event["e"]))
        return sorted(found)

    def starts(self) -> list[str]:
        """The run of every try, in the order they were handed out."""
        return [event["run"] for event in events_of(self._store) if event["e"] == "reserved"]

    # ---- the scheduler

    def _is_down(self) -> bool:
        return any(down.from_ms <= self._now_ms < down.until_ms for down in self._scenario.downtimes)

    def _keep_scheduler(self) -> None:
        if self._is_down():
            self._close()
        elif self._scheduler is None:
            self._open()

    def _open(self) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=Scheduler(self._store, name="s").run, args=(stop,))
        thread.start()
        self._scheduler = (stop, thread)

    def _close(self) -> None:
        if self._scheduler is not None:
            stop, thread = self._scheduler
            self._scheduler = None
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

    # ---- time

    def _next(self) -> int | None:
        ends = [at_ms for _, at_ms in self._running.values()]
        edges = [
            edge
            for down in self._scenario.downtimes
            for edge in (down.from_ms, down.until_ms)
            if edge > self._now_ms
        ]
        sets = () if self._is_down() else LOOKED_AT
        due = [at_ms for name in sets for at_ms in self._first(name)]
        return min([*ends, *due, *edges], default=None)

    def _first(self, name: str) -> list[int]:
        rows: Any = self._store.client.zrange(self._store.key(name), 0, 0, withscores=True)
        return [int(score) for _, score in rows]

    def _settle(self) -> None:
        until(self._is_settled, 20)
        # What was replaced by a newer run was ended by its worker, not by the day.
        self._running = {t: pair for t, pair in self._running.items() if self._token(pair[0]) == t}
        for run_id in self._holding():
            token = self._token(run_id)
            if token not in self._running:
                until((self._gates / token).exists, 20)
                address = run_id.partition("@")[0]
                lasts_ms = self._scenario.durations.get(address, self._scenario.default_ms)
                self._running[token] = (run_id, self._now_ms + lasts_ms)

    def _is_settled(self) -> bool:
        client, key = self._store.client, self._store.key
        if not self._is_down():
            late = any(client.zcount(key(name), "-inf", self._now_ms) for name in LOOKED_AT)
            if late or client.zcard(key("claims")):
                return False
        if any(client.hget(key("run", run), "state") == b"stopping" for run in self._holding()):
            return False
        queues: Any = client.smembers(key("queues"))
        waiting = [name for name in map(bytes.decode, queues) if client.zcard(key("queue", name))]
        return not any(self._is_open(name) for name in waiting)

    def _is_open(self, queue: str) -> bool:
        """Whether a run of a queue could begin now."""
        closed = read_closed(self._store, self._clock.now(), [queue]).get(queue)
        if self._is_halted(queue) or (closed is not None and not closed.scope):
            return False
        for worker in read_workers(self._store):
            held = Counter(run.queue for run in runs_of(self._store, [worker.name])[worker.name])
            own = worker.own_slots.get(queue, worker.slots)
            if queue in worker.queues and held.total() < worker.slots and held[queue] < own:
                return True
        return False

    def _is_halted(self, queue: str) -> bool:
        holds = self._scenario.pauses
        return any(hold.scope == f"queue:{queue}" and hold.covers(self._now_ms) for hold in holds)

    def _holding(self) -> Sequence[str]:
        workers: Any = self._store.client.zrange(self._store.key("workers"), 0, -1)
        keys = [self._store.key("holding", worker.decode()) for worker in workers]
        held: Any = self._store.client.sunion(keys) if keys else ()
        return sorted(run.decode() for run in held)

    def _token(self, run_id: str) -> str:
        raw: Any = self._store.client.hget(self._store.key("run", run_id), "token")
        return "" if raw is None else raw.decode()

    # ---- commands

    def _end_commands(self) -> None:
        for token, (run_id, at_ms) in sorted(self._running.items(), key=lambda item: item[1][1]):
            if at_ms <= self._now_ms:
                del self._running[token]
                self._end(token, run_id)

    def _end(self, token: str, run_id: str) -> None:
        address = run_id.partition("@")[0]
        codes = self._scenario.exits.get(address, (0,))
        tried = self._tries.get(run_id, 0)
        self._tries[run_id] = tried + 1
        (self._gates / token).write_text(f"{codes[min(tried, len(codes) - 1)]}\n")
        until(lambda: self._token(run_id) != token, 20)


def _nominal_ms(run_id: str) -> int:
    """Of a run by hand the instant before its mark; 0 where there is none."""
    suffix = run_id.partition("@")[2]
    return parse_instant(suffix[: suffix.index("Z") + 1]) if "Z" in suffix else 0
