"""Remove a job that is on no board. What it was is kept as a tombstone; its runs that wait are called off.

jobboard rm cleanup --reason "the disk is larger now"
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard rm``."""
    parser.add_argument("job", metavar="JOB", help="loose/job, or the job alone where that is unique")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """Remove it."""
    from jobboard.reconcile.loose import remove_job
    from jobboard.store.connect import open_store
    from jobboard.store.views import find_job

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        remove_job(store, address, by=project.by_of(settings, args.reason))
    print(json.dumps({"address": address, "outcome": "removed"}) if args.output == "json" else f"- {address}")
    return 0
