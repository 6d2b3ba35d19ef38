"""Remove what is known of runs for good: record, tries, output, tags. Nothing brings it back.

jobboard destroy backup@2026-11-20T02        a run that is over, or has not started
jobboard destroy push/mail@4711 push/mail@4712 --auto-approve
jobboard destroy backup@2026-11-20T03 --force  one that runs: it is stopped, and gone when it is over

What has not started is called off, with what that means for those that wait for it. What was counted of a run
stays counted, and the audit stream keeps who destroyed it and why.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.approval import add_approval, approve
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.store.runs.destroy import Destroyed

_SAID = {
    "destroyed": "is gone.",
    "stopping": "is being stopped, and gone when its worker says that it is over.",
    "running": "runs, and is left alone: jobboard cancel stops it, --force destroys it too.",
    "unknown": "was gone already.",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard destroy``."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="runs, as JOB@BEGINNING-OF-ITS-NOMINAL")
    parser.add_argument("--force", action="store_true", help="stop what runs, and destroy it then")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")
    add_approval(parser)


def execute(args: argparse.Namespace) -> int:
    """Find them, ask, remove them, say so."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.destroy import destroy_all
    from jobboard.store.runs.views import find_run_and_job

    settings = Settings.from_args(args)
    for text in args.runs:
        if "@" not in text:
            raise errors.UsageError(f"{text} is no run", f"name one of those of jobboard runs {text}")
    with open_store(settings) as store:
        found = {run.run_id: (run, job) for run, job in map(partial(find_run_and_job, store), args.runs)}
        what = next(iter(found)) if len(found) == 1 else f"{len(found)} runs"
        approve(args, f"This removes {what} for good, record and output")
        by = project.by_of(settings, args.reason)
        done = destroy_all(store, list(found.values()), by=by, force=args.force)
    left = [one for one in done if one.outcome == "running"]
    if len(done) == 1 and left:
        raise errors.Refused(
            f"{left[0].run_id} runs", "jobboard cancel stops it; --force stops and destroys it"
        )
    if args.output == "json":
        said = [{"run": one.run_id, "outcome": one.outcome, "complete": one.complete} for one in done]
        print(json.dumps({"runs": said}, indent=2))
    else:
        _say(done)
    return errors.Refused.exit_code if left else 0


def _say(done: Sequence[Destroyed]) -> None:
    for one in done:
        print(f"{one.run_id} {_SAID[one.outcome]}")
        if not one.complete:
            print("  Older records of it may be left: the history is longer than what was looked through.")
