"""The instants of schedules, as `next` and `prev` list them: of one job, of all, or of a schedule at hand."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobboard import clock, errors
from jobboard.cli.arguments import instant_ms, positive
from jobboard.cli.screen import Screen, when
from jobboard.core.times.instant import format_instant

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.runs.facts import Hold
    from jobboard.core.times.schedule import Schedule

FREE_SEED = "next"
"""The seed of a schedule that belongs to no job: hashed minutes and phases are as good as any."""
_NOTES = {
    "delay": "and again after each end",
    "gap": "the clock goes forward",
    "fold": "the clock goes back",
    "deferred": "put off",
}


def add_arguments(parser: argparse.ArgumentParser, *, begin: str, bound: tuple[str, str]) -> None:
    """Which schedules, and which of their instants.

    Args:
        parser: Of the command.
        begin: What ``--from`` means to it.
        bound: The option that names the other end, and what it means.
    """
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
    parser.add_argument(
        "-n", type=positive, default=5, dest="count", metavar="N", help="how many (default: 5)"
    )
    parser.add_argument("--from", dest="begin", metavar="INSTANT", help=f"{begin} (default: now)")
    option, meaning = bound
    parser.add_argument(option, dest="bound", metavar="INSTANT", help=meaning)
    parser.set_defaults(bound_option=option)


@dataclass(frozen=True, slots=True)
class Timed:
    """A schedule that was asked for.

    Attributes:
        address: The job's, or what stands in for it.
        spec: The canonical schedule.
        holds: What stops its runs, as {at, until} in ms.
        skips: How many of its next runs are passed over, counted from `now_ms`.
        begins_ms: From when on it holds; None for "by now".
        ends_ms: Up to when it holds, where an override ends then.
        seed: What it hashes, where that is not the address.
        due_ms: Of a job whose runs come a while after each other: when it is due, if it is.
        windows: Of a job that comes once a window: the windows, each due when the last of its parents is.
        decided_ms: Of such a job, the window that was decided last.
        after: Of a job without a schedule of its own: the jobs it runs after, whose nominals it has.
    """

    address: str
    spec: Mapping[str, Any]
    holds: Sequence[Hold] = ()
    begins_ms: int | None = None
    ends_ms: int | None = None
    skips: int = 0
    now_ms: int = 0
    seed: str | None = None
    due_ms: int | None = None
    windows: Schedule | None = None
    decided_ms: int | None = None
    after: tuple[str, ...] = ()

    def compiled(self) -> Schedule:
        """The schedule itself; of a delay, the one instant that is known if any is."""
        from jobboard.core.times.schedule import compile_schedule

        if self.windows is not None:
            return self.windows
        if "delay" in self.spec:
            known = [] if self.due_ms is None else [self.due_ms]
            within = {key: value for key, value in self.spec.items() if key in ("start", "stop")}
            return compile_schedule({"at": known, **within}, "")
        return compile_schedule(self.spec, self.seed or self.address)


@dataclass(frozen=True, slots=True)
class Fire:
    """One instant of one job; ordered by it.

    Attributes:
        at_ms: The instant it is listed by: its nominal, but of a window when it is due.
        window_ends_ms: Of a window, its end.
        after: Once these jobs have ended for that nominal.
    """

    at_ms: int
    address: str
    nominal_ms: int = field(compare=False)
    due_ms: int = field(compare=False)
    zone: str | None = field(compare=False)
    notes: tuple[str, ...] = field(compare=False)
    window_ends_ms: int | None = field(default=None, compare=False)
    after: tuple[str, ...] = field(default=(), compare=False)

    def __lt__(self, other: Fire) -> bool:
        return (self.at_ms, self.address) < (other.at_ms, other.address)

    def as_json(self, *, named: bool) -> dict[str, Any]:
        """For programs; the job only where there can be several."""
        said: dict[str, Any] = {"job": self.address} if named else {}
        said["nominal"] = format_instant(self.nominal_ms)
        said["due"] = format_instant(self.due_ms)
        said["local"] = when(self.nominal_ms, self.zone)
        if self.window_ends_ms is not None:
            ends = format_instant(self.window_ends_ms)
            said["window"] = {"start": format_instant(self.nominal_ms), "end": ends}
        if self.after:
            said["after"] = list(self.after)
        for note in self.notes:
            said |= {note: True} if note in ("held", "skipped", "delay") else {"shift": note}
        return said

    def row(self, *, named: bool) -> list[str]:
        """For people."""
        notes = [_NOTES.get(note, note) for note in self.notes]
        if self.window_ends_ms is not None:
            notes.insert(0, f"at the earliest, for the window from {when(self.nominal_ms, self.zone)}")
        elif self.after:
            notes.insert(
                0, f"once {' and '.join(self.after)} {'have' if len(self.after) > 1 else 'has'} ended"
            )
        elif self.due_ms != self.nominal_ms:
            notes.insert(0, f"due {format_instant(self.due_ms)} after jitter")
        row = [when(self.at_ms, self.zone), format_instant(self.at_ms), ", ".join(notes)]
        return [self.address, *row] if named else row


def upcoming(timed: Timed, after_ms: int, until_ms: int | None) -> Iterator[Fire]:
    """Instants after one and up to another, oldest first."""
    schedule = timed.compiled()
    if timed.begins_ms is not None:
        after_ms = max(after_ms, timed.begins_ms - 1)
    if timed.due_ms is not None and after_ms <= timed.now_ms:
        # It is due still: nobody has looked.
        after_ms = min(after_ms, timed.due_ms - 1)
    if timed.ends_ms is not None:
        until_ms = timed.ends_ms - 1 if until_ms is None else min(until_ms, timed.ends_ms - 1)
    begin_ms = after_ms
    if timed.windows is not None:
        # A window that has begun is due at its end, unless it was decided.
        begin_ms = max((schedule.prev_at(after_ms) or after_ms) - 1, timed.decided_ms or after_ms)
    nominal_ms = schedule.next_after(begin_ms)
    skips = timed.skips and timed.skips - schedule.count(timed.now_ms, max(after_ms, timed.now_ms))
    while nominal_ms is not None and (until_ms is None or nominal_ms <= until_ms):
        fire = _fire(timed, schedule, nominal_ms)
        if timed.windows is not None and fire.due_ms <= after_ms:
            nominal_ms = schedule.next_after(nominal_ms)
            continue
        if until_ms is not None and fire.at_ms > until_ms:
            return
        if skips > 0 and nominal_ms > timed.now_ms and "held" not in fire.notes:
            fire, skips = replace(fire, notes=(*fire.notes, "skipped")), skips - 1
        yield fire
        nominal_ms = schedule.next_after(nominal_ms)


def gone_by(timed: Timed, from_ms: int, since_ms: int | None) -> Iterator[Fire]:
    """Instants up to one and not before another, newest first."""
    schedule = timed.compiled()
    nominal_ms = schedule.prev_at(from_ms)
    while nominal_ms is not None and (since_ms is None or nominal_ms >= since_ms):
        fire = _fire(timed, schedule, nominal_ms)
        if fire.at_ms <= from_ms:
            yield fire
        nominal_ms = schedule.prev_at(nominal_ms - 1)


def merged(streams: Sequence[Iterator[Fire]], count: int, *, newest_first: bool = False) -> list[Fire]:
    """The first fires of several streams together, in their order."""
    return list(islice(heapq.merge(*streams, reverse=newest_first), max(count, 0)))


def print_fires(fires: Sequence[Fire], args: argparse.Namespace, *, none: str) -> int:
    """Print them as was asked for; the exit code."""
    named = args.cron is None and args.schedule is None
    if args.output == "json":
        print(json.dumps({"fires": [fire.as_json(named=named) for fire in fires]}, indent=2))
        return 0
    screen = Screen()
    if not fires:
        screen.line(none)
        return 0
    head = ["local", "UTC", ""]
    screen.table(["job", *head] if named else head, [fire.row(named=named) for fire in fires])
    return 0


def none_words(asked: Sequence[Timed], idle: str, otherwise: str) -> str:
    """What to say where no instant is to be shown."""
    if idle:
        return idle
    if len(asked) == 1 and (last_ms := ended_ms(asked[0])) is not None:
        last = when(last_ms, asked[0].spec.get("timezone"))
        return f"Never again: the schedule has come to its end, with {last}."
    if any("delay" in timed.spec for timed in asked):
        return "None is known: a delay is counted from the end of each run; jobboard why says what runs."
    return otherwise


def ended_ms(timed: Timed) -> int | None:
    """The last instant of a schedule that has no more; None where it goes on, or never began."""
    if "delay" in timed.spec:
        return None
    schedule, now_ms = timed.compiled(), clock.now_ms()
    return schedule.prev_at(now_ms) if schedule.next_after(now_ms) is None else None


def asked_schedules(args: argparse.Namespace, command: str) -> tuple[list[Timed], str]:
    """The schedules that the arguments name; and why there is none, where one job is named that has none.

    Raises:
        InvalidSchedule: If one on the command line is none.
        UsageError: If both a job and a schedule are named.
    """
    if args.cron is None and args.schedule is None:
        from jobboard.cli.stored import stored_schedules

        return stored_schedules(args)
    if args.job is not None:
        raise errors.UsageError("name a job or a schedule, not both", f"jobboard {command} --help shows how")
    return [Timed(args.seed, _free_schedule(args))], ""


def asked_span(args: argparse.Namespace, *, newest_first: bool = False) -> tuple[int, int | None]:
    """Where to begin, which is this machine's now if nothing is said, and the other end if there is one.

    Raises:
        UsageError: Nothing can lie between them.
    """
    begin_ms = clock.now_ms() if args.begin is None else instant_ms(args.begin, "--from")
    bound_ms = instant_ms(args.bound, args.bound_option)
    if bound_ms is not None and (bound_ms > begin_ms if newest_first else bound_ms < begin_ms):
        begin = "now" if args.begin is None else f"--from {args.begin}"
        side = "after" if newest_first else "before"
        raise errors.UsageError(f"{args.bound_option} {args.bound} lies {side} {begin}", "exchange the two")
    return begin_ms, bound_ms


def _fire(timed: Timed, schedule: Schedule, nominal_ms: int) -> Fire:
    shift = schedule.shift_at(nominal_ms)
    held = any(hold.covers(nominal_ms) for hold in timed.holds)
    paced = ["delay"] if "delay" in timed.spec else []
    notes = (*([shift] if shift else []), *(["held"] if held else []), *paced)
    due_ms, zone = schedule.due(nominal_ms), timed.spec.get("timezone")
    if timed.windows is None:
        return Fire(nominal_ms, timed.address, nominal_ms, due_ms, zone, notes, after=timed.after)
    ends_ms = schedule.nominals.next_after(nominal_ms)
    return Fire(due_ms, timed.address, nominal_ms, due_ms, zone, notes, ends_ms)


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
