"""What a worker does besides its work: its output against a bare pipe, and its idle commands."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from bench.measure import command, own_store, show
from jobboard.store.runs.pushes import Parcel, push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store

BYTES = 1 << 30
IDLE_S = 20
IDLE_GOAL_PER_S = 0.5


def main() -> None:
    """Measure and print."""
    with own_store() as (store, environ), _working(environ):
        took_s = _timed(store, {"command": {"run": f"head -c {BYTES} /dev/zero"}})
        idle_per_s = _idle_per_s(store)
    began = time.perf_counter()
    subprocess.run(f"head -c {BYTES} /dev/zero | cat > /dev/null", shell=True, check=True)
    show(f"output of {BYTES >> 20:,} MiB", took_s, "through cat", time.perf_counter() - began)
    print(f"idle worker: {idle_per_s:.2f} commands/s   (goal: {IDLE_GOAL_PER_S})")


@contextlib.contextmanager
def _working(environ: dict[str, str]) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, **environ, "JOBBOARD_HOME": home}
        started = subprocess.Popen(command("worker", "--slots", "8"), env=environ, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            started.terminate()
            started.wait()


def _timed(store: Store, spec: Spec) -> float:
    """Seconds until a run has ended; one before it makes sure that the worker is there."""
    _await_end(store, {"command": {"run": "true"}})
    began = time.perf_counter()
    _await_end(store, spec)
    return time.perf_counter() - began


def _await_end(store: Store, spec: Spec) -> None:
    push(store, [Parcel("push/noop", spec)], by="bench")
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


if __name__ == "__main__":
    main()
