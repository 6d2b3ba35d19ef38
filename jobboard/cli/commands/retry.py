"""Have runs that did not end well run again: each under its own id and nominal, as its next attempt.

jobboard retry backup                          its last run
jobboard retry backup@2026-11-20T02            one run
jobboard retry --all --since 6h                every run that failed or was lost since, oldest first
jobboard retry --all --group "disk full"       those that ended for one reason
jobboard retry --all --job backup --state cancelled

What runs is the job as it is defined now. Runs of one job go one after another, unless its overlap is allow.
What was skipped because a run failed runs after all once the retry ends ok; what ran already does not.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.approval import add_approval, approve
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.retries import Failures, Retried

STATES = ("failed", "lost", "cancelled", "skipped")
_SHOWN = 10
_WHY_NOT = {
    "already": "has been retried",
    "live": "is not over",
    "well": "ended ok",
    "gone": "is of a job that is not there any more",
    "disabled": "is of a job that is disabled",
    "crowded": "is of a job with a hundred runs in line",
    "heavy": "was pushed with more than is kept of it",
    "unknown": "is gone from the store",
}
_WAYS_OUT = {
    "live": "jobboard why {run} says what it does",
    "well": "jobboard run {job} runs the job once more",
    "gone": "jobboard undelete {job} brings back one that was removed",
    "disabled": "add --force to run it all the same",
    "crowded": "try again when some of them have run",
    "heavy": "push it again: jobboard push",
    "unknown": "jobboard runs lists those there are",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard retry``."""
    parser.add_argument("what", nargs="?", metavar="RUN|JOB", help="a run, or a job for its last run")
    parser.add_argument("--all", action="store_true", help="every run that did not end well")
    parser.add_argument("--group", metavar="TEXT", help="with --all, those of this group, or of this reason")
    parser.add_argument("--job", metavar="JOB", help="with --all, those of this job")
    parser.add_argument("--board", metavar="BOARD", help="with --all, those of this board")
    parser.add_argument(
        "--since", metavar="SPAN|INSTANT", help="with --all, those that ended since, as in 2h or 2026-11-20"
    )
    parser.add_argument(
        "--state",
        action="append",
        choices=STATES,
        help="with --all, those in this state; again for more (default: failed and lost)",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    parser.add_argument("--force", action="store_true", help="although the job is paused or disabled")
    add_approval(parser)


def execute(args: argparse.Namespace) -> int:
    """Find what is meant, have it run again, say so."""
    from jobboard.store.calls.connect import open_store

    settings = Settings.from_args(args)
    _check(args)
    with open_store(settings) as store:
        if not args.all:
            return _one(store, args, settings.actor)
        return _several(store, args, settings.actor)


def _check(args: argparse.Namespace) -> None:
    narrowed = [
        f"--{name}" for name in ("group", "job", "board", "since", "state") if getattr(args, name) is not None
    ]
    if args.all == (args.what is not None):
        raise errors.UsageError(
            "say which run", "name one, or say --all; jobboard runs --state failed lists them"
        )
    if narrowed and not args.all:
        raise errors.UsageError(f"{narrowed[0]} narrows --all", f"add --all, or leave {narrowed[0]} out")


def _one(store: Store, args: argparse.Namespace, actor: str) -> int:
    from jobboard.store.runs import retries
    from jobboard.store.runs.views import find_run

    run = find_run(store, args.what)
    done = retries.retry_one(store, run, by=actor, reason=args.reason, force=args.force)
    if done.outcome not in ("retried", "already"):
        way_out = _WAYS_OUT[done.outcome].format(run=run.run_id, job=run.job)
        raise errors.Refused(f"{run.run_id} {_WHY_NOT[done.outcome]}", way_out)
    if args.output == "json":
        print(json.dumps({"runs": [_as_json(done)]}, indent=2))
    else:
        print(f"{done.run_id} is {done.about}.\njobboard logs -f {done.run_id}")
    return 0


def _several(store: Store, args: argparse.Namespace, actor: str) -> int:
    from jobboard.cli.arguments import past_ms
    from jobboard.store.calls import clocks
    from jobboard.store.runs import retries
    from jobboard.store.runs.views import find_job_or_past

    since = past_ms(args.since, "--since", clocks.now_ms(store))
    wanted = retries.matching(
        job=find_job_or_past(store, args.job) if args.job else None,
        board=args.board,
        group=args.group,
        states=args.state or ("failed", "lost"),
    )
    failures = retries.failures(store, wanted, since_ms=since)
    if failures.found:
        _announce(failures)
        approve(args, f"This retries {_count(len(failures.found))}")
    done = retries.retry(store, failures.found, by=actor, reason=args.reason, force=args.force)
    refused = [one for one in done if one.outcome not in ("retried", "already")]
    if args.output == "json":
        said = {"runs": [_as_json(one) for one in done], "complete": failures.complete}
        print(json.dumps(said, indent=2))
    elif not done:
        print(f"No such run among {failures.looked_at} records.")
    else:
        _say(done, refused)
    return errors.Refused.exit_code if refused else 0


def _announce(failures: Failures) -> None:
    """What is about to be retried, by job and reason, on standard error."""
    kinds = Counter((one.record.job, one.record.group or one.record.reason or "") for one in failures.found)
    for (job, reason), count in kinds.most_common(_SHOWN):
        sys.stderr.write(f"  {count:>5}  {job}  {reason}\n")
    if len(kinds) > _SHOWN:
        sys.stderr.write(f"         and {len(kinds) - _SHOWN} kinds more\n")
    if not failures.complete:
        sys.stderr.write(f"Looked at the last {failures.looked_at} records only.\n")


def _say(done: Sequence[Retried], refused: Sequence[Retried]) -> None:
    print(f"{_count(len(done) - len(refused))} retried.")
    for one in refused[:_SHOWN]:
        print(f"  {one.run_id} not: it {_WHY_NOT[one.outcome]}.")
    if len(refused) > _SHOWN:
        print(f"  and {len(refused) - _SHOWN} more not.")
    print("jobboard runs shows how they go.")


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _as_json(done: Retried) -> dict[str, Any]:
    return {"run": done.run_id, "outcome": done.outcome, "state": done.about or None}
