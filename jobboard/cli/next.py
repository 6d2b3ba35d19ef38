"""Show when jobs run next: one job, all of them, or any schedule at all.

  jobboard next                               the coming runs of every job
  jobboard next ops/backup -n 10
  jobboard next --cron "30 2 * * *" --timezone Europe/Madrid --from 2027-03-27T00:00:00Z
  jobboard next --schedule "{every: 3m5s, start: 2027-01-01T00:00:00Z}" -o json

With --cron or --schedule neither a board nor a store is needed.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from jobboard.cli import fires

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard next``."""
    fires.add_arguments(parser)
    parser.add_argument("--from", dest="start", metavar="INSTANT", help="strictly after this (default: now)")
    parser.add_argument("--until", metavar="INSTANT", help="up to and with this")


def execute(args: argparse.Namespace) -> int:
    """List the fires."""
    from_ms = fires.instant_or_now(args.start)
    until_ms = None if args.until is None else fires.instant(args.until)
    asked = fires.asked_schedules(args, "next")
    streams = [islice(fires.upcoming(timed, from_ms, until_ms), timed.spec.get("runs")) for timed in asked]
    none = fires.none_words(asked, "Never, as far as the schedules say.")
    return fires.print_fires(fires.merged(streams, args.count), args, none=none)
