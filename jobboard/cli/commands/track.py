"""Track a run: it is listed apart, and what is known of it is kept until nobody tracks it any more.

jobboard track backup                      the job's latest run
jobboard track push/mail@4711
jobboard runs --tracked                    all that are tracked, a thousand at most
jobboard untrack push/mail@4711

The record of a tracked run outlives the bounds of the history, and its output goes last of all; where its job
says how long output is kept, that holds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard track``."""
    parser.add_argument("run", metavar="RUN|JOB", help="a run, or a job for its latest run")


def execute(args: argparse.Namespace, *, tracked: bool = True) -> int:
    """Track it, or not any more; say so."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.marks import mark
    from jobboard.store.runs.views import find_run

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        run = find_run(store, args.run)
        mark(store, run, by=project.by_of(settings), tracked=tracked)
    if args.output == "json":
        print(json.dumps({"run": run.run_id, "tracked": tracked}, indent=2))
    elif tracked:
        print(f"{run.run_id} is tracked; jobboard runs --tracked lists it.")
        print(f"jobboard untrack {run.run_id} ends that.")
    else:
        print(f"{run.run_id} is not tracked{' any more' if run.tracked else ''}.")
    return 0
