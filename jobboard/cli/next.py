"""Show when jobs run next: one job, all of them, or any schedule at all.

  jobboard next                               the coming runs of every job
  jobboard next ops/backup -n 10
  jobboard next --cron "30 2 * * *" --timezone Europe/Madrid --from 2027-03-27T00:00:00Z
  jobboard next --schedule "{every: 3m5s, start: 2027-01-01T00:00:00Z}" -o json

With --cron or --schedule neither a board nor a store is needed.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard import clock, errors
from jobboard.cli.screen import Screen, when
from jobboard.core.instant import format_instant, parse_instant

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.schedule import Schedule

FREE_SEED = "next"
"""The seed of a schedule that belongs to no job: hashed minutes and phases are as good as any."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard next``."""
    parser.add_argument(
        "job", nargs="?", metavar="JOB", help="board/job, or the job alone where that is unique"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--cron", metavar="EXPR", help="a cron expression instead of a job")
    which.add_argument("--schedule", metavar="YAML", help="a schedule's keys, as in a job, instead of a job")
    parser.add_argument("--timezone", metavar="ZONE", help="for --cron and --schedule (default: UTC)")
    parser.add_argument(
        "--seed", default=FREE_SEED, metavar="ADDRESS", help="the job whose hash H and jitter take"
    )
    parser.add_argument("--from", dest="start", metavar="INSTANT", help="strictly after this (default: now)")
    parser.add_argument("--until", metavar="INSTANT", help="up to and with this")
    parser.add_argument("-n", type=int, default=5, dest="count", metavar="N", help="how many (default: 5)")


def execute(args: argparse.Namespace) -> int:
    """List the fires."""
    from_ms = clock.now_ms() if args.start is None else _instant(args.start)
    until_ms = None if args.until is None else _instant(args.until)
    if args.cron is not None or args.schedule is not None:
        if args.job is not None:
            raise errors.UsageError("name a job or a schedule, not both", "jobboard next --help shows how")
        schedules = {args.seed: _free_schedule(args)}
    else:
        schedules = _stored_schedules(args)
    fires = _merged(schedules, from_ms, until_ms, max(args.count, 0))
    named = args.cron is None and args.schedule is None
    if args.output == "json":
        print(json.dumps({"fires": [_as_json(fire, named=named) for fire in fires]}, indent=2))
        return 0
    _show(fires, named=named)
    return 0


class _Fire:
    """One fire of one job."""

    def __init__(self, address: str, schedule: Schedule, zone: str | None, nominal_ms: int) -> None:
        self.address = address
        self.zone = zone
        self.nominal_ms = nominal_ms
        self.due_ms = schedule.due(nominal_ms)
        self.shift = schedule.shift_at(nominal_ms)


_Schedules = dict[str, "Mapping[str, Any]"]


def _merged(schedules: _Schedules, from_ms: int, until_ms: int | None, count: int) -> list[_Fire]:
    """The first fires of all schedules together, in order of time."""
    streams = (_fires(address, spec, from_ms, until_ms, count) for address, spec in schedules.items())
    merged = heapq.merge(*streams, key=lambda fire: (fire.nominal_ms, fire.address))
    return [fire for fire, _ in zip(merged, range(count), strict=False)]


def _fires(
    address: str, spec: Mapping[str, Any], from_ms: int, until_ms: int | None, count: int
) -> Iterator[_Fire]:
    from jobboard.core.schedule import compile_schedule

    schedule = compile_schedule(spec, address)
    nominal = schedule.next_after(from_ms)
    left = min(count, spec.get("runs", count))
    while nominal is not None and (until_ms is None or nominal <= until_ms) and left > 0:
        yield _Fire(address, schedule, spec.get("timezone"), nominal)
        nominal = schedule.next_after(nominal)
        left -= 1


def _free_schedule(args: argparse.Namespace) -> Mapping[str, Any]:
    from jobboard.source.values import read_schedule

    if args.cron is None:
        schedule, diagnostics = read_schedule(args.schedule, args.timezone)
    else:
        head = "cron: "
        schedule, found = read_schedule(head + json.dumps(args.cron, ensure_ascii=False), args.timezone)
        diagnostics = [_within(d, args.cron, len(head) + 1) for d in found]
    wrong = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    if wrong or schedule is None:
        raise InvalidSchedule(wrong)
    return schedule


class InvalidSchedule(errors.InvalidBoards):
    """A schedule given on the command line is none."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.message = "that is no schedule"


def _within(diagnostic: Diagnostic, text: str, offset: int) -> Diagnostic:
    """The diagnostic as one of the expression alone, as it was typed."""
    return replace(diagnostic, file="--cron", line=1, column=max(1, diagnostic.column - offset), source=text)


def _stored_schedules(args: argparse.Namespace) -> _Schedules:
    from jobboard.settings import Settings
    from jobboard.store import definitions
    from jobboard.store.connect import open_store
    from jobboard.store.views import find_job

    with open_store(Settings.from_args(args)) as store:
        wanted = None if args.job is None else find_job(store, args.job)
        schedules: _Schedules = {}
        for record in definitions.read_boards(store).values():
            if wanted is not None and not wanted.startswith(f"{record.name}/"):
                continue
            for job, definition in definitions.read_definitions(store, record.version).items():
                address = f"{record.name}/{job}"
                spec = definition.spec
                if wanted in (None, address) and "schedule" in spec and spec.get("enabled", True):
                    schedules[address] = spec["schedule"]
    return schedules


def _instant(text: str) -> int:
    try:
        return parse_instant(text, None)
    except ValueError as error:
        raise errors.UsageError(str(error), "for example 2027-03-28T00:00:00Z") from error


def _as_json(fire: _Fire, *, named: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"job": fire.address} if named else {}
    said["nominal"] = format_instant(fire.nominal_ms)
    said["due"] = format_instant(fire.due_ms)
    said["local"] = when(fire.nominal_ms, fire.zone)
    if fire.shift:
        said["shift"] = fire.shift
    return said


def _show(fires: list[_Fire], *, named: bool) -> None:
    screen = Screen()
    if not fires:
        screen.line("Never, as far as the schedules say.")
        return
    rows = []
    for fire in fires:
        notes = []
        if fire.due_ms != fire.nominal_ms:
            notes.append(f"due {format_instant(fire.due_ms)} after jitter")
        if fire.shift:
            notes.append({"gap": "the clock goes forward", "fold": "the clock goes back"}[fire.shift])
        row = [when(fire.nominal_ms, fire.zone), format_instant(fire.nominal_ms), ", ".join(notes)]
        rows.append([fire.address, *row] if named else row)
    screen.table(["job", "local", "UTC", ""] if named else ["local", "UTC", ""], rows)
