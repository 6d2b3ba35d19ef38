"""The options of ``simulate`` and ``plan --simulate``, of which `cli.scenario` makes the circumstances."""

from __future__ import annotations

import argparse

from jobboard.cli.arguments import natural, time_zone

_MOST_HOURS = 24 * 366


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that simulates."""
    group = parser.add_argument_group("what is simulated")
    group.add_argument("--hours", type=_hours, default=24.0, metavar="N", help="how many hours (default: 24)")
    group.add_argument(
        "--from", dest="start", metavar="INSTANT", help="the first instant (default: this minute)"
    )
    group.add_argument(
        "--timezone",
        type=time_zone,
        metavar="ZONE",
        help="of --from, and of times as they are printed (default: UTC)",
    )
    group.add_argument(
        "--slots", type=natural, metavar="N", help="how many runs at once over all queues (default: no limit)"
    )
    group.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME=N",
        help="slots of their own for a queue; may be repeated",
    )
    group.add_argument(
        "--durations",
        action="append",
        default=[],
        metavar="[JOB=]SPAN",
        help="how long runs take, all (default: 1m) or those of a job; JOB may be a pattern",
    )
    group.add_argument(
        "--recorded", action="store_true", help="take durations from the store's history where it has some"
    )
    group.add_argument(
        "--exits",
        action="append",
        default=[],
        metavar="JOB=CODE,…",
        help="exit codes of a run's tries, the last for all that follow (default: success)",
    )
    group.add_argument(
        "--downtime", action="append", default=[], metavar="FROM/UNTIL", help="no scheduler runs then"
    )


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"takes a number of hours up to {_MOST_HOURS:,}, not {text!r}")
    return hours
