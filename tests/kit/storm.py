"""A storm: three schedulers on one store, killed and frozen at random, and every nominal decided once.

What they decide is read from the events as it happens and held to a list of nominals made here by plain
arithmetic, job by job and in order. `make proof` goes on to 100,000 fires; the suite takes a small storm.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Any

from jobboard.clock import monotonic_s
from jobboard.core.times.instant import parse_instant
from jobboard.store.calls.connect import Store
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.runs import CLAIM_LEASE_MS
from kit.clock import StoreClock
from kit.engine import Engine
from kit.events import events_after
from kit.server import Server, fresh_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import sys, threading
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.daemon.service import Signals
from jobboard.store.calls.connect import Store
with Signals() as signals, Store(sys.argv[1], sys.argv[2]) as store:
    Scheduler(store, name=sys.argv[3]).run(signals.stop)
"""
T0 = parse_instant("2026-03-01T00:00:00Z")
S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
DAYS_MS = 400 * 24 * HOUR
STEP_MS = 30 * S
PATIENCE_S = 60.0
_STRIKES = 0.1
"""How likely somebody meets a fate after a page of events."""
FATES = ("kill", "freeze", "thaw", "peace", "peace")


class Storm:
    """One storm, over jobs of its own.

    Args:
        store: An empty namespace whose clock may be moved.
        chance: What happens to whom.
        jobs: How many.
    """

    def __init__(self, store: Store, chance: random.Random, jobs: int) -> None:
        self._store, self._chance = store, chance
        self._clock = StoreClock(store)
        self._clock.set(T0)
        self._schedulers: list[subprocess.Popen[bytes]] = []
        self._frozen: set[int] = set()
        self._started = 0
        self._seen = "0"
        self._nominals: dict[str, range] = {}
        self._next: dict[str, int] = {}
        self._passed: Counter[str] = Counter()
        self.decided = self.fired = 0
        engine = Engine(store)
        for number in range(jobs):
            self._define(engine, f"b/j{number}")

    def _define(self, engine: Engine, address: str) -> None:
        schedule, nominals = self._schedule()
        rules = {
            "overlap": self._chance.choice(["allow", "allow", "allow", "skip", "queue"]),
            "catchup": self._chance.choice(["last", "none", "all"]),
            "late_after": self._chance.choice([2 * MINUTE, HOUR]),
        }
        engine.define(address, schedule=schedule, **rules)
        self._nominals[address], self._next[address] = nominals, 0
        self._store.client.hset(self._store.key("cursor"), address, T0)
        self._store.client.zadd(self._store.key("sched"), {address: nominals[0]})

    def _schedule(self) -> tuple[dict[str, Any], range]:
        """A schedule, and its instants after T0 by arithmetic."""
        every_s = self._chance.choice([1, 2, 3, 5, 10, 15])
        until_ms = T0 + DAYS_MS
        if self._chance.random() < 0.5:
            aligned_ms = T0 + every_s * S
            return {"cron": f"*/{every_s} * * * * *", "seconds": True}, _every(aligned_ms, every_s, until_ms)
        phase_ms = self._chance.randrange(every_s * S)
        first_ms = T0 + 1 + (phase_ms - T0 - 1) % (every_s * S)
        return {"every": every_s * S, "phase": phase_ms}, _every(first_ms, every_s, until_ms)

    # ---- what happens

    def rage(self, fires: int) -> None:
        """Go on until so many runs were made."""
        try:
            self._start(3)
            steps = 0
            while self.fired < fires:
                steps += 1
                if steps % 7 == 0:
                    self._black_out()
                self._clock.advance(STEP_MS)
                self._clock.wake()
                self._settle()
        finally:
            self._kill(list(self._schedulers))

    def _start(self, count: int) -> None:
        for _ in range(count):
            self._started += 1
            command = [sys.executable, "-c", PROGRAM, self._store.url, self._store.namespace]
            self._schedulers.append(subprocess.Popen([*command, f"s{self._started}"]))

    def _kill(self, victims: list[subprocess.Popen[bytes]]) -> None:
        for process in victims:
            self._frozen.discard(process.pid)
            process.kill()
            process.wait()
            self._schedulers.remove(process)

    def _black_out(self) -> None:
        """Nobody is there for a while."""
        self._kill(list(self._schedulers))
        self._clock.advance(self._chance.choice([10 * MINUTE, HOUR, 3 * HOUR]))
        self._start(3)

    def _strike(self) -> None:
        """One scheduler meets its fate; one at least is left that can work."""
        fate, process = self._chance.choice(FATES), self._chance.choice(self._schedulers)
        if fate == "kill":
            self._kill([process])
            self._start(1)
        elif fate == "freeze" and len(self._frozen | {process.pid}) < len(self._schedulers):
            process.send_signal(signal.SIGSTOP)
            self._frozen.add(process.pid)
        elif fate == "thaw":
            for each in self._schedulers:
                each.send_signal(signal.SIGCONT)
            self._frozen.clear()

    def _settle(self) -> None:
        """Until all that is due now is decided, while fate strikes between pages of events."""
        target_ms = self._clock.now()
        progress_s = waited_s = monotonic_s()
        while any(self._is_behind(address, target_ms) for address in self._nominals):
            assert monotonic_s() < progress_s + PATIENCE_S, "some nominals are never decided"
            if self._read():
                progress_s = waited_s = monotonic_s()
                if self._chance.random() < _STRIKES:
                    self._strike()
            elif monotonic_s() - waited_s > 0.3:
                # What the dead and the frozen have claimed is due again once their lease is over.
                self._clock.advance(CLAIM_LEASE_MS + 1)
                self._clock.wake()
                waited_s = monotonic_s()

    def _is_behind(self, address: str, target_ms: int) -> bool:
        return self._nominals[address][self._next[address]] <= target_ms

    # ---- what is decided

    def _read(self) -> bool:
        """Take in a page of events; whether there was any."""
        page = events_after(self._store, self._seen, 0.05)
        for event in page:
            self._seen = event["id"]
            if event["e"] == "fired":
                self._take(event["job"], parse_instant(event["run"].partition("@")[2]), passed=False)
            elif event["e"] in ("missed", "skipped"):
                self._take(event["job"], int(event["nominal"]), passed=True)
        return bool(page)

    def _take(self, address: str, nominal_ms: int, *, passed: bool) -> None:
        """A decision: it is about the next nominal, or about a span that begins there and did not run."""
        nominals, first = self._nominals[address], self._next[address]
        index = bisect_left(nominals, nominal_ms)
        assert nominals[index] == nominal_ms, f"{address} has no nominal {nominal_ms}"
        assert index >= first, f"{address} decided {nominal_ms} twice"
        assert passed or index == first, f"{address} left out {nominals[first]}"
        self._passed[address] += index + 1 - first if passed else 0
        self._next[address] = index + 1
        self.decided += index + 1 - first
        self.fired += not passed

    def check(self) -> None:
        """Cursors and records say the same as the events did, to the last of them."""
        while self._read():
            pass
        cursors: Any = self._store.client.hgetall(self._store.key("cursor"))
        entries: Any = self._store.client.xrange(self._store.key("history"))
        recorded: Counter[str] = Counter()
        for _, fields in entries:
            record = unpack(fields[b"r"])
            recorded[record["job"]] += record.get("count", 0)
        for address, nominals in self._nominals.items():
            decided = bisect_right(nominals, int(cursors[address.encode()]))
            assert decided == self._next[address], f"{address}: the cursor is not where its events end"
            assert recorded[address] == self._passed[address], f"{address}: records and events differ"


def _every(first_ms: int, every_s: int, until_ms: int) -> range:
    return range(first_ms, until_ms, every_s * S)


def rage(store: Store, seed: int, *, jobs: int, fires: int) -> tuple[int, int]:
    """A whole storm, checked; how many runs were made, and nominals decided."""
    storm = Storm(store, random.Random(seed), jobs)
    storm.rage(fires)
    storm.check()
    return storm.fired, storm.decided


def main() -> int:
    """100,000 fires and more; the seed may be given."""
    os.environ["JOBBOARD_TEST"] = "1"
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)  # noqa: T201 - it is what a proof is for
    for server in _server():
        with Store(server.url, fresh_namespace()) as store:
            store.client.hset(store.key("meta"), "test", "1")
            fired, decided = rage(store, seed, jobs=100, fires=100_000)
            print(f"{fired:,} fires, {decided:,} nominals, each decided once")  # noqa: T201 - likewise
    return 0


def _server() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())
