"""Make a job that is on no board, or let it be what is said here.

jobboard put cleanup 'cron=0 3 * * *' timeout=10m -- find /tmp -mtime +7 -delete
jobboard put report --run 'make report | mail ana' every=1h

It is called loose/NAME, no sync touches it, and every other command knows it. All of it is said at once: what
is left out goes back to its default.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.commands.set import parsed
from jobboard.cli.values import shown
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.reconcile.loose import Put

TAKES_COMMAND = True
"""Words after ``--`` are the command's own."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard put`` and ``jobboard create``."""
    parser.add_argument("job", metavar="NAME", help="what to call it; the command follows after --")
    parser.add_argument("assignments", nargs="*", metavar="KEY=VALUE", help="as a board would write them")
    parser.add_argument("--run", metavar="TEXT", help="the command as a text for the shell, instead")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """Write it; say what moved."""
    return put(args, create=False)


def put(args: argparse.Namespace, *, create: bool) -> int:
    """Write the job; with `create` only where there is none."""
    from jobboard.reconcile.loose import put_job
    from jobboard.store.calls.connect import open_store

    settings = Settings.from_args(args)
    keys = _keys(args)
    with open_store(settings) as store:
        done = put_job(store, args.job, keys, by=project.by_of(settings, args.reason), create=create)
    if args.output == "json":
        print(json.dumps({"job": done.address, "outcome": done.outcome}, indent=2))
    else:
        _say(done)
    return 0


def _keys(args: argparse.Namespace) -> dict[str, Any]:
    if args.run and args.command:
        raise errors.UsageError("give one command", "words after --, or one text with --run")
    keys = parsed(args.assignments)
    if args.run:
        keys["run"] = args.run
    if args.command:
        keys["exec"] = list(args.command)
    return keys


def _say(done: Put) -> None:
    if done.outcome == "unchanged":
        print(f"{done.address} already says so; nothing was written.")
        return
    print(f"{done.address} was {done.outcome}.   jobboard next {done.address}")
    for field in done.fields:
        print(f"~ {field.path}  {shown(field.path, field.live)}  →  {shown(field.path, field.result)}")
