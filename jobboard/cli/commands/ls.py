"""List jobs: when each runs, when it is due next, how its last run went, and what stands in its way.

jobboard ls                 every job
jobboard ls ops             one board
jobboard ls 'backup*'       jobs whose name, or address, matches
jobboard ls --failed        those whose last run did not end well

Times are in the zone of the job's schedule.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.commands.runs_text import waiting_text
from jobboard.cli.records import (
    clocks_text,
    instant_json,
    joins_json,
    moment,
    overrides_json,
    record_json,
    skip_json,
    spent,
    state_text,
    style_of,
    terminal_width,
    wrapped,
)
from jobboard.cli.screen import Screen
from jobboard.cli.values import shown
from jobboard.core.jobs.depend import parents_text, window_text
from jobboard.core.jobs.gate import begins_window
from jobboard.core.jobs.override import laid
from jobboard.core.names import split_address
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.runs.overview import Standing

SCHEDULE_COLUMNS = 45
"""Columns that schedules are given where there are any so long: most fit."""
PAST_DUE_MS = 60_000
"""How long after a job was due it is striking that nothing has started it: a scheduler takes milliseconds."""

FILTERS = ("failed", "running", "waiting", "paused", "disabled")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard ls``."""
    parser.add_argument("what", nargs="?", metavar="BOARD|PATTERN", help="a board, or a pattern like 'back*'")
    parser.add_argument("--tag", metavar="TAG", help="only jobs with this tag")
    parser.add_argument("--failed", action="store_true", help="only jobs whose last run did not end well")
    parser.add_argument("--running", action="store_true", help="only jobs with a run that is not over")
    parser.add_argument("--waiting", action="store_true", help="only jobs that wait for runs of other jobs")
    parser.add_argument("--paused", action="store_true", help="only jobs that a hold is on")
    parser.add_argument("--disabled", action="store_true", help="only jobs that are disabled")


def execute(args: argparse.Namespace) -> int:
    """Look, filter, print."""
    from jobboard.store.boards import definitions
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.overview import survey
    from jobboard.store.runs.views import remarks

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        now_ms = clocks.now_ms(store)
        boards = definitions.read_boards(store)
        asked, wanted = _selection(args, boards)
        standings = [s for s in survey(store, now_ms, boards=asked, wanted=wanted) if _passes(s, args)]
        if args.output == "json":
            jobs = [standing_json(standing, boards) for standing in standings]
            print(json.dumps({"jobs": jobs}, indent=2, ensure_ascii=False))
            return 0
        if standings:
            _table(standings, boards, now_ms)
        else:
            _nothing(args, boards, settings)
            for sentence in remarks(store, tag=args.tag):
                print(sentence)
    return 0


def standing_json(standing: Standing, boards: Mapping[str, BoardRecord]) -> dict[str, Any]:
    """One job of the list, as JSON."""
    spec = standing.spec
    return {
        "job": standing.job,
        "schedule": spec.get("schedule"),
        "after": list(spec.get("after", ())),
        "on": dict(spec.get("on", {})),
        "next_due": instant_json(standing.due_at_ms),
        "live": standing.live,
        "live_state": standing.live_state,
        "waiting_for": sorted({need for run in standing.waiting for need in run.needs}),
        "joins": joins_json(standing.joins),
        "last_run": record_json(standing.last_run) if standing.last_run else None,
        "latest": record_json(standing.latest) if standing.latest else None,
        "tags": list(spec.get("tags", ())),
        "overrides": overrides_json(standing.overrides),
        "skip": skip_json(standing.skip),
        "flags": flags_of(standing, boards),
    }


def flags_of(standing: Standing, boards: Mapping[str, BoardRecord]) -> list[str]:
    """What is special about a job at the moment, in single words."""
    board, job = split_address(standing.job)
    flags = {
        "disabled": not standing.enabled,
        "paused": bool(standing.holds),
        "completed": standing.completed,
        "skipping": standing.skip is not None,
        "overridden": bool(standing.overrides),
        "drift": job in boards[board].drift,
    }
    return [flag for flag, holds in flags.items() if holds]


def trigger_text(spec: Spec) -> str:
    """When a job runs, in words: its schedule, its parents, or by hand."""
    if "schedule" in spec and "after" in spec:
        return window_text(spec)
    if "schedule" in spec:
        gate = f", waits for {', '.join(spec['needs'])}" if "needs" in spec else ""
        return shown("schedule", spec["schedule"]) + gate
    if spec.get("after"):
        return parents_text(spec)
    return "by hand"


def _selection(
    args: argparse.Namespace, boards: Mapping[str, BoardRecord]
) -> tuple[Mapping[str, BoardRecord], Callable[[str, Definition], bool]]:
    from fnmatch import fnmatchcase

    what, tag = args.what, args.tag
    asked = {what: boards[what]} if what in boards else boards
    pattern = None if what is None or what in boards else what

    def wanted(address: str, definition: Definition) -> bool:
        if tag is not None and tag not in laid(definition).get("tags", ()):
            return False
        if pattern is None:
            return True
        return fnmatchcase(address, pattern) or fnmatchcase(split_address(address)[1], pattern)

    return asked, wanted


def _passes(standing: Standing, args: argparse.Namespace) -> bool:
    if args.failed and not (standing.last_run and standing.last_run.bad):
        return False
    if args.running and not standing.live:
        return False
    if args.waiting and not standing.waits:
        return False
    if args.paused and not standing.holds:
        return False
    return not (args.disabled and standing.enabled)


def _table(standings: Sequence[Standing], boards: Mapping[str, BoardRecord], now_ms: int) -> None:
    screen = Screen()
    rows = [_row(standing, boards, now_ms) for standing in standings]
    styles = [style_of(s.last_run) if s.last_run else "" for s in standings]
    *widths, longest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    needed = sum(width + 2 for width in widths) + min(longest, SCHEDULE_COLUMNS)
    if (terminal_width(screen) or needed) < needed:
        _in_pairs(screen, rows, styles)
    else:
        screen.table(("JOB", "NEXT", "LAST RUN", "", "SCHEDULE"), rows, styles)
    screen.line()
    clocks = clocks_text(s.zone for s in standings if s.due_at_ms is not None or s.last_run or s.latest)
    screen.folded(" ".join([_summary(standings), *([clocks] if clocks else [])]), "dim")
    due = [s for s in standings if s.due_at_ms is not None and s.due_at_ms < now_ms - PAST_DUE_MS]
    if due:
        screen.folded(
            f"Past due, and not started: {len(due):,}. jobboard why {due[0].job} says why.", "error"
        )


def _in_pairs(screen: Screen, rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """Two lines a job, for a terminal that a table does not fit."""
    widest = max(len(row[0]) for row in rows)
    due = max(len(row[1]) for row in rows)
    for (job, next_due, last, flags, schedule), style in zip(rows, styles, strict=True):
        first, *others = wrapped(screen, f"{next_due:<{due}}  {last}", widest + 2)
        others += wrapped(screen, " · ".join(part for part in (flags, schedule) if part), widest + 2)
        screen.line(f"{screen.paint(f'{job:<{widest}}', style)}  {first}")
        for line in others:
            screen.line(f"{'':<{widest}}  {line}", "dim")


def _row(standing: Standing, boards: Mapping[str, BoardRecord], now_ms: int) -> tuple[str, ...]:
    return (
        standing.job,
        _next(standing, now_ms),
        _last(standing, now_ms),
        ", ".join([*_live(standing, now_ms), *flags_of(standing, boards)]),
        trigger_text(standing.spec),
    )


def _live(standing: Standing, now_ms: int) -> list[str]:
    """What of a job is not over, and what it waits for."""
    words, waiting = [], standing.waiting
    if standing.live > 1:
        words.append(f"{standing.live} unfinished")
    elif standing.live and standing.live_state is not None and not waiting:
        words.append(standing.live_state)
    if waiting:
        words.append(f"{len(waiting)} " * (len(waiting) > 1) + waiting_text(waiting[0], now_ms))
    if standing.joins:
        missing = " and ".join(standing.joins[0].missing)
        count = len(standing.joins)
        words.append(f"waiting for {missing}" if count == 1 else f"{count} runs waiting for {missing}")
    return words


def _next(standing: Standing, now_ms: int) -> str:
    at = moment(standing.due_at_ms, standing.zone, now_ms)
    return f"from {at}" if begins_window(standing.job, standing.spec, standing.due_at_ms) else at


def _last(standing: Standing, now_ms: int) -> str:
    last = standing.last_run or standing.latest
    if last is None:
        return "-"
    took = spent(last, now_ms)
    words = [
        state_text(last),
        moment(last.seen_at_ms // 60_000 * 60_000, standing.zone, now_ms),
        f"({took})" if took else "",
    ]
    return " ".join(word for word in words if word)


def _summary(standings: Sequence[Standing]) -> str:
    counts = Counter(
        {
            "failed last": sum(bool(s.last_run and s.last_run.bad) for s in standings),
            "with unfinished runs": sum(s.live > 0 for s in standings),
            "waiting for others": sum(s.waits for s in standings),
            "paused": sum(bool(s.holds) for s in standings),
            "disabled": sum(not s.enabled for s in standings),
            "overridden": sum(bool(s.overrides) for s in standings),
        }
    )
    parts = [f"{len(standings):,} job{'s' if len(standings) != 1 else ''}"]
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    return ", ".join(parts) + "."


def _nothing(args: argparse.Namespace, boards: Mapping[str, BoardRecord], settings: Settings) -> None:
    if not boards:
        from jobboard.cli.project import store_name

        where = store_name(settings)
        print(f"No boards yet in {where}. jobboard sync brings those of the files here.")
        print("jobboard init writes a first one.")
        return
    filtered = args.tag or any(getattr(args, name) for name in FILTERS)
    if args.what and args.what not in boards and not filtered and not set(args.what) & set("*?["):
        raise errors.UsageError(
            f"there is no board or job {args.what}",
            f"the boards are {', '.join(boards)}; jobboard ls lists every job",
        )
    print("No job is like that. jobboard ls lists all of them.")
