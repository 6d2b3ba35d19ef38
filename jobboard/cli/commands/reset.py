"""Count a job's runs anew: of one that is to run so often, as its `runs` says.

jobboard reset ops/rollout

The count outlives every edit and sync; this clears it. A job that had come to its end is due again, from now
on: what it would have run for meanwhile is not caught up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard reset``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """Clear the count, and say what it was."""
    from jobboard.reconcile.resetting import reset_runs
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        used = reset_runs(store, address, by=project.by_of(settings, args.reason))
    if args.output == "json":
        print(json.dumps({"job": address, "used": used}, indent=2))
    elif used:
        print(f"{address} counts its runs anew, after {used:,}; jobboard next {address} says when.")
    else:
        print(f"{address} has made no scheduled run that counts; nothing was to be cleared.")
    return 0
