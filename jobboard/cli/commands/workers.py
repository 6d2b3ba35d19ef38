"""List workers: where each runs, what it serves and holds, and until when it is believed. Or have one stop.

jobboard workers
jobboard workers web-1                   one, with what it runs
jobboard workers drain web-1             it takes nothing new, lets its runs end, and stops
jobboard workers forget web-1            its host is gone: what it held is lost now, not when its lease ends

A worker goes by a name and what makes its process unique; the name alone does where one worker has it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import __version__, errors
from jobboard.cli import project
from jobboard.cli.approval import add_approval, approve
from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_span
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from jobboard.core.runs.facts import Worker
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

_ACTIONS = ("drain", "forget")
_BY_FUNCTION = "function"
"""The version that a worker has which is no jobboard, but calls the functions."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard workers``."""
    parser.add_argument(
        "words", nargs="*", metavar="[drain|forget] WORKER", help="a worker; without one, list all"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the record")
    add_approval(parser)


def execute(args: argparse.Namespace) -> int:
    """List; or do it and say so."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import world
    from jobboard.store.runs.views import find_worker

    settings = Settings.from_args(args)
    action, name = _asked(args.words)
    with open_store(settings) as store:
        workers = world.read_workers(store) if name is None else [find_worker(store, name)]
        if action:
            return _act(store, args, action, workers[0], project.by_of(settings, args.reason))
        now_ms = clocks.now_ms(store)
        runs = world.runs_of(store, [worker.name for worker in workers])
    if args.output == "json":
        said = [_as_json(worker, runs[worker.name]) for worker in workers]
        print(json.dumps({"workers": said}, indent=2))
    else:
        _show(workers, runs, now_ms, alone=name is not None)
    return 0


def _asked(words: Sequence[str]) -> tuple[str | None, str | None]:
    action = words[0] if words and words[0] in _ACTIONS else None
    names = words[1:] if action else words
    if len(names) > 1 or (action and not names):
        raise errors.UsageError("name one worker", "jobboard workers lists them")
    return action, names[0] if names else None


def _act(store: Store, args: argparse.Namespace, action: str, worker: Worker, by: Mapping[str, Any]) -> int:
    from jobboard.store.runs.runs import Runs

    runs = Runs(store)
    if action == "drain":
        if not runs.drain(worker.name, by=by):
            raise errors.UsageError(f"there is no worker {worker.name}", "jobboard workers lists them")
        said = f"{worker.name} takes nothing new, and stops when what it runs has ended: {worker.held} now."
        lost = 0
    else:
        approve(args, f"This gives up {worker.name} and {_count(worker.held)} of it")
        lost = runs.lost(worker.name, by=by)
        said = f"{worker.name} is forgotten; {_count(lost)} of it lost, and what their jobs say decides."
    if args.output == "json":
        print(json.dumps({"worker": worker.name, "outcome": action, "held": worker.held, "lost": lost}))
    else:
        print(said)
    return 0


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _show(
    workers: Sequence[Worker], runs: Mapping[str, Sequence[Record]], now_ms: int, *, alone: bool
) -> None:
    if not workers:
        print("No worker is registered. jobboard worker starts one.")
        return
    screen = Screen()
    rows = [
        [
            one.name,
            one.host,
            _queues(one),
            f"{one.held} of {one.slots}",
            "-" if one.started_at_ms is None else brief_span(max(0, now_ms - one.started_at_ms)),
            _lease(one, now_ms),
            _version(one),
            "" if one.state == "up" else one.state,
        ]
        for one in workers
    ]
    screen.table(["WORKER", "HOST", "QUEUES", "SLOTS", "UP", "LEASE", "VERSION", ""], rows)
    if any(one.outdated for one in workers):
        screen.line()
        words = f"One of an older format passes over what {__version__} queues: start it anew with that."
        screen.folded(words, "error")
    for one in workers if alone else ():
        screen.line()
        for run in runs[one.name]:
            since = brief_span(max(0, now_ms - (run.started_at_ms or now_ms)))
            screen.line(f"  {run.run_id}  {run.state} for {since}  queue {run.queue}")
        if not runs[one.name]:
            screen.line("  It runs nothing.")


def _queues(worker: Worker) -> str:
    """What it serves, with the slots of its own that a queue has: ``common, slow=1``."""
    own = worker.own_slots
    return ", ".join(f"{queue}={own[queue]}" if queue in own else queue for queue in worker.queues)


def _version(worker: Worker) -> str:
    """Of its jobboard; a program of any language, which calls the functions, is of none."""
    if worker.outdated:
        return f"{worker.version} (older format)"
    if worker.version in (__version__, _BY_FUNCTION):
        return worker.version
    return f"{worker.version} (not {__version__})"


def _lease(worker: Worker, now_ms: int) -> str:
    left_ms = worker.lease_until_ms - now_ms
    return brief_span(left_ms) if left_ms > 0 else f"over since {brief_span(-left_ms)}"


def _as_json(worker: Worker, runs: Sequence[Record]) -> dict[str, Any]:
    return {
        "worker": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "outdated": worker.outdated,
        "state": worker.state,
        "queues": list(worker.queues),
        "inboxes": list(worker.inboxes),
        "slots": worker.slots,
        "own_slots": dict(worker.own_slots),
        "order": worker.order,
        "held": worker.held,
        "started_at": instant_json(worker.started_at_ms),
        "lease_until": instant_json(worker.lease_until_ms),
        "runs": [{"run": run.run_id, "state": run.state, "queue": run.queue} for run in runs],
    }
