"""Change which runs a run waits for, while it has not started.

jobboard depend push/common@report --on push/common@extract
jobboard depend push/common@report --off push/common@extract
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard depend``."""
    parser.add_argument("run", metavar="RUN", help="the run that waits")
    parser.add_argument("--on", action="append", default=[], metavar="RUN", help="wait for this one; again")
    parser.add_argument(
        "--off", action="append", default=[], metavar="RUN", help="wait for this one no more; again"
    )


def execute(args: argparse.Namespace) -> int:
    """Change it; say what it waits for now."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import pushes
    from jobboard.store.runs.views import find_run

    settings = Settings.from_args(args)
    if not args.on and not args.off:
        raise errors.UsageError("nothing to change", "add --on RUN or --off RUN")
    with open_store(settings) as store:
        run_id = find_run(store, args.run).run_id
        add = [find_run(store, run).run_id for run in args.on]
        remove = [find_run(store, run).run_id for run in args.off]
        state = pushes.depend(store, run_id, add=add, remove=remove)
    if args.output == "json":
        print(json.dumps({"run": run_id, "state": state}, indent=2))
    else:
        print(f"{run_id} is {state}")
    return 0
