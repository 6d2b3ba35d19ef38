"""Run what has been fired. Ctrl-C or TERM lets running commands finish; a second one does not."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import daemons, project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard worker``."""
    daemons.add_worker_options(parser)
    parser.add_argument(
        "--lease",
        default="30s",
        metavar="SPAN",
        help="how long it may be silent before its runs are given away",
    )
    parser.add_argument(
        "--grace", metavar="SPAN", help="how long running commands may go on once it is told to stop"
    )


def execute(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    from jobboard.daemon.service import Signals
    from jobboard.daemon.worker import Worker
    from jobboard.store.connect import open_store

    settings = Settings.from_args(args)
    serving = daemons.serving_of(args)
    daemons.log_to_stderr()
    with Signals() as signals, open_store(settings) as store:
        worker = Worker(
            store,
            name=args.name or socket.gethostname(),
            serving=serving,
            home=settings.home,
            lease_ms=_span_ms(args.lease),
            grace_ms=None if args.grace is None else _span_ms(args.grace),
        )
        logging.getLogger("jobboard").info(
            "working on %s, queue %s, %d at once",
            project.store_name(settings),
            ", ".join(serving.queues),
            serving.slots,
        )
        worker.run(signals.stop, signals.hurry)
    return 0


def _span_ms(text: str) -> int:
    from jobboard.core.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise errors.UsageError(str(error)) from error
