"""One worker process beside the worker of another queue, on one server and with eight slots each.

What a worker does besides its work: taking runs that do nothing, its output against a bare pipe, its idle
commands. A run of ours is a process of its own; a task of celery is a function call within the worker, so
that the same is measured with a function that starts the program, too. Celery is asked of the interpreter
that JOBBOARD_BENCH_PEERS names, by default this one; where it is not installed, that is said and the rest
measured.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, own_store, rate, show
from jobboard.store.runs.pushes import Parcel, push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store

RUNS = 2_000
SLOTS = 8
BYTES = 1 << 30
IDLE_S = 20
IDLE_GOAL_PER_S = 0.5
TRUE = "/bin/true"

_TASKS = """
import subprocess
from celery import Celery
app = Celery("peer", broker={url!r})
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True
@app.task(ignore_result=True)
def nothing(): pass
@app.task(ignore_result=True)
def spawning(): subprocess.run([{true!r}], stdout=subprocess.PIPE)
"""
_SEND = """
import sys, tasks
with tasks.app.producer_pool.acquire() as producer:
    for _ in range(int(sys.argv[2])): getattr(tasks, sys.argv[1]).apply_async(producer=producer)
"""


def main() -> None:
    """Measure and print."""
    with own_store() as (store, _), tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with _worker(store, home):
            ours = RUNS / _timed(store, {"command": {"exec": [TRUE]}}, RUNS)
            took_s = _timed(store, {"command": {"run": f"head -c {BYTES} /dev/zero"}}, 1)
            idle_per_s = _idle_per_s(store)
        theirs = {task: _celery_per_s(store, home, task) for task in ("spawning", "nothing")}
    for task, per_s in theirs.items():
        if per_s is None:
            print(f"{RUNS:,} runs of {TRUE}: {ours:,.0f}/s   celery, {task}: not installed")
        else:
            rate(f"{RUNS:,} runs of {TRUE}", ours, f"celery, {task}", per_s)
    began = time.perf_counter()
    subprocess.run(f"head -c {BYTES} /dev/zero | cat > /dev/null", shell=True, check=True)
    show(f"output of {BYTES >> 20:,} MiB", took_s, "through cat", time.perf_counter() - began)
    print(f"idle worker: {idle_per_s:.2f} commands/s   (goal: {IDLE_GOAL_PER_S})")


@contextlib.contextmanager
def _worker(store: Store, home: Path) -> Iterator[None]:
    environ = {"JOBBOARD_REDIS_URL": store.url, "JOBBOARD_NAMESPACE": store.namespace}
    words = command("worker", "--slots", str(SLOTS))
    environ |= {**os.environ, **environ, "JOBBOARD_HOME": str(home)}
    started = subprocess.Popen(words, env=environ, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.terminate()
        started.wait()


def _timed(store: Store, spec: Spec, count: int) -> float:
    """Seconds until so many runs have ended; one before them makes sure that the worker is there."""
    _await_end(store, {"command": {"exec": [TRUE]}}, 1)
    began = time.perf_counter()
    _await_end(store, spec, count)
    return time.perf_counter() - began


def _await_end(store: Store, spec: Spec, count: int) -> None:
    push(store, [Parcel("push/noop", spec) for _ in range(count)], by="bench")
    while store.client.scard(store.key("live", "push/noop")):
        time.sleep(0.005)


def _idle_per_s(store: Store) -> float:
    """Commands a second that come from outside; those that scripts call are not counted."""
    time.sleep(2)
    store.client.config_resetstat()
    time.sleep(IDLE_S)
    counted = store.client.info("commandstats")
    outside = ("cmdstat_eval", "cmdstat_b", "cmdstat_xread", "cmdstat_ping")
    calls = sum(each["calls"] for name, each in counted.items() if name.startswith(outside))
    return float(calls / IDLE_S)


def _celery_per_s(store: Store, home: Path, task: str) -> float | None:
    python = os.environ.get("JOBBOARD_BENCH_PEERS", sys.executable)
    if subprocess.run([python, "-c", "import celery"], check=False, stderr=subprocess.DEVNULL).returncode:
        return None
    url = store.url.replace("unix://", "redis+socket://")
    Path(home, "tasks.py").write_text(_TASKS.format(url=url, true=TRUE), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(home)}
    words = [
        "worker",
        "-P",
        "threads",
        "-c",
        str(SLOTS),
        "-l",
        "ERROR",
        "--without-gossip",
        "--without-mingle",
    ]
    subprocess.run([python, "-c", _SEND, task, str(RUNS)], cwd=home, env=environ, check=True)
    worker = subprocess.Popen(
        [python, "-m", "celery", "-A", "tasks", *words],
        cwd=home,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # The time begins with the first task it takes, so that neither its start nor the sending counts.
        while store.client.llen("celery") == RUNS:
            time.sleep(0.001)
        began = time.perf_counter()
        while store.client.llen("celery") or store.client.hlen("unacked"):
            time.sleep(0.005)
        return RUNS / (time.perf_counter() - began)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


if __name__ == "__main__":
    main()
