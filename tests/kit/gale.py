"""A gale: runs of all kinds go through while whoever carries them is killed and frozen at random.

Runner, agent, guard, scheduler, store and commands meet their fate; the commands write a ledger outside the
store, which is held to the history and to what had to run (`kit.ledger`). `make proof` takes 10,000 runs
through; the suite takes a few hundred.

One member of a worker at a time is frozen: with all of them, there is nobody left to keep what they hold from
outliving the lease.
"""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.times.instant import format_instant
from jobboard.daemon.system import linux
from jobboard.store.calls.connect import Store
from jobboard.store.runs.pushes import Parcel, push
from jobboard.store.views import fsck
from kit import storm
from kit.clock import StoreClock
from kit.engine import Engine
from kit.ledger import compare, read_history, read_ledger
from kit.server import Server, fresh_namespace
from kit.work import animal, running_with, start_worker

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec

SECOND, HOUR = 1_000, 3_600_000
LEASE_MS = 3_000
WORKERS, SLOTS, SCHEDULERS = 3, 6, 2
LONGEST_FREEZE_S = 4.0
STRIKE_EVERY_S = 0.3
PATIENCE_S = 60.0
_STORE_SHARE = 0.05
_CALM_SHARE = 0.9
"""How much is done before the gale lets up, so that the rest can come to its end."""
MEMBERS = ("runner", "agent", "guard")
LOCKS: dict[str, dict[str, int]] = {"one": {"one": 1}, "three": {"three": 3}, "both": {"one": 1, "three": 3}}
KINDS = ("plain", "failing", "deferring", "stuck", *LOCKS)


class Gale:
    """One gale, on a server of its own that keeps every write.

    Args:
        folder: For the ledger and the workers.
        chance: What happens to whom.
        runs: About how many there are to be.
        per_s: About how many of them a second.
    """

    def __init__(self, folder: Path, chance: random.Random, *, runs: int, per_s: int) -> None:
        self._folder, self._chance = folder, chance
        self._book = folder / "ledger"
        self._book.touch()
        self._server = Server({"appendonly": "yes", "appendfsync": "always"})
        self._store = Store(self._server.url, fresh_namespace())
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._expected: set[str] = set()
        self._children: dict[str, str] = {}
        # A third is scheduled, one run in seven of these has another after it, the rest is pushed.
        jobs = max(len(KINDS), per_s // 3)
        self._schedule(jobs, seconds=max(2, runs // (3 * jobs)))
        self._to_push = [(KINDS[n % len(KINDS)], f"p{n}") for n in range(runs - len(self._expected) * 8 // 7)]
        self._pushed_per_s = max(1, per_s - jobs)
        self._thaw_at_s: dict[int, float] = {}
        self.fates: Counter[str] = Counter()
        self.runs = 0

    # ---- what has to run

    def _schedule(self, jobs: int, *, seconds: int) -> None:
        engine, begin_ms = Engine(self._store), StoreClock(self._store).now()
        for number in range(jobs):
            kind, phase_ms = KINDS[number % len(KINDS)], self._chance.randrange(SECOND)
            address, stop_ms = f"b/{kind}-{number}", begin_ms + seconds * SECOND
            first_ms = begin_ms + 1 + (phase_ms - begin_ms - 1) % SECOND
            engine.define(
                address,
                schedule={"every": SECOND, "phase": phase_ms, "stop": stop_ms},
                overlap="allow",
                late_after=HOUR,
                **self._spec(kind),
            )
            if kind == "plain":
                self._children[address] = f"{address}-after"
                engine.define(f"{address}-after", after=[address], overlap="allow", **self._spec(kind))
            self._expected.update(
                f"{address}@{format_instant(nominal_ms)}" for nominal_ms in range(first_ms, stop_ms, SECOND)
            )
            self._store.client.hset(self._store.key("cursor"), address, begin_ms)
            self._store.client.zadd(self._store.key("sched"), {address: first_ms})

    def _spec(self, kind: str) -> Spec:
        locks = LOCKS.get(kind, {})
        spec: dict[str, Any] = {
            "command": animal("entry", str(self._book), kind, *(f"{n}:{size}" for n, size in locks.items())),
            "retries": {"max": 1000, "delay": 50, "backoff": "constant"},
            "defer": {"delay": 50},
            "kill_after": 200,
        }
        if locks:
            spec["locks"] = locks
        if kind == "stuck":
            spec["timeout"] = 1_000
        return spec

    def _push(self, count: int) -> None:
        """The next so many runs without a schedule; asked again in the same words after a lost reply."""
        parcels = [
            Parcel(f"push/{kind}", self._spec(kind), name, delay_ms=self._chance.choice([0, 0, 300]))
            for kind, name in self._to_push[:count]
        ]
        try:
            pushed = push(self._store, parcels, by="gale")
        except errors.StoreUnreachable:
            return
        self._expected.update(each.run_id for each in pushed)
        del self._to_push[:count]

    # ---- what happens

    def rage(self) -> None:
        """Go on until all that had to run has ended, then compare the accounts.

        Raises:
            AssertionError: They differ, or nothing happens any more.
        """
        try:
            began_s = moved_s = strike_at_s = monotonic_s()
            planned, length = len(self._to_push), -1
            runs = planned + len(self._expected)
            while True:
                now_s = monotonic_s()
                self._revive()
                self._thaw(now_s)
                self._push(int((now_s - began_s) * self._pushed_per_s) - planned + len(self._to_push))
                if now_s > strike_at_s and length < _CALM_SHARE * runs:
                    self._strike(now_s)
                    strike_at_s = now_s + self._chance.uniform(0, 2 * STRIKE_EVERY_S)
                if (recorded := self._store.client.xlen(self._store.key("history"))) != length:
                    length, moved_s = recorded, now_s
                elif self._is_over():
                    break
                assert now_s < moved_s + PATIENCE_S, "some runs never end"
                threading.Event().wait(0.02)
            self._check()
        finally:
            self._end()

    def _is_over(self) -> bool:
        """Whether nothing is left to fire, to push, or to run."""
        addresses = {run_id.partition("@")[0] for run_id in self._expected} | {*self._children.values()}
        with self._store.client.pipeline(transaction=False) as asked:
            asked.zcard(self._store.key("sched"))
            asked.zcard(self._store.key("claims"))
            for address in addresses:
                asked.scard(self._store.key("live", address))
            return not self._to_push and not any(asked.execute())

    def _revive(self) -> None:
        """Start whoever is not there."""
        for number in range(SCHEDULERS + WORKERS):
            process = self._processes.get(number)
            if process is None or process.poll() is not None:
                self._processes[number] = self._start(number)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        if number < SCHEDULERS:
            words = [self._store.url, self._store.namespace, f"s{number}"]
            return subprocess.Popen([sys.executable, "-c", storm.PROGRAM, *words])
        home = self._folder / f"w{number}"
        return start_worker(self._store, home, name=f"w{number}", slots=SLOTS, lease_ms=LEASE_MS)

    def _strike(self, now_s: float) -> None:
        """Somebody meets a fate; the store more seldom, since all wait for it."""
        who = self._chance.choice(("command", "scheduler", *MEMBERS, *MEMBERS))
        if self._chance.random() < _STORE_SHARE:
            self._strike_store()
        elif pids := self._pids(who):
            pid = self._chance.choice(pids)
            fatal = self._chance.random() < 0.5
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if fatal else signal.SIGSTOP)
                self.fates[f"{who} {'killed' if fatal else 'frozen'}"] += 1
            if not fatal:
                self._thaw_at_s[pid] = now_s + self._chance.uniform(0, LONGEST_FREEZE_S)

    def _pids(self, who: str) -> list[int]:
        """Whom it may hit: not the frozen, nor, among the members of a worker, one beside a frozen one."""
        if who == "command":
            found = running_with(str(self._book))
        elif who == "scheduler":
            found = {self._processes[number].pid for number in range(SCHEDULERS)}
        else:
            runners = [self._processes[number].pid for number in range(SCHEDULERS, SCHEDULERS + WORKERS)]
            families = [family(runner) for runner in runners]
            found = {
                members[who]
                for members in families
                if who in members and not self._thaw_at_s.keys() & members.values()
            }
        return sorted(found - self._thaw_at_s.keys())

    def _strike_store(self) -> None:
        fatal = self._chance.random() < 0.5
        self.fates[f"store {'killed' if fatal else 'frozen'}"] += 1
        if fatal:
            self._server.kill()
            self._server.start()
        else:
            self._server.process.send_signal(signal.SIGSTOP)
            threading.Event().wait(self._chance.uniform(0, LONGEST_FREEZE_S / 5))
            self._server.process.send_signal(signal.SIGCONT)
        self._store.close()
        self._store = self._store.again()

    def _thaw(self, now_s: float) -> None:
        for pid in [pid for pid, at_s in self._thaw_at_s.items() if at_s <= now_s]:
            del self._thaw_at_s[pid]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    # ---- what became of it

    def _check(self) -> None:
        """The accounts agree, and nothing in the store contradicts anything else."""
        records = list(read_history(self._store))
        compare(read_ledger(self._book), records, self._expected, self._children)
        assert fsck.check(self._store) == []
        self.runs = sum("id" in record for record in records)

    def _end(self) -> None:
        self._thaw(math.inf)
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._store.close()
        self._server.remove()


def family(runner: int) -> dict[str, int]:
    """The process of each member of a worker that is there."""
    table = linux.processes()
    found = {"runner": runner} if runner in table else {}
    below = {process.parent: pid for pid, process in table.items()}
    if guard := below.get(runner):
        found["guard"] = guard
        if agent := below.get(guard):
            found["agent"] = agent
    return found


def rage(folder: Path, seed: int, *, runs: int, per_s: int) -> Gale:
    """A whole gale, checked."""
    gale = Gale(folder, random.Random(seed), runs=runs, per_s=per_s)
    gale.rage()
    return gale


def main() -> int:
    """10,000 runs; the seed may be given."""
    os.environ["JOBBOARD_TEST"] = "1"
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)  # noqa: T201 - it is what a proof is for
    with tempfile.TemporaryDirectory(prefix="jb-gale-") as folder:
        gale = rage(Path(folder), seed, runs=10_000, per_s=60)
    met = ", ".join(f"{count} {fate}" for fate, count in sorted(gale.fates.items()))
    print(f"{gale.runs:,} runs as the ledger has them: {met}")  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
