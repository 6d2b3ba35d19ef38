"""List runs, newest first, those that are not over before all others; and what was passed over, with why.

jobboard runs                            of every job
jobboard runs backup --since 2d          of one job
jobboard runs --state failed -n 5        the last five failures
jobboard runs --worker web-1 --board ops what of a board ran on a worker
jobboard runs --queue slow --tag acme    what of a queue is marked with a tag
jobboard runs --since 2026-11-20T02:00 --until 2026-11-20T03:00
jobboard runs --tracked                  those that somebody tracks
jobboard runs --search 'disk full'       what has that text in its command or its output

Of one job, what is still to become a run is listed too: a nominal that some of its parents have ended for.

Times are UTC, as in the ids of runs. What is over is looked for in the last 20,000 records, or those before
--until, and by --tag among the last 200 of the tag; where that is not all, it says how far back that was.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.records import (
    instant_json,
    record_json,
    spent,
    state_text,
    style_of,
    terminal_width,
    wrapped,
)
from jobboard.cli.screen import Screen
from jobboard.core.diagnostic import visible
from jobboard.core.moment import brief_instant
from jobboard.core.states import ENDED, LIVE, PASSED_OVER
from jobboard.core.why import cancel_text
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.record import Record
    from jobboard.store.listing import Asked, Listing
    from jobboard.store.search import Search


WIDE = 100
"""Columns that the table of runs needs to be of use."""


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
    parser.add_argument("-n", type=int, default=50, metavar="N", help="how many at most (default: 50)")


def execute(args: argparse.Namespace) -> int:
    """Collect, print."""
    from jobboard.store import clocks, listing
    from jobboard.store.connect import open_store
    from jobboard.store.views import find_job_or_past

    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        asked = listing.Asked(
            max(1, args.n),
            find_job_or_past(store, args.job) if args.job else None,
            frozenset(args.state or listing.ALL_STATES),
            since_ms(args.since, now_ms),
            since_ms(args.until, now_ms),
            args.board,
            args.queue,
            args.worker,
            args.tag,
            args.group,
            args.tracked,
            args.search or None,
        )
        found = listing.list_runs(store, asked)
    if args.output == "json":
        print(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _write(asked, found, now_ms)
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


def since_ms(text: str | None, now_ms: int) -> int | None:
    """The instant that a span before now, or an instant, stands for.

    Raises:
        errors.UsageError: It is neither.
    """
    from jobboard.core.duration import parse_duration
    from jobboard.core.instant import parse_instant

    if text is None:
        return None
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_instant(text)
    except ValueError as error:
        raise errors.UsageError(
            f"{text!r} is neither a span nor an instant", "as in 2h or 2026-11-20"
        ) from error


def _write(asked: Asked, found: Listing, now_ms: int) -> None:
    screen = Screen()
    records = found.records
    if not records:
        print(_nothing(asked, found, now_ms))
        return
    rows = [(*_row(record, now_ms), _last_word(record, found, now_ms)) for record in records]
    styles = [style_of(record) for record in records]
    if (terminal_width(screen) or WIDE) < WIDE:
        _in_pairs(screen, rows, styles)
    else:
        screen.table(("STATE", "RUN", "AT", "TOOK", "MATCH" if found.search else "WHY"), rows, styles)
    remarks = _remarks(asked, found, now_ms)
    if remarks:
        screen.line()
        screen.line(" ".join(remarks), "dim")


def _in_pairs(screen: Screen, rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """Two lines a run, for a terminal that a table does not fit."""
    widest = max(len(row[0]) for row in rows)
    for (state, run, *rest), style in zip(rows, styles, strict=True):
        screen.line(f"{screen.paint(f'{state:<{widest}}', style)}  {run}")
        for line in wrapped(screen, "  ".join(part for part in rest if part), widest + 2):
            screen.line(f"{'':<{widest}}  {line}", "dim")


def _row(record: Record, now_ms: int) -> tuple[str, ...]:
    at_ms = record.nominal_ms if record.passed_over else record.started_at_ms or record.seen_at_ms
    return (
        state_text(record),
        record.run_id or record.job,
        brief_instant(at_ms, None, now_ms),
        spent(record, now_ms),
    )


def _last_word(record: Record, found: Listing, now_ms: int) -> str:
    if found.search is None:
        return why_text(record, now_ms)
    match = found.search.matches[record.run_id]
    return f"{match.where}: {visible(match.line)}"


def waiting_text(run: Record, now_ms: int) -> str:
    """What a run that has not started waits for, in as few words as there are."""
    if run.state == "blocked" and run.needs:
        jobs = list(dict.fromkeys(need.partition("@")[0].partition(" ")[0] for need in run.needs))
        return f"waiting for {jobs[0]}" + (f" and {len(jobs) - 1} more" if len(jobs) > 1 else "")
    if run.state in ("waiting", "delayed"):
        return f"{run.state} {why_text(run, now_ms)}".rstrip()
    return run.state


def why_text(record: Record, now_ms: int) -> str:
    """Why a record is as it is, in a few words."""
    if record.state == "waiting":
        return f"for lock {record.lock}"
    if record.state == "blocked" and not record.needs:
        return "behind the job's other runs"
    if record.state == "blocked":
        return f"waiting for {', '.join(record.needs[:3])}{', …' if len(record.needs) > 3 else ''}"
    if record.state == "delayed" and record.due_at_ms is not None:
        return f"until {brief_instant(record.due_at_ms, None, now_ms)}" + (
            f", {record.reason}" if record.reason else ""
        )
    if record.state == "queued":
        return f"queue {record.queue}"
    if record.state in ("running", "stopping"):
        return f"on {record.worker}" + (f": {record.progress}" if record.progress else "")
    tried = f"try {record.attempt}" if record.attempt > 1 else ""
    reason = cancel_text(record) if record.state == "cancelled" else record.reason
    return ", ".join(part for part in (reason, tried) if part)


def _remarks(asked: Asked, found: Listing, now_ms: int) -> list[str]:
    remarks = _live_remark(asked, found)
    if not found.past.complete and found.past.back_to_ms is not None:
        back = brief_instant(found.past.back_to_ms, None, now_ms)
        remarks.append(f"Looked back to {back} ({found.past.looked_at} records); -n shows more.")
    return remarks + _search_remarks(found.search)


def _search_remarks(search: Search | None) -> list[str]:
    """How much output was looked through, where that is not all of what was asked for."""
    if search is None:
        return []
    remarks = []
    if not search.complete:
        looked = f"{_count(search.runs)} was looked through ({search.read_bytes >> 20} MiB)"
        remarks.append(f"The output of {looked}, of others only the command; --until looks further back.")
    if search.away:
        remarks.append(f"The output of {_count(search.away)} is in files on other hosts.")
    return remarks


def _live_remark(asked: Asked, found: Listing) -> list[str]:
    """What is to be said of runs that are not over and not shown."""
    if asked.narrow and found.live_looked_at < found.live_count:
        return [f"Looked at {found.live_looked_at} of {found.live_count} runs that are not over."]
    more = found.live_count - len(found.live)
    shown = not more or asked.narrow or not asked.states >= set(LIVE)
    return [] if shown else [f"{more} more runs are not over."]


def _nothing(asked: Asked, found: Listing, now_ms: int) -> str:
    whose = f" of {asked.address}" if asked.address else ""
    walk = found.past
    if not walk.complete and walk.back_to_ms is not None:
        back = brief_instant(walk.back_to_ms, None, now_ms)
        looked = _live_remark(asked, found)
        said = f"No such run{whose} back to {back}, which is {walk.looked_at} records."
        return " ".join([said, *looked, *_search_remarks(found.search)])
    hint = (
        f"jobboard why {asked.address} says what it waits for."
        if asked.address
        else "jobboard ls lists the jobs."
    )
    narrowed = asked.narrow or asked.since_ms is not None or asked.states != {*LIVE, *ENDED, *PASSED_OVER}
    said = f"No {'such run' if narrowed else 'run'}{whose}{'' if narrowed else ' yet'}. {hint}"
    return " ".join([said, *_search_remarks(found.search)])


def _count(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"
