"""One worker process, measured from outside while it drains a queue that was filled before it started.

The time runs from the first few tasks on until the last: neither the worker's start nor the filling counts.
Both ends are seen by one observer, the same for all: the size of the file that tasks lengthen (`apps.tally`),
what the server has counted, and the processor time of the worker and all it has started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.contest.roster import SLOTS
from bench.measure import processor_s_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.contest.roster import Contestant, Heat
    from jobboard.store.calls.connect import Store

ROOT = Path(__file__).parents[2]
LOOK_S = 0.001
STILL_S = 20.0
"""A worker that does nothing for this long will do nothing more."""
_STOP_S = 5.0


class Broken(Exception):
    """A contestant cannot be measured; the text is a line that says why."""


class Drain(NamedTuple):
    """What draining a queue took.

    Attributes:
        per_s: Tasks a second.
        processor_us: Processor time for each task, of the worker and what it has started.
        trips: How often the server read from a connection, for each task: a pipeline is read at once.
        commands: Commands the server carried out for each task, those within scripts included.
    """

    per_s: float
    processor_us: float
    trips: float
    commands: float


class _Seen(NamedTuple):
    """What the observer saw at one instant."""

    at_s: float
    done: int
    processor_s: float
    reads: int
    commands: int


def drain(
    store: Store, heat: Heat, contestant: Contestant, python: Path, home: Path, *, still_s: float = STILL_S
) -> Drain:
    """Fill the queue, start the worker, and say what draining took.

    Args:
        store: Where; everything on that server is removed.
        heat: What is to be done.
        contestant: By whom.
        python: The interpreter that has it installed.
        home: An empty folder to work in.
        still_s: How long the worker may do nothing.

    Raises:
        Broken: It does not start, fails, or stands still.
    """
    store.client.flushall()
    tally = home / "tally"
    tally.touch()
    environ = {**_environ(store, home, tally), **dict(contestant.environ)}
    count = heat.warm + heat.runs
    _fill([str(python), "-m", "bench.contest.send", contestant.name, heat.task, str(count)], environ, home)
    words = [str(python), *contestant.words.format(url=store.url).split()]
    with _worker(words, environ, home) as worker:
        first = _await(store, tally, heat.warm, worker, still_s)
        last = _await(store, tally, count, worker, still_s)
    done = last.done - first.done
    return Drain(
        done / (last.at_s - first.at_s),
        (last.processor_s - first.processor_s) / done * 1e6,
        (last.reads - first.reads) / done,
        (last.commands - first.commands) / done,
    )


def _environ(store: Store, home: Path, tally: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = {"JOBBOARD_REDIS_URL": store.url, "JOBBOARD_NAMESPACE": store.namespace}
    told = {"BENCH_URL": store.url, "BENCH_TALLY": str(tally), "BENCH_SLOTS": str(SLOTS)}
    return {**inherited, **ours, **told, "JOBBOARD_HOME": str(home), "PYTHONPATH": str(ROOT)}


def _fill(words: list[str], environ: Mapping[str, str], home: Path) -> None:
    sent = subprocess.run(words, env=environ, cwd=home, capture_output=True, text=True, check=False)
    if sent.returncode:
        raise Broken(f"cannot enqueue: {_last_line(sent.stderr)}")


@contextlib.contextmanager
def _worker(words: list[str], environ: Mapping[str, str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (home / "log").open("wb") as log:
        worker = subprocess.Popen(
            words,
            env=environ,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        worker.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(_STOP_S)
        with contextlib.suppress(ProcessLookupError):  # there may be some that it left behind
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _await(store: Store, tally: Path, wanted: int, worker: subprocess.Popen[bytes], still_s: float) -> _Seen:
    done, moved_s = -1, time.monotonic()
    while True:
        now, now_s = tally.stat().st_size, time.monotonic()
        if now >= wanted:
            return _seen(store, worker.pid, now, now_s)
        if now > done:
            done, moved_s = now, now_s
        ended = worker.poll() is not None
        if ended or now_s - moved_s > still_s:
            said = _last_line(tally.with_name("log").read_text(encoding="utf-8", errors="replace"))
            raise Broken(f"{'ended' if ended else 'stood still'} after {done:,} tasks: {said}")
        time.sleep(LOOK_S)


def _seen(store: Store, pid: int, done: int, at_s: float) -> _Seen:
    counted = store.client.info("stats", "commandstats")
    commands = sum(each["calls"] for name, each in counted.items() if name.startswith("cmdstat_"))
    return _Seen(at_s, done, processor_s_below(pid), counted["total_reads_processed"], commands)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
