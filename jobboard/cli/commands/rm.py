"""Remove a job. What it was is kept, and undelete brings it back; its runs that wait are called off.

jobboard rm loose/cleanup
jobboard rm ops/backup --reason "the host is gone"

A job of a board is removed for a reason: its file still declares it, so every plan shows that it was removed,
by whom and why, and no sync makes it again unless a policy says so (--on-drift revert).
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
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    parser.add_argument("--reason", metavar="TEXT", help="why, for all who see the plan")


def execute(args: argparse.Namespace) -> int:
    """Remove it."""
    from jobboard.core.names import LOOSE, split_address
    from jobboard.reconcile.removing import remove_job
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        remove_job(store, address, by=project.by_of(settings, args.reason))
    if args.output == "json":
        print(json.dumps({"job": address, "outcome": "removed"}))
        return 0
    print(f"- {address}")
    if split_address(address)[0] != LOOSE:
        print("Its file still declares it: take it out there too. Until then plans show that it was removed.")
    print(f"jobboard undelete {address} brings it back.")
    return 0
