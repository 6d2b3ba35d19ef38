"""List runs, newest first, those that are not over before all others; and what was passed over, with why.

jobboard runs                             of every job
jobboard runs backup --since 2d           of one job
jobboard runs --state failed -n 5         the last five failures
jobboard runs --worker web-1 --board ops  what of a board ran on a worker
jobboard runs --queue slow --tag acme     what of a queue is marked with a tag
jobboard runs --since 2026-11-20T02:00 --until 2026-11-20T03:00
jobboard runs --tracked                   those that somebody tracks
jobboard runs --search 'disk full'        what has that text in its command or its output

What is still to become a run is listed too: a nominal that only some of a job's parents have ended for.

Times are UTC, as in the ids of runs. What is over is looked for in the last 20,000 records, or those before
--until, and by --tag among the last 200 of the tag; where that is not all, it says how far back that was.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard.cli.arguments import past_ms, positive
from jobboard.cli.commands.runs_text import write
from jobboard.cli.records import instant_json, record_json
from jobboard.core.states import ENDED, LIVE, PASSED_OVER
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.core.runs.record import Record
    from jobboard.store.runs.listing import Listing
    from jobboard.store.runs.search import Search


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard runs``."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="only this job's")
    parser.add_argument(
        "--state",
        action="append",
        choices=[*LIVE, *ENDED, *PASSED_OVER],
        metavar="STATE",
        help=f"only those in this state; again for more: {', '.join((*LIVE, *ENDED, *PASSED_OVER))}",
    )
    parser.add_argument(
        "--since", metavar="SPAN|INSTANT", help="only what ended since, as in 2h or 2026-11-20"
    )
    parser.add_argument("--until", metavar="SPAN|INSTANT", help="only what ended before, likewise")
    parser.add_argument("--board", metavar="BOARD", help="only this board's")
    parser.add_argument("--queue", metavar="QUEUE", help="only what waits in it, or was of it")
    parser.add_argument("--worker", metavar="WORKER", help="only what ran there; a worker's name or its id")
    parser.add_argument("--tag", metavar="TAG", help="only what is marked with it")
    parser.add_argument("--tracked", action="store_true", help="only what is tracked: jobboard track")
    parser.add_argument(
        "--search", metavar="TEXT", help="only runs with this text in what they ran or wrote, in any case"
    )
    parser.add_argument("--group", metavar="TEXT", help="only failures of this group, or of this reason")
    parser.add_argument("-n", type=positive, default=50, metavar="N", help="how many at most (default: 50)")


def execute(args: argparse.Namespace) -> int:
    """Collect, print."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import listing
    from jobboard.store.runs.views import find_job_or_past, remarks

    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        asked = listing.Asked(
            args.n,
            find_job_or_past(store, args.job) if args.job else None,
            frozenset(args.state or listing.ALL_STATES),
            past_ms(args.since, "--since", now_ms),
            past_ms(args.until, "--until", now_ms, ahead=True),
            args.board,
            args.queue,
            args.worker,
            args.tag,
            args.group,
            args.tracked,
            args.search or None,
        )
        found = listing.list_runs(store, asked)
        unknown = [] if found.records else remarks(store, board=args.board, queue=args.queue, tag=args.tag)
    if args.output == "json":
        print(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        write(asked, found, now_ms, unknown)
    return 0


def _as_json(found: Listing) -> dict[str, Any]:
    past = found.past
    return {
        "runs": [_run_json(record, found) for record in found.records],
        "live": found.live_count,
        "complete": past.complete,
        "looked_at": {
            "records": past.looked_at,
            "back_to": instant_json(past.back_to_ms),
            "live": found.live_looked_at,
            **_searched_json(found.search),
        },
    }


def _run_json(record: Record, found: Listing) -> dict[str, Any]:
    match = found.search.matches[record.run_id] if found.search else None
    return {**record_json(record), **({"match": {"in": match.where, "line": match.line}} if match else {})}


def _searched_json(search: Search | None) -> dict[str, Any]:
    if search is None:
        return {}
    said = {
        "of_runs": search.runs,
        "bytes": search.read_bytes,
        "away": search.away,
        "complete": search.complete,
    }
    return {"output": said}
