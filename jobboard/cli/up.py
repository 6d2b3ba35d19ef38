"""Watch, schedule and work, all in one process, until Ctrl-C: a development machine's whole jobboard.

The first Ctrl-C lets running jobs finish, a second one does not. Each run that ends is a line.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from jobboard.cli import daemons, project
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    import threading

    from jobboard.store.connect import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard up``."""
    from jobboard.cli.watch import add_shared

    project.add_paths(parser)
    daemons.add_worker_options(parser)
    add_shared(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the three daemons side by side."""
    from jobboard.cli.watch import watcher_of
    from jobboard.daemon.scheduler import Scheduler
    from jobboard.daemon.service import Signals, serve
    from jobboard.daemon.worker import Worker
    from jobboard.store.connect import open_store

    settings = Settings.from_args(args)
    daemons.refuse_shared(settings, shared=args.shared)
    queues, slots = daemons.queues_of(args), daemons.slots_of(args)
    daemons.log_to_stderr()
    screen = Screen()
    with Signals() as signals, open_store(settings) as store:
        scheduler = Scheduler(store, name=daemons.unique_name())
        worker = Worker(
            store,
            name=args.name or socket.gethostname(),
            queues=queues,
            slots=slots,
            home=settings.home,
        )
        watcher = watcher_of(args, settings, store.again(), screen)
        screen.line(f"Up on {project.store_name(settings)}. Ctrl-C stops it.", "bold")
        screen.flush()
        serve(
            {
                "scheduler": scheduler.run,
                "worker": lambda stop: worker.run(stop, signals.hurry),
                "watch": watcher.run,
                "report": lambda stop: _report_ends(store.again(), screen, stop),
            },
            signals.stop,
        )
    screen.line("Down.", "dim")
    return 0


def _report_ends(store: Store, screen: Screen, stop: threading.Event) -> None:
    """A line for each run that ends, until told to stop."""
    from jobboard import errors
    from jobboard.store.events import latest_id, read_events

    with store:
        after = None
        while not stop.is_set():
            try:
                after = after or latest_id(store)
                for event in read_events(store, after, block_ms=500):
                    after = event["id"]
                    if event["e"] == "finished":
                        state = event.get("state", "")
                        reason = f"  {event['reason']}" if event.get("reason") else ""
                        style = "good" if state == "ok" else "error"
                        screen.line(f"{screen.paint(f'{state:<9}', style)} {event['run']}{reason}")
                screen.flush()
            except (errors.StoreUnreachable, errors.StoreRefused):
                stop.wait(1.0)
