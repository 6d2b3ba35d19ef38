"""Show when jobs run next: one job, all of them, or any schedule at all.

  jobboard next                               the coming runs of every job
  jobboard next ops/backup -n 10
  jobboard next --cron "30 2 * * *" --timezone Europe/Madrid --from 2027-03-27T00:00:00Z
  jobboard next --schedule "{every: 3m5s, start: 2027-01-01T00:00:00Z}" -o json

Instants are nominals, which name the runs; where there is jitter, it is told beside them. Of a job that comes
once a window it is the earliest instant at which all its parents can have run; the window's beginning, told
beside it, is the nominal. Of a job that is named and has no schedule but runs after others, they are those
jobs' nominals. With --cron or --schedule neither a board nor a store is needed.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from jobboard.cli import fires

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard next``."""
    fires.add_arguments(parser, begin="strictly after this", bound=("--until", "up to and with this"))


def execute(args: argparse.Namespace) -> int:
    """List the fires."""
    from_ms, until_ms = fires.asked_span(args)
    asked, idle = fires.asked_schedules(args, "next")
    streams = [islice(fires.upcoming(timed, from_ms, until_ms), timed.spec.get("runs")) for timed in asked]
    none = fires.none_words(asked, idle, "Never, as far as the schedules say.")
    return fires.print_fires(fires.merged(streams, args.count), args, none=none)
