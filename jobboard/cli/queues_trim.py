"""Calling off what waits in a queue beyond a number, or for longer than a span; each run with a record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.approval import approve
from jobboard.core.duration import parse_duration

if TYPE_CHECKING:
    import argparse

    from jobboard.settings import Settings
    from jobboard.store.connect import Store


def trim(store: Store, args: argparse.Namespace, settings: Settings) -> int:
    """Find them, ask, call them off; what has started by then goes on."""
    from jobboard.store.runs import Runs

    runs = _beyond(store, args)
    if runs:
        approve(args, f"This calls off {_count(len(runs))} of queue {args.queue}")
    runs_path = Runs(store)
    tags = {run: runs_path.cancel(run, settings.actor, unstarted=True) for run in runs}
    done = sum(tag == "CANCELLED" for tag in tags.values())
    if args.output == "json":
        said = [{"run": run, "outcome": tag.lower()} for run, tag in tags.items()]
        print(json.dumps({"queue": args.queue, "runs": said}, indent=2))
    else:
        print(f"{_count(done)} of queue {args.queue} called off.")
    return 0


def _beyond(store: Store, args: argparse.Namespace) -> list[str]:
    from jobboard.core.names import QUEUE_RULE, is_queue
    from jobboard.store import clocks, past
    from jobboard.store.reschedule import queued_in

    if not is_queue(args.queue):
        raise errors.UsageError(f"{args.queue or 'nothing'!r} cannot be a queue", f"a name is {QUEUE_RULE}")
    if (args.keep is None) == (args.older is None) or (args.keep or 0) < 0:
        raise errors.UsageError("say --keep N or --older SPAN", "as in --keep 100, or --older 2h")
    if args.keep is not None:
        return queued_in(store, args.queue)[args.keep :]
    try:
        since_ms = clocks.now_ms(store) - parse_duration(args.older)
    except ValueError as error:
        raise errors.UsageError(str(error), "as in --older 2h") from error
    waiting = past.read_live(store, queued_in(store, args.queue))
    return [run.run_id for run in waiting if (run.queued_at_ms or since_ms) < since_ms]


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"
