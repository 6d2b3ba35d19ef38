"""List runs, newest first, those that are not over before all others; and what was passed over, with why.

jobboard runs                            of every job
jobboard runs backup --since 2d          of one job
jobboard runs --state failed -n 5        the last five failures
jobboard runs --worker web-1 --board ops what of a board ran on a worker

Times are UTC, as in the ids of runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from jobboard.core.moment import brief_instant
from jobboard.core.states import ENDED, LIVE, PASSED_OVER
from jobboard.core.why import cancel_text
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.record import Record
    from jobboard.store.connect import Store
    from jobboard.store.past import Walk


WIDE = 100
"""Columns that the table of runs needs to be of use."""


@dataclass(frozen=True, slots=True)
class _Asked:
    address: str | None
    states: frozenset[str]
    since_ms: int | None
    limit: int
    board: str | None = None
    worker: str | None = None
    group: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether more is asked than whose runs, in which state."""
        return (self.board, self.worker, self.group) != (None, None, None)

    def wants(self, record: Record) -> bool:
        """Whether a record is among those asked for."""
        worker = record.worker or ""
        return (
            record.state in self.states
            and self.address in (None, record.job)
            and self.board in (None, record.job.partition("/")[0])
            and self.worker in (None, worker, worker.rpartition(".")[0])
            and self.group in (None, record.group, record.reason)
        )


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
    parser.add_argument("--board", metavar="BOARD", help="only this board's")
    parser.add_argument("--worker", metavar="WORKER", help="only what ran there; a worker's name or its id")
    parser.add_argument("--group", metavar="TEXT", help="only failures of this group, or of this reason")
    parser.add_argument("-n", type=int, default=50, metavar="N", help="how many at most (default: 50)")


def execute(args: argparse.Namespace) -> int:
    """Collect, print."""
    from jobboard.store import clocks
    from jobboard.store.connect import open_store
    from jobboard.store.views import find_job_or_past

    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        asked = _Asked(
            find_job_or_past(store, args.job) if args.job else None,
            frozenset(args.state or (*LIVE, *ENDED, *PASSED_OVER)),
            since_ms(args.since, now_ms),
            max(1, args.n),
            args.board,
            args.worker,
            args.group,
        )
        live, live_count = _live(store, asked)
        found = _past(store, asked, asked.limit - len(live))
    if args.output == "json":
        runs = [record_json(record) for record in (*live, *found.records)]
        looked = {"records": found.looked_at, "back_to": instant_json(found.back_to_ms)}
        said = {"runs": runs, "live": live_count, "complete": found.complete, "looked_at": looked}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _write(asked, live, live_count, found, now_ms)
    return 0


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


def _live(store: Store, asked: _Asked) -> tuple[list[Record], int]:
    from jobboard.store import past, world

    if not asked.states & set(LIVE):
        return [], 0
    if asked.address is None:
        # What is narrowed further is looked for among more than is shown.
        runs, count = world.all_live(store, max(asked.limit, 1_000) if asked.narrow else asked.limit)
    else:
        runs = past.live_runs(store, asked.address)
        count = len(runs)
    chosen = [run for run in runs if asked.wants(run)]
    return chosen[: asked.limit], count


def _past(store: Store, asked: _Asked, limit: int) -> Walk:
    from jobboard.store import past

    if limit <= 0 or not asked.states - set(LIVE):
        return past.Walk((), 0, None, complete=limit > 0)
    if asked.address is not None:
        own = _own(store, asked, limit)
        if own is not None:
            return own
    stream = "failures" if asked.states == {"failed"} else "history"
    return past.walk(store, asked.wants, limit=limit, since_ms=asked.since_ms, stream=stream)


def _own(store: Store, asked: _Asked, limit: int) -> Walk | None:
    """From the records that the job keeps itself, where they suffice."""
    from jobboard.store import past

    records = past.last_records(store, asked.address or "")
    young = [r for r in records if asked.since_ms is None or r.seen_at_ms >= asked.since_ms]
    chosen = [record for record in young if asked.wants(record)]
    whole = len(records) < past.KEPT_BY_JOB or len(young) < len(records)
    if len(chosen) < limit and not whole:
        return None
    oldest_ms = records[-1].seen_at_ms if records else None
    return past.Walk(tuple(chosen[:limit]), len(records), oldest_ms, complete=whole and len(chosen) <= limit)


def _write(asked: _Asked, live: Sequence[Record], live_count: int, found: Walk, now_ms: int) -> None:
    screen = Screen()
    records = [*live, *found.records]
    if not records:
        print(_nothing(asked, found, now_ms))
        return
    rows = [_row(record, now_ms) for record in records]
    styles = [style_of(record) for record in records]
    if (terminal_width(screen) or WIDE) < WIDE:
        _in_pairs(screen, rows, styles)
    else:
        screen.table(("STATE", "RUN", "AT", "TOOK", "WHY"), rows, styles)
    remarks = _remarks(asked, live, live_count, found, now_ms)
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
        why_text(record, now_ms),
    )


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


def _remarks(asked: _Asked, live: Sequence[Record], live_count: int, found: Walk, now_ms: int) -> list[str]:
    remarks = []
    if live_count > len(live) and not asked.narrow and asked.states >= set(LIVE):
        remarks.append(f"{live_count - len(live)} more runs are not over.")
    if not found.complete and found.back_to_ms is not None:
        back = brief_instant(found.back_to_ms, None, now_ms)
        remarks.append(f"Looked back to {back} ({found.looked_at} records); -n shows more.")
    return remarks


def _nothing(asked: _Asked, found: Walk, now_ms: int) -> str:
    whose = f" of {asked.address}" if asked.address else ""
    if not found.complete and found.back_to_ms is not None:
        back = brief_instant(found.back_to_ms, None, now_ms)
        return f"No such run{whose} back to {back}, which is {found.looked_at} records."
    hint = (
        f"jobboard why {asked.address} says what it waits for."
        if asked.address
        else "jobboard ls lists the jobs."
    )
    narrowed = asked.narrow or asked.since_ms is not None or asked.states != {*LIVE, *ENDED, *PASSED_OVER}
    return f"No {'such run' if narrowed else 'run'}{whose}{'' if narrowed else ' yet'}. {hint}"
