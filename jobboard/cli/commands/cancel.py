"""Stop a run, or take it out of its queue. Its command gets TERM, and KILL when its kill_after is over.

jobboard cancel backup                   its unfinished run
jobboard cancel backup --all             all of them
jobboard cancel backup@2026-11-20T02     one
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

_SAID = {
    "CANCELLED": "is called off; it had not started.",
    "STOPPING": "is being stopped; its worker has been told.",
    "ALREADY": "is over, or being stopped already.",
    "UNKNOWN": "is gone from the store.",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard cancel``."""
    parser.add_argument("what", metavar="RUN|JOB", help="a run, or a job for its unfinished run")
    parser.add_argument("--all", action="store_true", help="all unfinished runs of the job")


def execute(args: argparse.Namespace) -> int:
    """Find what is meant, call it off, say what that did."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.runs import Runs

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        job, runs = _meant(store, args.what, everything=args.all)
        tags = {run.run_id: Runs(store).cancel(run.run_id, settings.actor) for run in runs}
    if args.output == "json":
        said = [{"run": run_id, "outcome": tag.lower()} for run_id, tag in tags.items()]
        print(json.dumps({"runs": said}, indent=2))
        return 0
    for run_id, tag in tags.items():
        print(f"{run_id} {_SAID[tag]}")
    if not tags:
        print(f"{job} has no unfinished run. jobboard runs {job} lists those that ended.")
    elif "STOPPING" in tags.values():
        stopping = next(run_id for run_id, tag in tags.items() if tag == "STOPPING")
        print(f"jobboard logs -f {stopping} shows it end.")
    return 0


def _meant(store: Store, what: str, *, everything: bool) -> tuple[str, Sequence[Record]]:
    """The job's address, and its runs that are to be called off."""
    from jobboard.store.runs import past
    from jobboard.store.runs.views import find_job_or_past, find_run

    if "@" in what:
        run = find_run(store, what)
        return run.job, [run]
    job = find_job_or_past(store, what)
    live = past.live_runs(store, job)
    if len(live) > 1 and not everything:
        named = ", ".join(run.run_id for run in live[:6])
        raise errors.UsageError(f"{job} has {len(live)} unfinished runs", f"name one, or add --all: {named}")
    return job, live
