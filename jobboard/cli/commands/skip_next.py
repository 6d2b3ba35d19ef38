"""Pass over the next runs of a job that its schedule, or the jobs before it, would start; once.

jobboard skip-next ops/backup --reason "the disk is being moved"
jobboard skip-next ops/backup --count 3
jobboard skip-next ops/backup --clear

Each is put on record as skipped, and the jobs after it are passed over with it. What a hold or an unfinished
run keeps from starting anyway does not count, nor does a run by hand. No sync ends it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard skip-next``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    parser.add_argument("--count", type=int, metavar="N", help="how many runs (default: 1)")
    parser.add_argument("--clear", action="store_true", help="skip none after all")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the records of what was skipped")


def execute(args: argparse.Namespace) -> int:
    """Ask for it, and say what it means."""
    from jobboard.reconcile.skipping import skip_runs
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    if args.clear and args.count is not None:
        raise errors.UsageError("--clear skips none, --count some", "leave one of them out")
    count = None if args.clear else 1 if args.count is None else args.count
    settings = Settings.from_args(args)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        by = project.by_of(settings, args.reason)
        before = skip_runs(store, address, count, by=by, reason=args.reason)
    if args.output == "json":
        print(json.dumps({"job": address, "left": count or 0, "before": before}, indent=2))
        return 0
    print(_said(address, count or 0, before))
    return 0


def _said(address: str, count: int, before: int) -> str:
    if not count:
        return f"{address} skips nothing{' any more' if before else '; nothing was asked for'}."
    runs = f"The next {count} runs of {address} are" if count > 1 else f"The next run of {address} is"
    instead = f", instead of {before}" if before and before != count else ""
    return f"{runs} skipped{instead}; jobboard skip-next {address} --clear takes that back."
