"""A worker in a thread or a process of its own, jobs to give it, and what became of their runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard.clock import monotonic_s
from jobboard.core.jobs.model import Definition
from jobboard.daemon.system.linux import processes
from jobboard.daemon.worker.serving import Serving
from jobboard.daemon.worker.worker import Worker
from jobboard.store.boards import staging
from jobboard.store.boards.staging import BoardWrite
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.runs import Runs
from kit.events import wait_for_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobboard.store.calls.connect import Store

ZOO = Path(__file__).parent / "zoo"
PYTHON = sys.executable


def animal(name: str, *words: str) -> dict[str, Any]:
    """The command that runs a program of the zoo."""
    return {"exec": [PYTHON, "-S", str(ZOO / f"{name}.py"), *words]}


def board(store: Store, jobs: Mapping[str, Mapping[str, Any]], name: str = "ops") -> None:
    """Commit a board of specs; a text stands for a spec that runs it."""
    made = {
        job: Definition(number, number, 1, dict(spec), dict(spec))
        for number, (job, spec) in enumerate(jobs.items(), 1)
    }
    stage = staging.begin(store)
    version = f"{stage.id}-0"
    staging.stage_version(store, stage, version, source=None, put=made, drop=())
    staging.stage_work(store, stage, version, {})
    write = BoardWrite(name, None, version, {"path": "x"}, [])
    staging.commit(store, stage, [write], revision={}, by={"actor": "test", "via": "test"})


def start(store: Store, job: str) -> str:
    """Start a job by hand; its run id."""
    return Runs(store).start_run(f"ops/{job}", by="test")


def finished(store: Store, run_id: str, timeout_s: float = 20.0) -> dict[str, Any]:
    """The record of a run, once it has ended."""
    wait_for_event(store, lambda e: e["e"] == "finished" and e.get("run") == run_id, timeout_s)
    return record(store, run_id)


def reserved(store: Store, run_id: str) -> None:
    """Wait until a worker has taken a run."""
    wait_for_event(store, lambda e: e["e"] == "reserved" and e["run"] == run_id)


def record(store: Store, run_id: str) -> dict[str, Any]:
    """The record of a run that has ended."""
    address = run_id.partition("@")[0]
    raw: Any = store.client.lrange(store.key("last", address), 0, -1)
    (found,) = [r for r in map(unpack, raw) if r["id"] == run_id]
    return dict(found)


def most_memory_kib(pid: int) -> int:
    """The most memory a process has had so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def output(store: Store, run_id: str, attempt: int | None = None) -> bytes:
    """What was kept of a run's output."""
    entries: Any = store.client.xrange(store.key("out", run_id))
    return b"".join(f[b"d"] for _, f in entries if attempt is None or int(f[b"a"]) == attempt)


def serving(options: Mapping[str, Any]) -> dict[str, Any]:
    """A worker's options: called ``w``, four slots of ``common``, unless they say otherwise."""
    told = {"name": "w", "queues": ["common"], "slots": 4, **options}
    served = (tuple(told.pop("queues")), told.pop("slots"), told.pop("own_slots", {}))
    order, inboxes = told.pop("order", "priority"), tuple(told.pop("inboxes", ()))
    runners = told.pop("runners", {})
    return {**told, "serving": Serving(*served, order=order, inboxes=inboxes, runners=runners)}


def word_of(store: Store) -> str:
    """What the animals of a test's store show on their command lines."""
    return f"word-{store.namespace}"


def placed(store: Store, kind: str, **fields: Any) -> str:
    """Start a run of one of the zoo; its id, once its tree is in place."""
    board(store, {"job": {"command": animal("tree", kind, word_of(store)), **fields}})
    run_id = start(store, "job")
    until(lambda: output(store, run_id) != b"")
    return run_id


@contextmanager
def working(
    store: Store,
    home: Path,
    *,
    stop: threading.Event | None = None,
    hurry: threading.Event | None = None,
    **options: Any,
) -> Iterator[Worker]:
    """A worker in a thread; stopped, and its failure raised, at the end."""
    stop, hurry = stop or threading.Event(), hurry or threading.Event()
    worker = Worker(store.again(), home=home, **serving(options))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            worker.run(stop, hurry)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        hurry.set()
        thread.join()
        worker._store.close()
    if failures:
        raise failures[0]


_MAIN = """
import json, resource, signal, sys, threading
from pathlib import Path
from jobboard.daemon.worker.worker import Worker
from jobboard.store.calls.connect import Store
from kit.work import serving
url, namespace, home, options = sys.argv[1:]
options = json.loads(options)
limit_bytes = options.pop("file_limit_bytes", None)
if limit_bytes is not None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
stop, hurry = threading.Event(), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
signal.signal(signal.SIGINT, lambda *_: hurry.set())
with Store(url, namespace) as store:
    Worker(store, home=Path(home), **serving(options)).run(stop, hurry)
"""


def start_worker(store: Store, home: Path, **options: Any) -> subprocess.Popen[bytes]:
    """A worker in a process of its own, for the caller to end."""
    return subprocess.Popen(
        [PYTHON, "-c", _MAIN, store.url, store.namespace, str(home), json.dumps(options)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@contextmanager
def working_process(store: Store, home: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, which the test may kill.

    With `file_limit_bytes`, no file of its may grow beyond that.
    """
    child = start_worker(store, home, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            # Two signals: two of one kind may arrive as one.
            child.send_signal(signal.SIGINT)
            child.terminate()
        child.wait(timeout=20)


def until(true: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait for a condition that no event tells of."""
    give_up_at_s = monotonic_s() + timeout_s
    pause = threading.Event()
    while not true():
        assert monotonic_s() < give_up_at_s, "it did not come about in time"
        pause.wait(0.005)


def running_with(mark: str) -> set[int]:
    """Live processes whose command line holds `mark`."""
    found = set()
    for pid in processes():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in line and pid != os.getpid():
            found.add(pid)
    return found
