"""From a nominal to the child's own first clock reading, with 10,000 other jobs scheduled.

500 fires of a job due every 100 ms through the real scheduler, worker and agent; the child is a compiled
program (`date`) that prints the time it starts at. The reference runs at the same time: a bare loop that
sleeps until 50 ms after each nominal and starts the same program itself, so that what the machine does to
one it does to the other. The first two seconds, in which the daemons start, do not count. What came of it is
read at the end: who watches takes time from what is measured.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, own_store, percentile, run, show
from jobboard.core.times.instant import parse_instant
from jobboard.store.runs.events import read_events
from jobboard.store.runs.output import read_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.calls.connect import Store

FIRES = 500
WARM_UP = 20
OTHERS = 10_000
PERIOD_MS = 100


def main() -> None:
    """Measure and print."""
    with own_store() as (store, environ), tempfile.TemporaryDirectory() as folder:
        _sync(Path(folder), environ)
        reference: list[float] = []
        bare = threading.Thread(target=_bare_loop, args=(reference,))
        with _daemons(store, Path(folder)):
            bare.start()
            late_s = _lateness(store)
            bare.join()
    for share, name, goal in ((0.5, "p50", "< 5 ms"), (0.99, "p99", "< 25 ms")):
        what = f"nominal to the child's clock, {len(late_s)} fires, {name}"
        show(what, percentile(late_s, share), f"bare loop, {name}", percentile(reference, share), goal)


def _bare_loop(late: list[float]) -> None:
    for _ in range(FIRES):
        at = (int(time.time() * 1000 / PERIOD_MS) + 1) * PERIOD_MS / 1000 + 0.05
        time.sleep(max(0.0, at - time.time()))
        printed = subprocess.run(["date", "+%s.%N"], capture_output=True, check=True).stdout
        late.append(float(printed) - at)


def _sync(folder: Path, environ: dict[str, str]) -> None:
    others = "".join(f'  j{n}: {{run: "true", cron: "0 0 {n % 28 + 1} 1 *"}}\n' for n in range(OTHERS))
    Path(folder, "others.yaml").write_text(f"board: others\njobs:\n{others}", encoding="utf-8")
    timing = f"every: {PERIOD_MS}ms, phase: 0ms, runs: {FIRES + WARM_UP}, overlap: allow"
    probe = f"  probe: {{exec: [date, +%s.%N], {timing}}}\n"
    Path(folder, "probe.yaml").write_text(f"board: probe\njobs:\n{probe}", encoding="utf-8")
    run(command("sync", str(folder), "--auto-approve"), environ, folder)


@contextlib.contextmanager
def _daemons(store: Store, home: Path) -> Iterator[None]:
    """Scheduler and worker as processes of their own, as they run in earnest."""
    environ = {
        "JOBBOARD_REDIS_URL": store.url,
        "JOBBOARD_NAMESPACE": store.namespace,
        "JOBBOARD_HOME": str(home),
    }
    started = [
        subprocess.Popen(command(name), env={**os.environ, **environ}, stderr=subprocess.DEVNULL)
        for name in ("scheduler", "worker")
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _lateness(store: Store) -> list[float]:
    deadline = time.monotonic() + FIRES * PERIOD_MS / 1000 + 60
    while store.client.xlen(store.key("history")) < FIRES + WARM_UP and time.monotonic() < deadline:
        time.sleep(1)
    late: list[float] = []
    for event in read_events(store, "0", block_ms=1, count=100 * FIRES):
        if event["e"] == "finished":
            nominal = event["run"].partition("@")[2]
            printed = b"".join(chunk.content for chunk in read_output(store, event["run"]))
            late.append(float(printed) - _seconds(nominal))
    return late[WARM_UP:]


def _seconds(nominal: str) -> float:
    return parse_instant(nominal, None) / 1000


if __name__ == "__main__":
    main()
