"""Make a job that is on no board the one that a board's file declares. It keeps its times, holds and history.

  jobboard adopt loose/cleanup ops/cleanup
  jobboard adopt loose/cleanup ops/cleanup --on-conflict file

Nothing else of the board is written. Where the two say different things it is a conflict, as of any edit:
take the file, or keep what is in Redis, which is drift from then on. To do it for many, with the next sync,
write  moved: [{from: loose/cleanup, to: cleanup}]  into the board.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.plans.faults import nothing_written
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.core.plans.plan import Plan

TAKES_COMMAND = False
"""Paths may follow options."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard adopt``."""
    parser.add_argument("job", metavar="JOB", help="loose/NAME, or NAME alone")
    parser.add_argument("target", metavar="BOARD/JOB", help="the job of a board that it is to be")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="board files, or folders (default: boards/)")
    parser.add_argument(
        "--on-conflict",
        choices=["fail", "file", "live"],
        help="where the file and Redis differ: fail, take the file, or keep Redis",
    )
    parser.add_argument("--take-ownership", action="store_true", help="though the board is of another origin")
    parser.add_argument("--allow-dirty", action="store_true", help="though no commit holds the file as it is")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the history")


@nothing_written()
def execute(args: argparse.Namespace) -> int:
    """Plan it, show it, write it."""
    from jobboard.cli.plans.text import PlanText
    from jobboard.cli.screen import Screen
    from jobboard.core.names import is_address
    from jobboard.reconcile.applying import apply, refuse
    from jobboard.reconcile.around import look_around
    from jobboard.reconcile.loose import address_of_loose
    from jobboard.reconcile.planning import make_plan
    from jobboard.reconcile.sources import Options

    settings = Settings.from_args(args)
    if not is_address(args.target):
        raise errors.UsageError(f"{args.target!r} is not BOARD/JOB", "as in ops/cleanup")
    source = address_of_loose(args.job)
    options = Options(
        adopted={source: args.target},
        on_conflict=args.on_conflict,
        take_ownership=args.take_ownership,
        committed_only=project.may_be_shared(settings),
        allow_dirty=args.allow_dirty,
    )
    sources = project.read_sources(args.paths, settings.root, settings.project)
    with project.open_for(settings, sources) as store:
        planned = make_plan(store, sources, options)
        if args.output != "json":
            # Jobs of the board that take no part, and what a sync would do with them, are no matter here.
            shown = replace(planned, plan=replace(planned.plan, left_out=()))
            PlanText(Screen(), shown, look_around(store, planned.plan), project.store_name(settings)).write()
        refuse(planned.plan)
        synced = apply(store, planned, project.by_of(settings, args.reason))
    _say(source, args.target, synced.plan, synced.revision, as_json=args.output == "json")
    return 0


def _say(source: str, target: str, plan: Plan, revision: int | None, *, as_json: bool) -> None:
    if as_json:
        fields = [field.path for change in plan.changes for field in change.fields]
        said = {"source": source, "job": target, "outcome": "adopted", "revision": revision}
        print(json.dumps({**said, "fields": fields}, indent=2))
    else:
        print(f"{source} is {target} now. Revision {revision}.")
