"""Run something once: a command that no job stands behind, or a job with a payload of its own.

jobboard push common -- ./thumbnail.sh 4711
jobboard push common --run 'ls -l | wc -l' --delay 10m --set timeout=5m
jobboard push --job shop/mail --payload '{"to": "ana"}' --id mail-4711
jobboard push common --after push/common@3f0c... -- ./report.sh

The payload is what the command reads on standard input; a small one is in JOBBOARD_PAYLOAD too. An id makes a
push safe to repeat: a second one leaves the run that is there alone, or with --replace takes its place.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.arguments import span_ms
from jobboard.cli.commands.logs import say
from jobboard.cli.commands.run import stranded_text
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.pushes import Parcel


TAKES_COMMAND = True
"""Words after ``--`` are the command's own."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard push``."""
    parser.add_argument(
        "queue", nargs="?", metavar="QUEUE", help="where it waits for a worker; the command follows after --"
    )
    parser.add_argument("--run", metavar="TEXT", help="the command as a text for the shell, instead")
    parser.add_argument("--job", metavar="JOB", help="run this job instead of a command")
    parser.add_argument("--name", metavar="NAME", help="what its runs are listed under (default: the queue)")
    parser.add_argument(
        "--payload", metavar="TEXT", help="what the command reads; - takes it from standard input"
    )
    parser.add_argument(
        "--id",
        metavar="ID",
        help="what its run id ends in; pushed again within a fortnight, it is left alone",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take the place of a run of this id that has not started, and run one that is over anew",
    )
    parser.add_argument("--delay", metavar="SPAN", help="not before so long from now")
    parser.add_argument("--at", metavar="INSTANT", help="not before this instant")
    parser.add_argument("--expires", metavar="SPAN", help="skipped if it has not started within this")
    parser.add_argument("--priority", type=int, metavar="N", help="higher goes first")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="a tag; again for more")
    parser.add_argument(
        "--after", action="append", default=[], metavar="RUN", help="wait until this run has ended ok; again"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any other key a job on a board has"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")


def execute(args: argparse.Namespace) -> int:
    """Make the run; say what it is called."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import pushes

    settings = Settings.from_args(args)
    _check(args)
    with open_store(settings) as store:
        (made,) = pushes.push(store, [_parcel(store, args)], by=settings.actor)
        if args.output == "json":
            print(json.dumps({"run": made.run_id, "outcome": made.outcome}, indent=2))
            return 0
        print(made.run_id)
        if made.outcome == "already":
            say(f"this id was pushed before, and its run is left alone; jobboard show {made.run_id}")
        elif args.queue and (stranded := stranded_text(store, args.queue)):
            say(stranded)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.job and (args.queue or args.command or args.run or args.name):
        raise errors.UsageError(
            "a job knows its own command and queue",
            "leave out the rest, or --job; --set queue=NAME moves this one run",
        )
    if not args.job and not args.queue:
        raise errors.UsageError("which queue?", "jobboard push QUEUE -- COMMAND, or jobboard push --job JOB")
    if not args.job and bool(args.command) == bool(args.run):
        raise errors.UsageError("give one command", "words after --, or one text with --run")
    if args.delay and args.at:
        raise errors.UsageError("--delay and --at both say when", "give one")
    if args.replace and not args.id:
        raise errors.UsageError("--replace of what?", "add --id ID")


def _parcel(store: Store, args: argparse.Namespace) -> Parcel:
    from jobboard.reconcile.pushing import make_parcel
    from jobboard.store.runs.views import find_job, find_run

    return make_parcel(
        store,
        queue=args.queue,
        job=find_job(store, args.job) if args.job else None,
        keys=_keys(args),
        payload=_payload(args.payload),
        name=args.name,
        at=args.at,
        id=args.id,
        delay_ms=span_ms(args.delay, "--delay") or 0,
        expires_in_ms=span_ms(args.expires, "--expires"),
        after=tuple(find_run(store, run).run_id for run in args.after),
        replace=args.replace,
        reason=args.reason,
    )


def _keys(args: argparse.Namespace) -> dict[str, Any]:
    from jobboard.cli.commands.set import parsed

    keys: dict[str, Any] = {}
    if args.run:
        keys["run"] = args.run
    elif args.command:
        keys["exec"] = list(args.command)
    if args.priority is not None:
        keys["priority"] = args.priority
    if args.tag:
        keys["tags"] = args.tag
    return {**keys, **parsed(args.set)}


def _payload(text: str | None) -> str | None:
    return sys.stdin.read() if text == "-" else text
