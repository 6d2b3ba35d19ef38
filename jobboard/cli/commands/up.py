"""Watch, schedule and work, all in one process, until Ctrl-C: a development machine's whole jobboard.

jobboard up
jobboard up --slots 8

The first Ctrl-C lets running jobs finish, a second one does not. Each run that ends, or
is to be tried again, is a line.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.cli import daemons, project
from jobboard.cli.screen import Screen
from jobboard.settings import Settings, project_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.events import Event

_LOOK_S = 0.1
"""How often it sees, while it is not up yet, whether it is to stop."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard up``."""
    from jobboard.cli.commands.watch import add_shared

    project.add_paths(parser)
    daemons.add_worker_options(parser)
    add_shared(parser)
    daemons.add_store_wait(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the three daemons side by side."""
    from jobboard.cli.commands.watch import watcher_of
    from jobboard.daemon.scheduler.scheduler import Scheduler
    from jobboard.daemon.service import Signals, serve
    from jobboard.daemon.system.announce import PartAnnouncer
    from jobboard.daemon.worker.worker import Worker
    from jobboard.runners.found import OURS

    settings = Settings.from_args(args)
    daemons.refuse_shared(settings, shared=args.shared)
    common = args.read_project(project_root(Path.cwd()))
    if not args.runner and common is not None:
        args.runner = [name for name, runner in common.runners.items() if runner.argv or name in OURS]
    serving = daemons.serving_of(args)
    daemons.log_to_stderr()
    screen = Screen()
    with Signals() as signals, daemons.store_of(args, settings, signals.stop) as store:
        if store is None:
            return 0
        ready = threading.Semaphore(0)
        announcer = PartAnnouncer(ready.release)
        scheduler = Scheduler(store, name=daemons.unique_name(), announcer=announcer)
        worker = Worker(
            store,
            name=args.name or socket.gethostname(),
            serving=serving,
            home=settings.home,
            announcer=announcer,
        )
        watcher = watcher_of(args, settings, store.again(), screen)
        report = _Report(store.again(), screen)

        def watch(stop: threading.Event) -> None:
            # What is run once it says so finds both.
            if _came(ready, 2, stop):
                screen.line(f"Up on {project.store_name(settings)}. Ctrl-C stops it.", "bold")
                screen.flush()
                watcher.run(stop)

        serve(
            {
                "scheduler": scheduler.run,
                "worker": lambda stop: report.until_done(lambda: worker.run(stop, signals.hurry)),
                "watch": watch,
                "report": report.run,
            },
            signals.stop,
        )
    screen.line("Down.", "dim")
    return 0


def _came(ready: threading.Semaphore, times: int, stop: threading.Event) -> bool:
    """Wait until it was released so often; whether it was before `stop` was set."""
    for _ in range(times):
        while not ready.acquire(timeout=_LOOK_S):
            if stop.is_set():
                return False
    return True


class _Report:
    """A line for each run that ends or is to be tried again, also while everything stops."""

    def __init__(self, store: Store, screen: Screen) -> None:
        self._store = store
        self._screen = screen
        self._done = threading.Event()

    def until_done(self, work: Callable[[], None]) -> None:
        """Do the work; the report may end once it is over."""
        try:
            work()
        finally:
            self._done.set()

    def run(self, stop: threading.Event) -> None:
        """Report until the work is over; an outage of the store is waited out."""
        from jobboard import errors
        from jobboard.store.runs.events import latest_id

        told = False
        with self._store:
            after = None
            while True:
                over = self._done.is_set()
                try:
                    after = self._ends(after or latest_id(self._store))
                except (errors.StoreUnreachable, errors.StoreRefused):
                    self._done.wait(1.0)
                if over:
                    return
                if stop.is_set() and not self._done.is_set() and not told:
                    told = True
                    self._say("Stopping: running commands may finish. Ctrl-C again ends them.", "dim")

    def _ends(self, after: str) -> str:
        from jobboard.store.runs.events import read_events

        for event in read_events(self._store, after, block_ms=250):
            after = event["id"]
            if told := _told(event):
                word, why, style = told
                word = self._screen.paint(f"{word:<9}", style)
                self._say(f"{_clock(int(event['at']))}  {word} {event['run']}{f'  {why}' if why else ''}")
        return after

    def _say(self, line: str, style: str = "") -> None:
        self._screen.line(line, style)
        self._screen.flush()


def _told(event: Event) -> tuple[str, str, str] | None:
    """What is said of an event, why, and in which style: of ends, and of tries that were none."""
    from jobboard.core.times.moment import brief_span

    kind, reason = event["e"], str(event.get("reason") or "")
    if kind == "finished":
        state = str(event.get("state", ""))
        return state, reason if reason != state else "", "good" if state == "ok" else "error"
    if kind == "retry":
        return kind, f"{reason}; again in {brief_span(int(event['delay_ms']))}", "change"
    # With a reason, it goes back to where it came from.
    return (kind, reason, "change") if kind == "queued" and reason else None


def _clock(at_ms: int) -> str:
    """The time of day in UTC, as ``09:30:05Z``."""
    from jobboard.core.times.instant import format_instant

    return format_instant(at_ms // 1000 * 1000)[11:]
