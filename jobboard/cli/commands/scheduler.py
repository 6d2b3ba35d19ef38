"""Fire jobs when they are due. Any number of schedulers may run on one store; none of them leads.

jobboard scheduler
jobboard --redis redis://queue.example/0 --namespace shop scheduler
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from jobboard.cli import daemons, project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard scheduler``."""
    daemons.add_store_wait(parser)
    daemons.add_ready_file(parser, "schedules")
    parser.add_argument("--name", metavar="NAME", help="what to call it (default: host and process)")


def execute(args: argparse.Namespace) -> int:
    """Schedule until told to stop."""
    from jobboard.daemon.scheduler.scheduler import Scheduler
    from jobboard.daemon.service import Signals
    from jobboard.daemon.system.announce import Announcer

    settings = Settings.from_args(args)
    daemons.log_to_stderr()
    with daemons.ready_file_of(args) as ready_file:
        announcer = Announcer(ready_file=ready_file, environ=os.environ)
    with Signals() as signals, daemons.store_of(args, settings, signals.stop, announcer.alive) as store:
        if store is None:
            return 0
        logging.getLogger("jobboard").info("scheduling on %s", project.store_name(settings))
        scheduler = Scheduler(store, name=args.name or daemons.unique_name(), announcer=announcer)
        scheduler.run(signals.stop)
    return 0
