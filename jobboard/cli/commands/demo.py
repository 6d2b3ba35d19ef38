"""Run a small board for real: a temporary store, a scheduler and a worker. Leaves nothing behind.

jobboard demo
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import __version__, clock, errors
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_span

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from jobboard.core.runs.record import Record
    from jobboard.reconcile.planning import Planned
    from jobboard.store.calls.connect import Store

EXPECTED = {
    "demo/hello": "ok",
    "demo/after-hello": "ok",
    "demo/flaky": "ok",
    "demo/slow": "failed",
    "demo/left": "ok",
    "demo/right": "ok",
}
"""The runs the demo waits for, and how each ends."""

_LOCKED = ("demo/left", "demo/right")
"""Those that need one lock, and so run one after the other."""
_NOTABLE_MS = 100

PATIENCE_S = 40.0


def configure(parser: argparse.ArgumentParser) -> None:
    """``jobboard demo`` takes no arguments of its own."""
    parser.set_defaults(redis=None)


def execute(args: argparse.Namespace) -> int:
    """Start, lint, plan, sync, run, report, and clean up whatever happens."""
    from jobboard.settings import Settings
    from jobboard.store.calls.connect import Store
    from jobboard.store.server.embedded import await_end, open_embedded

    began_s = clock.monotonic_s()
    say = Screen()
    quiet = args.output == "json"
    settings = Settings.from_args(args)
    with tempfile.TemporaryDirectory(prefix="jobboard-demo-") as folder:
        home = Path(folder)
        try:
            with open_embedded(home) as lease, Store(lease.url, "demo") as store:
                if not quiet:
                    server = f"embedded Valkey {lease.version} started in {_span(lease.started_in_s or 0.0)}"
                    say.line(f"jobboard {__version__} · {server} (temporary, removed at the end)", "bold")
                _sync(store, settings.actor, say, quiet=quiet)
                ended = _run_all(store, home, say, quiet=quiet)
        finally:
            # The server still writes while it ends, and a folder that is written to cannot be removed.
            await_end(home)
    took_s = clock.monotonic_s() - began_s
    if quiet:
        states = {record.run_id: record.state for record in ended}
        print(json.dumps({"took_ms": round(took_s * 1000), "runs": states}, indent=2))
    else:
        say.line(
            f"That took {_span(took_s)} and left nothing behind. Next: jobboard init · jobboard up", "bold"
        )
    return 0 if {record.job: record.state for record in ended} == EXPECTED else 1


def _sync(store: Store, actor: str, say: Screen, *, quiet: bool) -> None:
    from jobboard.reconcile.applying import apply
    from jobboard.reconcile.planning import make_plan
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.share import shared
    from jobboard.source import files

    path = shared("boards") / "demo.yaml"
    began_s = clock.monotonic_s()
    sources = Sources((files.read(path, path.parent),), (), None)
    planned = make_plan(store, sources, Options())
    if not quiet:
        say.line(f"lint    {path.name}   no errors")
        say.line(f"plan    {path.name}   {planned.plan.counts['add']} to add")
    by = {"actor": actor, "via": "cli", "host": os.uname().nodename, "reason": "demo"}
    synced = apply(store, planned, by)
    if not quiet:
        added = synced.plan.counts["add"]
        say.line(
            f"sync    revision {synced.revision} · {added} added   {_span(clock.monotonic_s() - began_s)}"
        )
        _show_dues(planned, say)


def _show_dues(planned: Planned, say: Screen) -> None:
    from jobboard.cli.values import shown

    for change in planned.plan.changes:
        spec = change.after or {}
        what = f"after {spec['after'][0]}" if "after" in spec else shown("schedule", spec["schedule"])
        say.line(f"        {change.address:<18} {what}", "dim")


def _run_all(store: Store, home: Path, say: Screen, *, quiet: bool) -> list[Record]:
    from jobboard.store.runs.events import read_events
    from jobboard.store.runs.past import read_run

    ended: list[Record] = []
    deadline_s = clock.monotonic_s() + PATIENCE_S
    with _daemons(store, home):
        after = "0"
        while len(ended) < len(EXPECTED):
            if clock.monotonic_s() > deadline_s:
                missing = sorted(set(EXPECTED) - {record.job for record in ended})
                raise errors.JobboardError(
                    f"still waiting for {', '.join(missing)} after {_span(PATIENCE_S)}", "jobboard doctor"
                )
            for event in read_events(store, after, block_ms=500):
                after = event["id"]
                if event["e"] == "finished" and (record := read_run(store, event["run"])) is not None:
                    ended.append(record)
                    if not quiet:
                        _show(store, record, say)
    return ended


@contextlib.contextmanager
def _daemons(store: Store, home: Path) -> Iterator[None]:
    """A scheduler and a worker, side by side, for as long as the block lasts."""
    from jobboard.daemon.scheduler.scheduler import Scheduler
    from jobboard.daemon.service import serve
    from jobboard.daemon.worker.serving import Serving
    from jobboard.daemon.worker.worker import Worker

    stop, hurry = threading.Event(), threading.Event()
    scheduler = Scheduler(store, name="demo")
    worker = Worker(store, name="demo", serving=Serving(("common",), 4), home=home)
    daemons = {"scheduler": scheduler.run, "worker": lambda told: worker.run(told, hurry)}
    thread = threading.Thread(target=serve, args=(daemons, stop), name="demo")
    thread.start()
    try:
        yield
    finally:
        hurry.set()
        stop.set()
        thread.join()


def _span(seconds: float) -> str:
    return brief_span(round(seconds * 1000))


def _show(store: Store, record: Record, say: Screen) -> None:
    from jobboard.store.runs.output import read_output

    ended, started, queued = record.ended_at_ms or 0, record.started_at_ms or 0, record.queued_at_ms or 0
    how = " → ".join([*(f"{tried.reason} → retry" for tried in record.tries), record.reason or record.state])
    notes = brief_span(ended - started)
    if started - queued > _NOTABLE_MS and record.job in _LOCKED:
        notes += f", waited {brief_span(started - queued)} for its lock"
    style = "good" if record.state == "ok" else "error"
    say.line(f"run     {record.job.partition('/')[2]:<14} {say.paint(how, style)}   {notes}")
    for line in (
        b"".join(chunk.content for chunk in read_output(store, record.run_id))
        .decode(errors="replace")
        .splitlines()
    ):
        say.line(f"        {'':<14} | {line}", "dim")
