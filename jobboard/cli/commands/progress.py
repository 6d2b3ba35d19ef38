"""From inside a job: say how far it is, for show, runs and why, and that it is alive.

jobboard progress 40 "copying"
jobboard progress --failure "the disk is full" --group disk     what to say of the run if it fails
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jobboard import errors, report

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard progress``."""
    parser.add_argument("percent", nargs="?", metavar="PERCENT", help="how far it is, 0 to 100")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what it is doing")
    parser.add_argument("--failure", metavar="TEXT", help="what to say of the run if it fails")
    parser.add_argument("--group", metavar="NAME", help="which group of failures it then belongs to")


def execute(args: argparse.Namespace) -> int:
    """Report to the worker."""
    if report.VARIABLE not in os.environ:
        raise errors.UsageError(
            "this is no run of a job", "progress is for commands that a worker has started"
        )
    percent, text = _split(args.percent, args.text)
    try:
        taken = report.progress(percent, text, failure=args.failure, group=args.group)
    except ValueError as error:
        raise errors.UsageError(str(error)) from error
    if not taken:
        raise errors.StoreUnreachable("the worker of this run does not answer")
    return 0


def _split(first: str | None, second: str | None) -> tuple[int | None, str | None]:
    """A percentage and a text, of which either may be missing."""
    if first is None:
        return None, None
    number = first.removesuffix("%")
    if number.isdecimal():
        return int(number), second
    if second is not None:
        raise errors.UsageError(f"{first!r} is no percentage", 'write  jobboard progress 40 "copying"')
    return None, first
