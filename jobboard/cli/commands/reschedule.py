"""Change when a run that has not started runs, in which queue, and before whom.

jobboard reschedule backup --delay 2h
jobboard reschedule backup@2026-11-20T02 --at 2026-11-20T22:00:00Z
jobboard reschedule backup --now                       not when its delay is over
jobboard reschedule backup --queue fast --priority 50
jobboard reschedule --all --from slow --queue fast     every run in line there

It keeps its age: among runs of one priority the older goes first, wherever it came from.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.arguments import instant_ms, span_ms
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.calls.connect import Store

_WHY_NOT = {
    "STARTED": ("has started", "jobboard cancel {run} stops it"),
    "UNKNOWN": ("is over", "jobboard retry {run} has it run again if it did not end well"),
    "DOOMED": ("is about to be skipped", "jobboard why {run} says what for"),
    "EXPIRES": ("has to start before that, or is skipped", "name an earlier instant"),
}
_LOWEST, _HIGHEST = -1000, 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard reschedule``."""
    parser.add_argument("what", nargs="?", metavar="RUN|JOB", help="a run, or a job for its unfinished run")
    parser.add_argument("--all", action="store_true", help="with --from, every run in line in that queue")
    parser.add_argument("--from", dest="source", metavar="QUEUE", help="with --all, which queue")
    parser.add_argument("--queue", metavar="QUEUE", help="the queue it is to wait in")
    parser.add_argument(
        "--priority", type=int, metavar="N", help=f"{_LOWEST} to {_HIGHEST}; higher goes first"
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--at", metavar="INSTANT", help="not before this; UTC where it names no zone")
    when.add_argument("--delay", metavar="SPAN", help="not before so long from now")
    when.add_argument("--now", action="store_true", help="as soon as may be")


def execute(args: argparse.Namespace) -> int:
    """Find what is meant, change it, say so."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.reschedule import queued_in, reschedule

    settings = Settings.from_args(args)
    changes = _changes(args)
    with open_store(settings) as store:
        runs = queued_in(store, args.source) if args.all else [_meant(store, args.what)]
        answers = reschedule(store, runs, by=project.by_of(settings), **changes)
    found = dict(zip(runs, answers, strict=True))
    refused = {run: tag for run, (tag, _) in found.items() if tag != "OK"}
    if refused and not args.all:
        ((run, tag),) = refused.items()
        words, way_out = _WHY_NOT[tag]
        raise errors.Refused(f"{run} {words}", way_out.format(run=run))
    if args.output == "json":
        said = [{"run": run, "outcome": tag.lower(), "state": state} for run, (tag, state) in found.items()]
        print(json.dumps({"runs": said}, indent=2))
    elif args.all:
        print(f"{len(found) - len(refused)} of {len(found)} runs rescheduled.")
    else:
        print(f"{runs[0]} is {answers[0][1]}.\njobboard why {runs[0]} says what it waits for.")
    return 0


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    from jobboard.core.names import QUEUE_RULE, is_queue

    if args.all == (args.what is not None) or args.all != (args.source is not None):
        raise errors.UsageError("say which run", "name one, or say --all --from QUEUE")
    for queue in filter(None, (args.queue, args.source)):
        if not is_queue(queue):
            raise errors.UsageError(f"{queue!r} cannot be a queue", f"a name is {QUEUE_RULE}")
    if args.priority is not None and not _LOWEST <= args.priority <= _HIGHEST:
        raise errors.UsageError(f"{args.priority} is no priority", f"{_LOWEST} to {_HIGHEST}")
    due_ms = 0 if args.now else instant_ms(args.at, "--at")
    delay_ms = span_ms(args.delay, "--delay")
    changes = {
        "queue": args.queue,
        "priority": args.priority,
        "due_ms": due_ms,
        "delay_ms": delay_ms,
    }
    if all(value is None for value in changes.values()):
        raise errors.UsageError("nothing is to be changed", "say --at, --delay, --now, --queue or --priority")
    return changes


def _meant(store: Store, what: str) -> str:
    from jobboard.store.runs import past
    from jobboard.store.runs.views import find_job_or_past, find_run

    if "@" in what:
        return find_run(store, what).run_id
    job = find_job_or_past(store, what)
    live = past.live_runs(store, job)
    if len(live) != 1:
        named = " or ".join(run.run_id for run in live[:6])
        way_out = f"name one: {named}" if live else f"jobboard runs {job} lists those that ended"
        raise errors.UsageError(f"{job} has {len(live) or 'no'} unfinished runs", way_out)
    return live[0].run_id
