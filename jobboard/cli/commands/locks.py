"""Show locks: who holds each, where and since when, and who waits. Or take one away from a run.

jobboard locks                           every lock
jobboard locks db                        one, with those who wait for it in their order
jobboard locks break db --reason "the host is gone"
jobboard locks break db --run backup@2026-11-20T02 --reason "it hangs, and reads only"

Breaking a lock stops nothing: the run goes on without it, marked, beside whoever gets it next. To end the
run, and free the lock with it: jobboard cancel RUN.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_span
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.runs.heldlocks import LockStanding


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard locks``."""
    parser.add_argument("words", nargs="*", metavar="[break] LOCK", help="a lock; without one, all of them")
    parser.add_argument("--run", metavar="RUN", help="with break, the holder that is to lose it")
    parser.add_argument("--reason", metavar="TEXT", help="with break, why, for the record")


def execute(args: argparse.Namespace) -> int:
    """Show, or take away and say so."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import heldlocks

    settings = Settings.from_args(args)
    lock, breaking = _asked(args)
    with open_store(settings) as store:
        if lock is not None and breaking:
            run = heldlocks.take_away(store, lock, args.run, by=project.by_of(settings, args.reason))
        standings = heldlocks.survey(store) if lock is None else [heldlocks.find_lock(store, lock)]
        now_ms = clocks.now_ms(store)
    if args.output == "json":
        print(json.dumps({"locks": [_as_json(one) for one in standings]}, indent=2))
    elif breaking:
        print(f"{run} holds lock {lock} no more, and goes on.\njobboard cancel {run} stops it.")
    else:
        _show(standings, now_ms, alone=lock is not None)
    return 0


def _asked(args: argparse.Namespace) -> tuple[str | None, bool]:
    """The lock that is meant, and whether it is to be broken; a lock called break is shown by two words."""
    words: list[str] = args.words
    breaking = len(words) > 0 and words[0] == "break"
    if len(words) > 1 + breaking or (breaking and len(words) == 1):
        raise errors.UsageError("name one lock", "as in jobboard locks break db --reason TEXT")
    if breaking and not args.reason:
        raise errors.UsageError(
            "a lock is broken for a reason", 'add --reason "why", for those who see the run'
        )
    if not breaking and (args.run or args.reason):
        raise errors.UsageError("--run and --reason are for break", "jobboard locks break LOCK --reason TEXT")
    return (words[-1] if words else None), breaking


def _show(standings: Sequence[LockStanding], now_ms: int, *, alone: bool) -> None:
    if not standings:
        print("No job has a lock. A job takes some with  locks: [db]")
        return
    rows = []
    for one in standings:
        used = f"{len(one.holders)} of {one.capacity}"
        waiting = str(one.waiting) if one.waiting else ""
        holders = [_holding(run, now_ms) for run in one.holders] or [("", "", "")]
        rows.append([one.lock, used, *holders[0], waiting])
        rows += [["", "", *holder, ""] for holder in holders[1:]]
    screen = Screen()
    screen.table(["LOCK", "HELD", "BY", "FOR", "ON", "WAITING"], rows)
    if alone and standings[0].waiters:
        screen.line()
        screen.line("Waiting, the next one first")
        for run in standings[0].waiters:
            since = brief_span(max(0, now_ms - (run.queued_at_ms or now_ms)))
            screen.line(f"  {run.run_id}  for {since}")
        if standings[0].waiting > len(standings[0].waiters):
            screen.line(f"  and {standings[0].waiting - len(standings[0].waiters)} more")


def _holding(run: Record, now_ms: int) -> tuple[str, str, str]:
    return run.run_id, brief_span(max(0, now_ms - (run.started_at_ms or now_ms))), run.worker or ""


def _as_json(one: LockStanding) -> dict[str, Any]:
    return {
        "lock": one.lock,
        "capacity": one.capacity,
        "holders": [
            {"run": run.run_id, "worker": run.worker, "since": instant_json(run.started_at_ms)}
            for run in one.holders
        ],
        "waiting": one.waiting,
        "waiters": [
            {"run": run.run_id, "queue": run.queue, "since": instant_json(run.queued_at_ms)}
            for run in one.waiters
        ],
    }
