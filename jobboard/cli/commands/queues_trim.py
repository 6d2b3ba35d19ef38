"""``jobboard queues trim``: what it would call off, the question, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli.approval import approve
from jobboard.cli.arguments import span_ms

if TYPE_CHECKING:
    import argparse

    from jobboard.settings import Settings
    from jobboard.store.calls.connect import Store


def trim(store: Store, args: argparse.Namespace, settings: Settings) -> int:
    """Find them, ask, call them off; what has started by then goes on."""
    from jobboard.store.runs import trimming

    runs = trimming.beyond(store, args.queue, keep=args.keep, older_ms=span_ms(args.older, "--older"))
    if runs:
        approve(args, f"This calls off {_count(len(runs))} of queue {args.queue}")
    became = trimming.call_off(store, runs, actor=settings.actor)
    if args.output == "json":
        said = [{"run": run, "outcome": outcome} for run, outcome in became.items()]
        print(json.dumps({"queue": args.queue, "runs": said}, indent=2))
    else:
        done = sum(outcome == "cancelled" for outcome in became.values())
        print(f"{_count(done)} of queue {args.queue} called off.")
    return 0


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"
