"""What the commands that stay have in common: their log, their names, and where they may watch from."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.project import may_be_shared
from jobboard.settings import masked

if TYPE_CHECKING:
    import argparse

    from jobboard.settings import Settings


def log_to_stderr() -> None:
    """One line a message, with its time, to standard error."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(message)s",
        datefmt="%H:%M:%S",
    )
    # It tells of every change it sees; what those came to is said here.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)


def unique_name() -> str:
    """A name no other process has: host, process, and a few random digits."""
    return f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(2)}"


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """What a worker can be told."""
    parser.add_argument(
        "--queue", action="append", metavar="NAME", help="a queue to serve; again for more (default: common)"
    )
    parser.add_argument(
        "--slots",
        type=_positive,
        default=None,
        metavar="N",
        help="runs at once (default: twice the processors)",
    )
    parser.add_argument("--name", metavar="NAME", help="what to call the worker (default: this host)")


def queues_of(args: argparse.Namespace) -> list[str]:
    """The queues to serve, without repeats, in the order given."""
    from jobboard.core.names import NAME_RULE, is_name

    queues = list(dict.fromkeys(args.queue or ["common"]))
    for queue in queues:
        if not is_name(queue):
            raise errors.UsageError(f"{queue!r} is no queue's name", f"a name is {NAME_RULE}")
    return queues


def slots_of(args: argparse.Namespace) -> int:
    """How many runs at once."""
    return int(args.slots or 2 * (os.cpu_count() or 1))


def refuse_shared(settings: Settings, *, shared: bool) -> None:
    """Watching writes on every save, so it does that only where nobody else is likely to run anything.

    Raises:
        errors.Refused: The store is on another machine, `shared` was not given, and the project file does not
            allow it.
    """
    if shared or settings.watched or not may_be_shared(settings):
        return
    raise errors.Refused(
        f"{masked(settings.redis_url)} may be shared, and watching it would apply every save at once",
        "use jobboard plan and jobboard sync; if meant, add --shared, or  watch: true  to the environment",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
