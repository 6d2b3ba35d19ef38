"""Hold a job, a board, a tag, a queue or everything: nothing of it starts until the hold ends.

jobboard pause ops/backup --reason "vendor outage"
jobboard pause --tag db --for 2h
jobboard pause ops --until '2026-11-23 09:00'      UTC, unless it has an offset

What runs goes on. A nominal that falls inside a hold is not caught up; runs in a held queue stay in it.
No sync ends a hold.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project, scopes
from jobboard.cli.records import instant_json
from jobboard.core.moment import brief_instant
from jobboard.core.remedy import resume_command
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard pause``."""
    scopes.add_scope(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for all who ask later")
    scopes.add_span(parser)


def execute(args: argparse.Namespace) -> int:
    """Hold, and say what that means."""
    from jobboard.store import clocks, holds
    from jobboard.store.connect import open_store

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        scope = scopes.scope_of(store, args)
        until_ms = scopes.until_of(args, clocks.now_ms(store))
        by = project.by_of(settings, args.reason)
        at_ms = holds.pause(store, scope, by=by, reason=args.reason, until_ms=until_ms)
        covered = scopes.covered_by(store, scope, at_ms)
    if args.output == "json":
        said = {
            "scope": scope,
            "since": instant_json(at_ms),
            "until": instant_json(until_ms),
            "jobs": [standing.address for standing in covered],
        }
        print(json.dumps(said, indent=2))
        return 0
    until = f" until {brief_instant(until_ms, None, at_ms)} UTC" if until_ms is not None else ""
    jobs = "" if scope.startswith("job:") else f" ({len(covered)} job{'s' if len(covered) != 1 else ''})"
    print(f"{scopes.subject(scope)} is paused{until}{jobs}.")
    live = sum(standing.live for standing in covered)
    if live:
        print(f"{live} unfinished run{'s go' if live != 1 else ' goes'} on; jobboard runs lists them.")
    print(f"{resume_command(scope)} ends the hold.")
    return 0
