"""Show when jobs were due before, newest first: one job, all of them, or any schedule at all.

  jobboard prev                               the latest instants of every job
  jobboard prev ops/backup -n 10
  jobboard prev --cron "30 2 * * *" --timezone Europe/Madrid --from 2027-03-29T00:00:00Z

These are the instants that the schedules name, whether anything ran or not: `jobboard runs` lists what did.
With --cron or --schedule neither a board nor a store is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli import fires

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard prev``."""
    fires.add_arguments(parser, begin="at or before this", bound=("--since", "not before this"))


def execute(args: argparse.Namespace) -> int:
    """List the fires."""
    from_ms, since_ms = fires.asked_span(args, newest_first=True)
    asked, idle = fires.asked_schedules(args, "prev")
    streams = [fires.gone_by(timed, from_ms, since_ms) for timed in asked if timed.begins_ms is None]
    found = fires.merged(streams, args.count, newest_first=True)
    return fires.print_fires(found, args, none=idle or "Never yet, as far as the schedules say.")
