"""How a list of runs reads: a line each, why each is as it is, and how far was looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.records import spent, state_text, style_of, terminal_width, wrapped
from jobboard.cli.screen import Screen
from jobboard.core.diagnostic import visible
from jobboard.core.runs.why import cancel_text
from jobboard.core.states import ENDED, LIVE, PASSED_OVER
from jobboard.core.times.moment import brief_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.runs.listing import Asked, Listing
    from jobboard.store.runs.search import Search

WIDE = 100
"""Columns that the table of runs needs to be of use."""


def write(asked: Asked, found: Listing, now_ms: int, unknown: Sequence[str] = ()) -> None:
    """The runs in a table, or in pairs of lines where that does not fit.

    Args:
        asked: What was asked for.
        found: What was found.
        now_ms: The store's time.
        unknown: What is not there of what was named, a sentence each.
    """
    screen = Screen()
    records = found.records
    if not records:
        print(_nothing(asked, found, now_ms))
        for sentence in unknown:
            print(sentence)
        return
    rows = [(*_row(record, now_ms), _last_word(record, found, now_ms)) for record in records]
    styles = [style_of(record) for record in records]
    if (terminal_width(screen) or WIDE) < WIDE:
        _in_pairs(screen, rows, styles)
    else:
        screen.table(("STATE", "RUN", "AT (UTC)", "TOOK", "MATCH" if found.search else "WHY"), rows, styles)
    remarks = _remarks(asked, found, now_ms)
    if remarks:
        screen.line()
        screen.line(" ".join(remarks), "dim")


def _in_pairs(screen: Screen, rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """Two lines a run, for a terminal that a table does not fit."""
    widest = max(len(row[0]) for row in rows)
    for (state, run, at, *rest), style in zip(rows, styles, strict=True):
        screen.line(f"{screen.paint(f'{state:<{widest}}', style)}  {run}")
        for line in wrapped(screen, "  ".join(part for part in (f"{at} UTC", *rest) if part), widest + 2):
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
        return f"until {brief_instant(record.due_at_ms, None, now_ms)} UTC" + (
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
        looked_at = f"{found.past.looked_at} record{'s' if found.past.looked_at != 1 else ''}"
        remarks.append(f"Looked back to {back} UTC ({looked_at}); -n shows more.")
    return remarks + _search_remarks(found.search)


def _search_remarks(search: Search | None) -> list[str]:
    """How much output was looked through."""
    if search is None:
        return []
    looked = f"The output of {_count(search.runs)} was looked through ({search.read_bytes >> 20} MiB)"
    more = ", of others only the command; --until looks further back" if not search.complete else ""
    remarks = [f"{looked}{more}."]
    if search.away:
        remarks.append(f"The output of {_count(search.away)} is in files on other hosts.")
    return remarks


def _live_remark(asked: Asked, found: Listing) -> list[str]:
    """What is to be said of runs that are not over and not shown."""
    if asked.narrow and found.live_looked_at < found.live_count:
        return [f"Looked at {found.live_looked_at} of {found.live_count} runs that are not over."]
    more = found.live_count - sum(bool(run.run_id) for run in found.live)
    shown = more <= 0 or asked.narrow or not asked.states >= set(LIVE)
    return [] if shown else [f"{more} more runs are not over."]


def _nothing(asked: Asked, found: Listing, now_ms: int) -> str:
    whose = f" of {asked.address}" if asked.address else ""
    walk = found.past
    if not walk.complete and walk.back_to_ms is not None:
        back = brief_instant(walk.back_to_ms, None, now_ms)
        looked = _live_remark(asked, found)
        said = f"No such run{whose} back to {back} UTC, which is {walk.looked_at} records."
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
