"""The tasks for jobboard: a function in a fork, or a program; and its worker's calls without any process."""

import os
import sys
from pathlib import Path

from bench.contest.apps import tally
from jobboard.core.jobs.model import Spec
from jobboard.core.runs.run import Result
from jobboard.store.calls.connect import Store
from jobboard.store.runs.pushes import Parcel, push
from jobboard.store.runs.runs import Reserved, Runs

_ROOT = str(Path(__file__).parents[3])
TASKS: dict[str, Spec] = {
    "nothing": {
        "command": {"call": "bench.contest.apps.tally:nothing"},
        "cwd": _ROOT,
        "env": {"BENCH_TALLY": tally.TALLY},
    },
    "program": {"command": {"exec": list(tally.PROGRAM)}},
}


def send(task: str, count: int) -> None:
    """Enqueue."""
    with _store() as store:
        push(store, [Parcel("push/noop", TASKS[task]) for _ in range(count)], by="bench")


def work(slots: int) -> None:
    """Reserve and finish, so many a call; in between the task is called right here."""
    worker, queues = "bench", ["common"]
    with _store() as store:
        runs = Runs(store)
        runs.hello(
            worker, host="", pid=1, queues=queues, slots=slots, lease_ms=60_000, version="0", holding=[]
        )
        reserved: list[Reserved] | None = runs.reserve(worker, queues, slots)
        while reserved:
            for _ in reserved:
                tally.nothing()
            _, reserved = runs.finish_reserve(worker, [_ended(run) for run in reserved], queues, slots)
        runs.bye(worker)


def _ended(run: Reserved) -> Result:
    return Result(run.run_id, run.token, "ok", exit_code=0, started_ago_ms=1, ended_ago_ms=0)


def _store() -> Store:
    return Store(os.environ["BENCH_URL"], os.environ["JOBBOARD_NAMESPACE"])


if __name__ == "__main__":
    work(int(sys.argv[1]))
