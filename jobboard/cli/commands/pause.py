"""Hold a job, a board, a tag, a queue or everything: nothing of it starts until the hold ends.

jobboard pause ops/backup --reason "vendor outage"
jobboard pause --tag db --for 2h
jobboard pause ops --until '2026-11-23 09:00'      UTC, unless it has an offset

What runs goes on, unless --stop ends it; what had not started waits for the end of the hold. A nominal that
falls inside a hold is not caught up. No sync ends a hold. jobboard run --force starts a job all the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project, scopes
from jobboard.cli.records import instant_json
from jobboard.core.scope import resume_command
from jobboard.core.times.moment import brief_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard pause``."""
    scopes.add_scope(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for all who ask later")
    scopes.add_span(parser)
    parser.add_argument(
        "--stop", action="store_true", help="end what runs of it too, as jobboard cancel does"
    )


def execute(args: argparse.Namespace) -> int:
    """Hold, and say what that means."""
    from jobboard.store.boards import holds
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import overview, queues
    from jobboard.store.runs.runs import Runs
    from jobboard.store.runs.views import remarks

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        scope = scopes.scope_of(store, args)
        until_ms = scopes.until_of(args, clocks.now_ms(store))
        by = project.by_of(settings, args.reason)
        at_ms = holds.pause(store, scope, by=by, reason=args.reason, until_ms=until_ms)
        covered = overview.covered_by(store, scope, at_ms)
        running, waiting = overview.unfinished(store, covered)
        in_line = queues.in_line_under(store, scope, at_ms)
        unknown = [] if covered or in_line else remarks(store, queue=args.queue, tag=args.tag)
        if args.stop:
            for run in running:
                Runs(store).cancel(run.run_id, settings.actor)
    if args.output == "json":
        said = {
            "scope": scope,
            "since": instant_json(at_ms),
            "until": instant_json(until_ms),
            "jobs": [standing.job for standing in covered],
            "running": [run.run_id for run in running],
            "stopping": args.stop,
            "waiting": [run.run_id for run in waiting],
            **({} if in_line is None else {"in_line": in_line}),
        }
        print(json.dumps(said, indent=2))
        return 0
    until = f" until {brief_instant(until_ms, None, at_ms)} UTC" if until_ms is not None else ""
    jobs = "" if scope.startswith("job:") else f" ({len(covered):,} job{'s' if len(covered) != 1 else ''})"
    print(f"{scopes.subject(scope)} is paused{until}{jobs}.")
    for remark in unknown:
        print(remark)
    if running and args.stop:
        are = "runs are" if len(running) != 1 else "run is"
        print(f"{len(running)} {are} being stopped; jobboard runs tells how they end.")
    elif running:
        print(
            f"{len(running)} running run{'s go' if len(running) != 1 else ' goes'} on; --stop would end them."
        )
    stays = len(waiting) if in_line is None else in_line
    if stays:
        stay = "stay where they are" if stays != 1 else "stays where it is"
        print(f"{stays} that had not started {stay} until the hold ends.")
    print(f"{resume_command(scope)} ends the hold.")
    return 0
