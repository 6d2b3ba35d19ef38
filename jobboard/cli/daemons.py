"""What the commands that stay have in common: their log, their names, and where they may watch from."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.arguments import positive, span_ms
from jobboard.cli.project import may_be_shared
from jobboard.settings import masked, project_root

if TYPE_CHECKING:
    import argparse
    import threading
    from collections.abc import Callable, Iterator

    from jobboard.core.jobs.runner import Runner
    from jobboard.daemon.worker.serving import Serving
    from jobboard.settings import Settings
    from jobboard.store.calls.connect import Store

_LOOK_AGAIN_S = 0.25


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
        "--queue",
        action="append",
        metavar="NAME[=N]",
        help="a queue to serve, with at most N runs at once; again for more (default: common)",
    )
    parser.add_argument(
        "--slots",
        type=positive,
        default=None,
        metavar="N",
        help="runs at once, of all queues (default: twice the processors, or what the queues add up to)",
    )
    parser.add_argument(
        "--order",
        choices=["priority", "strict", "round-robin"],
        default="priority",
        help="of several queues: the best run of all, one queue after the other, or one of each in turn",
    )
    parser.add_argument(
        "--inbox",
        action="append",
        default=[],
        metavar="QUEUE",
        help="run what anybody who reaches Redis pushes into this queue's inbox; again for more",
    )
    parser.add_argument(
        "--runner",
        action="append",
        default=[],
        metavar="NAME",
        help="a runner of the project's own to serve, in every queue it serves; again for more",
    )
    parser.add_argument("--name", metavar="NAME", help="what to call the worker (default: this host)")


def add_store_wait(parser: argparse.ArgumentParser) -> None:
    """How patient it is at its start."""
    parser.add_argument(
        "--store-wait",
        default="1m",
        metavar="SPAN",
        help="how long to wait at the start for a store that is not there yet (default: 1m)",
    )


@contextmanager
def store_of(
    args: argparse.Namespace,
    settings: Settings,
    stop: threading.Event,
    alive: Callable[[], object] = lambda: None,
) -> Iterator[Store | None]:
    """The store, once it is there: a server may start later than this program, or be busy loading its data.

    None where `stop` was set before it was.

    Args:
        args: With what `add_store_wait` added.
        settings: Where the store is.
        stop: Set, it is waited for no longer.
        alive: Called again and again meanwhile.

    Raises:
        errors.StoreUnreachable: It was not there in time.
        errors.StoreRefused: A server answers, and cannot be used.
    """
    from jobboard.clock import monotonic_s
    from jobboard.store.calls.connect import open_store

    give_up_at_s = monotonic_s() + span_ms(args.store_wait, "--store-wait") / 1000
    waiting = False
    while not stop.is_set():
        try:
            store = open_store(settings)
        except errors.StoreUnreachable as error:
            # An embedded one is started here: what keeps it from starting will not pass.
            if settings.embedded or monotonic_s() >= give_up_at_s:
                raise
            if not waiting:
                logging.getLogger("jobboard").warning("%s; waiting up to %s", error.message, args.store_wait)
            waiting = True
            alive()
            stop.wait(_LOOK_AGAIN_S)
        else:
            with store:
                yield store
            return
    yield None


def add_ready_file(parser: argparse.ArgumentParser, doing: str) -> None:
    """How others see that it is ready."""
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help=f"a file that is there while it {doing}"
    )


@contextmanager
def ready_file_of(args: argparse.Namespace) -> Iterator[Path | None]:
    """The file it is to be.

    Raises:
        errors.UsageError: It cannot be there, as is found out in the block.
    """
    try:
        yield args.ready_file
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise errors.UsageError(f"--ready-file {args.ready_file}: {why}", "name another file") from error


def serving_of(args: argparse.Namespace) -> Serving:
    """What a worker is to serve: the queues named, in their order, and the queue of this host.

    Raises:
        errors.UsageError: A queue's name or number is none, a queue is named twice, or an inbox is one of a
            queue that it does not serve.
    """
    from jobboard.core.names import of_runner, queue_of_host
    from jobboard.daemon.worker.serving import Serving

    own_slots: dict[str, int | None] = {}
    inboxes = tuple(dict.fromkeys(args.inbox))
    for text in args.queue or inboxes or ["common"]:
        queue, slots = _queue_and_slots(text)
        if own_slots.setdefault(queue, slots) != slots:
            raise errors.UsageError(f"--queue {queue} is given two numbers", "give it once")
    numbers = {queue: slots for queue, slots in own_slots.items() if slots is not None}
    adds_up = sum(numbers.values()) if len(numbers) == len(own_slots) else 2 * (os.cpu_count() or 1)
    queues = tuple(dict.fromkeys((*own_slots, queue_of_host(socket.gethostname()))))
    for inbox in inboxes:
        if inbox not in queues:
            raise errors.UsageError(
                f"--inbox {inbox}: this worker does not serve that queue", f"add --queue {inbox}"
            )
    runners = runners_of(args)
    beside = {queue: [of_runner(queue, name) for name in runners] for queue in queues}
    numbers |= {each: numbers[queue] for queue in numbers for each in beside[queue]}
    served = tuple(each for queue in queues for each in (queue, *beside[queue]))
    return Serving(served, args.slots or adds_up, numbers, args.order, inboxes, runners)


def runners_of(args: argparse.Namespace) -> dict[str, Runner]:
    """The runners that a worker is told to serve.

    Raises:
        errors.UsageError: One is neither in the project file nor in a package that is installed here.
    """
    if not args.runner:
        return {}
    from jobboard.runners.found import find_runners

    common = args.read_project(project_root(Path.cwd()))
    return find_runners(args.runner, common.runners if common is not None else {})


def _queue_and_slots(text: str) -> tuple[str, int | None]:
    from jobboard.core.names import QUEUE_RULE, is_queue

    queue, given, number = text.partition("=")
    name, colon, runner = queue.partition(":")
    if colon and is_queue(queue):
        raise errors.UsageError(
            f"{queue} is the queue for a runner", f"write --queue {name} --runner {runner}"
        )
    if not is_queue(queue):
        raise errors.UsageError(f"{queue!r} is no queue's name", f"a name is {QUEUE_RULE}")
    if given and not (number.isascii() and number.isdecimal() and int(number)):
        raise errors.UsageError(f"{number!r} is no number of runs", f"write --queue {queue}=4")
    return queue, int(number) if given else None


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
