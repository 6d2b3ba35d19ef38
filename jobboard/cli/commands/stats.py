"""Show how runs have been going: how many ended well, how long they took and waited, which are slow or flaky.

jobboard stats                           every queue, the slowest and the flakiest jobs; of the last day
jobboard stats --since 30d --queue slow  one queue
jobboard stats ops/backup --since 7d     one job, day by day

Jobs are counted by whole UTC days, for thirty days; queues by the minute for two days, then by the day.
Percentiles are right to within a tenth.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.arguments import natural, past_ms
from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen
from jobboard.core.runs.tally import total
from jobboard.core.states import PASSED_OVER
from jobboard.core.times.instant import format_instant
from jobboard.core.times.moment import brief_instant, brief_span
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.runs.tally import Spans, Tally
    from jobboard.store.calls.connect import Store

_HOUR_MS = 3_600_000
_HEAD = ("RUNS", "OK", "BAD", "RETRIES", "P50", "P95", "MAX", "WAIT P50", "WAIT P95")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard stats``."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="only this job, day by day")
    parser.add_argument("--queue", metavar="QUEUE", help="only this queue")
    parser.add_argument(
        "--since", metavar="SPAN|INSTANT", default="24h", help="since when, as in 7d (default: 24h)"
    )
    parser.add_argument(
        "-n", type=natural, default=5, metavar="N", help="how many slow and flaky jobs (default: 5)"
    )


def execute(args: argparse.Namespace) -> int:
    """Read, add up, print."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job_or_past

    if args.job and args.queue:
        raise errors.UsageError("name a job or a queue, not both", "a job is counted wherever it runs")
    if args.n < 0:
        raise errors.UsageError("-n is 0 or more", "-n 0 leaves slow and flaky jobs out")
    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        from_ms = past_ms(args.since, "--since", now_ms)
        if from_ms is None or from_ms > now_ms:
            raise errors.UsageError(f"{args.since} is in the future", "as in --since 24h")
        if args.job:
            told = _Job(find_job_or_past(store, args.job), store, from_ms, now_ms)
            told.print(as_json=args.output == "json")
        else:
            _All(args.queue, args.n, store, from_ms, now_ms).print(as_json=args.output == "json")
    return 0


class _Job:
    """One job, day by day."""

    def __init__(self, address: str, store: Store, from_ms: int, now_ms: int) -> None:
        from jobboard.store.runs import counts

        self._address, self._since_ms = address, counts.first_day_ms(from_ms, now_ms)
        self._days = counts.of_job(store, address, from_ms, now_ms)

    def print(self, *, as_json: bool) -> None:
        """As JSON, or as a table of days."""
        every = total(self._days.values())
        if as_json:
            days = [{"day": format_instant(at_ms), **tally_json(one)} for at_ms, one in self._days.items()]
            since = format_instant(self._since_ms)
            said = {"job": self._address, "since": since, **tally_json(every), "days": days}
            print(json.dumps(said, indent=2))
            return
        if not self._days:
            since = format_instant(self._since_ms)
            print(
                f"No run of {self._address} has ended since {since}. jobboard why {self._address} tells more."
            )
            return
        rows = [[_day(at_ms), *_cells(one), _passed_over(one)] for at_ms, one in self._days.items()]
        if len(rows) > 1:
            rows.append(["all", *_cells(every), _passed_over(every)])
        Screen().table(["DAY (UTC)", *_HEAD, "PASSED OVER"], rows)


class _All:
    """Every queue, or one; and the jobs that stand out."""

    def __init__(self, queue: str | None, most: int, store: Store, from_ms: int, now_ms: int) -> None:
        from jobboard.store.runs import counts

        queues, self._since_ms = counts.by_queue(store, from_ms, now_ms)
        self._queue, self._now_ms, self._most = queue, now_ms, most
        self._queues = {name: one for name, one in sorted(queues.items()) if queue in (None, name)}
        jobs, self._jobs_since_ms = ({}, 0) if queue else counts.by_job(store, from_ms, now_ms)
        self._slowest = _first(jobs, most, lambda one: one.ran.percentile_ms(0.95) or 0)
        self._flakiest = _first(jobs, most, lambda one: (one.bad + one.retries) / max(1, one.runs))

    def _an_hour(self, tally: Tally) -> float:
        return tally.runs * _HOUR_MS / max(1, self._now_ms - self._since_ms)

    def _pace(self, tally: Tally) -> str:
        an_hour = self._an_hour(tally)
        if an_hour >= 10:
            return f"{an_hour:,.0f} an hour"
        return f"{an_hour:.2g} an hour" if an_hour >= 1 else f"{an_hour * 24:.2g} a day"

    def print(self, *, as_json: bool) -> None:
        """As JSON, or as tables."""
        every = total(self._queues.values())
        if as_json:
            print(json.dumps(self._as_json(every), indent=2))
            return
        since = brief_instant(self._since_ms, None, self._now_ms)
        where = f" in queue {self._queue}" if self._queue else ""
        if not self._queues:
            print(f"No run has ended{where} since {since} UTC.")
            return
        runs = "1 run" if every.runs == 1 else f"{every.runs:,} runs"
        screen = Screen()
        screen.line(f"Since {since} UTC{where}: {runs}, {_ok(every)} ok, {self._pace(every)}.")
        screen.line()
        rows = [[name, *_cells(one)] for name, one in self._queues.items()]
        if len(rows) > 1:
            rows.append(["all", *_cells(every)])
        screen.table(["QUEUE", *_HEAD], rows)
        self._outstanding(screen, "Slowest", self._slowest)
        self._outstanding(screen, "Flakiest", self._flakiest)

    def _outstanding(self, screen: Screen, word: str, jobs: Mapping[str, Tally]) -> None:
        if jobs:
            screen.line()
            screen.line(f"{word} since {brief_instant(self._jobs_since_ms, None, self._now_ms)} UTC:", "dim")
            screen.table(["JOB", *_HEAD], [[job, *_cells(one)] for job, one in jobs.items()])

    def _as_json(self, every: Tally) -> dict[str, Any]:
        said = {
            "since": format_instant(self._since_ms),
            "an_hour": round(self._an_hour(every), 4),
            **tally_json(every),
            "queues": [{"queue": name, **tally_json(one)} for name, one in self._queues.items()],
        }
        if self._queue:
            return said
        return {
            **said,
            "jobs_since": instant_json(self._jobs_since_ms),
            "slowest": [{"job": job, **tally_json(one)} for job, one in self._slowest.items()],
            "flakiest": [{"job": job, **tally_json(one)} for job, one in self._flakiest.items()],
        }


def tally_json(tally: Tally) -> dict[str, Any]:
    """What was counted, as JSON; spans in milliseconds."""
    share = tally.ok_share
    return {
        "runs": tally.runs,
        "ok_share": None if share is None else round(share, 4),
        "states": dict(sorted(tally.states.items())),
        "retries": tally.retries,
        "ran": _spans_json(tally.ran),
        "waited": _spans_json(tally.waited),
    }


def _spans_json(spans: Spans) -> dict[str, Any]:
    figures = {
        "mean_ms": spans.mean_ms,
        "deviation_ms": spans.deviation_ms,
        "p50_ms": spans.percentile_ms(0.5),
        "p95_ms": spans.percentile_ms(0.95),
        "max_ms": spans.longest_ms if spans.count else None,
    }
    return {"count": spans.count} | {
        name: None if figure is None else round(figure) for name, figure in figures.items()
    }


def _first(jobs: Mapping[str, Tally], most: int, measure: Callable[[Tally], float]) -> dict[str, Tally]:
    """The jobs that measure most, and more than nothing."""
    chosen = sorted(jobs, key=lambda job: (-measure(jobs[job]), job))[:most]
    return {job: jobs[job] for job in chosen if measure(jobs[job])}


def _cells(tally: Tally) -> Sequence[str]:
    ran, waited = tally.ran, tally.waited
    spans = (ran.percentile_ms(0.5), ran.percentile_ms(0.95), ran.longest_ms if ran.count else None)
    waits = (waited.percentile_ms(0.5), waited.percentile_ms(0.95))
    numbers = (f"{tally.runs:,}", _ok(tally), f"{tally.bad:,}", f"{tally.retries:,}")
    return [*numbers, *("-" if ms is None else brief_span(round(ms)) for ms in (*spans, *waits))]


def _ok(tally: Tally) -> str:
    """The share that ended well; never 100 % where one did not."""
    share = tally.ok_share
    if share is None:
        return "-"
    return "100%" if share == 1 else f"{int(share * 1000) / 10:g}%"


def _passed_over(tally: Tally) -> str:
    words = [f"{count} {state}" for state, count in sorted(tally.states.items()) if state in PASSED_OVER]
    return ", ".join(words)


def _day(at_ms: int) -> str:
    return format_instant(at_ms)[:10]
