"""Mark a run with tags, or take some off it; without any, show them. Live or over makes no difference.

jobboard tag backup urgent                          the job's latest run
jobboard tag push/mail@4711 acme vip --remove slow
jobboard runs --tag acme                            what is marked so

A run begins with the tags of its job. A tag that one gets while it waits counts for jobboard pause --tag too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

INTERMIXED = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard tag``."""
    parser.add_argument("run", metavar="RUN|JOB", help="a run, or a job for its latest run")
    parser.add_argument("tags", nargs="*", metavar="TAG", help="tags to give it")
    parser.add_argument(
        "--remove", action="append", default=[], metavar="TAG", help="take one off; again for more"
    )


def execute(args: argparse.Namespace) -> int:
    """Change them, and say which there are."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.marks import mark
    from jobboard.store.runs.views import find_run

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        run = find_run(store, args.run)
        tags = run.tags
        if args.tags or args.remove:
            tags = mark(store, run, by=project.by_of(settings), add=args.tags, remove=args.remove).tags
    if args.output == "json":
        print(json.dumps({"run": run.run_id, "tags": list(tags)}, indent=2))
    else:
        print(f"{run.run_id}: {', '.join(tags) or 'no tags'}")
    return 0
