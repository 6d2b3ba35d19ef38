"""Run what has been fired. Ctrl-C or TERM lets running commands finish, for a while; a second one does not.

jobboard worker --slots 8
jobboard worker --queue slow --grace 10m
jobboard worker --queue images --idle-after 10m

QUIT lets them finish however long they take. USR1 ends what runs, which then has failed, and goes on. USR2
takes nothing new and prints where every thread is; CONT goes on. HUP lets everything finish and starts the
program anew, with what is installed and configured by then; in a terminal it stops, as the terminal is gone.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import daemons, project
from jobboard.cli.arguments import span_ms
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from jobboard.daemon.service import Signals
    from jobboard.daemon.system.announce import WorkerAnnouncer
    from jobboard.daemon.worker.idle import Idle
    from jobboard.daemon.worker.serving import Serving
    from jobboard.daemon.worker.worker import Worker

_UNLIMITED = "unlimited"
_CAUGHT = (
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
    signal.SIGHUP,
    signal.SIGCHLD,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard worker``."""
    daemons.add_worker_options(parser)
    daemons.add_store_wait(parser)
    parser.add_argument(
        "--lease",
        default="30s",
        metavar="SPAN",
        help="how long it may be silent before its runs are given away",
    )
    parser.add_argument(
        "--grace",
        default="1m",
        metavar="SPAN",
        help="how long running commands may go on once it is told to stop, or unlimited (default: 1m)",
    )
    daemons.add_ready_file(parser, "takes runs")
    parser.add_argument(
        "--log-dir",
        type=Path,
        metavar="DIR",
        help="where output goes that jobs want in files (default: logs in the state directory)",
    )
    parser.add_argument(
        "--log-size",
        default="1G",
        metavar="SIZE",
        help="how much these files may take together; the oldest go first (default: 1G)",
    )
    parser.add_argument(
        "--idle-after",
        metavar="SPAN",
        help="stop, or run --idle-run, when nothing has run for so long",
    )
    parser.add_argument(
        "--idle-run", metavar="COMMAND", help="what to run then, in place of stopping: sudo shutdown -h now"
    )


def execute(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    from jobboard.daemon.service import Signals
    from jobboard.daemon.worker.worker import Worker

    settings = Settings.from_args(args)
    serving = daemons.serving_of(args)
    daemons.log_to_stderr()
    # Whoever started it with HUP ignored, as nohup does, means that.
    caught = [number for number in _CAUGHT if signal.getsignal(number) is not signal.SIG_IGN]
    anew: list[bool] = []
    with Signals(caught) as signals:
        # Before the store is waited for: what is wrong here is said at once.
        options = _options(args, settings, serving, signals)
        with daemons.store_of(args, settings, signals.stop, options["announcer"].alive) as store:
            if store is None:
                return 0
            worker = Worker(store, name=args.name or socket.gethostname(), serving=serving, **options)
            signals.answer(_answers(worker, signals, anew))
            logging.getLogger("jobboard").info(
                "working on %s, queue %s, %d at once",
                project.store_name(settings),
                ", ".join(serving.queues),
                serving.slots,
            )
            worker.run(signals.stop, signals.hurry)
        if anew and not signals.hurry.is_set():
            logging.getLogger("jobboard").info("starting anew")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program
    return 0


def _options(
    args: argparse.Namespace, settings: Settings, serving: Serving, signals: Signals
) -> dict[str, Any]:
    return {
        "home": settings.home,
        "lease_ms": span_ms(args.lease, "--lease"),
        "grace_ms": None if args.grace == _UNLIMITED else span_ms(args.grace, "--grace"),
        "announcer": _announcer(args, serving),
        "idle": _idle(args, signals),
        "log_dir": _log_dir(args.log_dir),
        "log_bytes": _size(args.log_size, "--log-size"),
    }


def _answers(worker: Worker, signals: Signals, anew: list[bool]) -> dict[int, Callable[[], None]]:
    """What each signal means."""

    def finish() -> None:
        worker.wait_for_all()
        signals.stop.set()

    def start_anew() -> None:
        anew.append(True)
        finish()

    def pause() -> None:
        # Called, it holds the interpreter's lock. Registered for the signal it would not: the stacks of
        # threads that run would be read while they change, and now and then that ends the process.
        faulthandler.dump_traceback(all_threads=True)
        worker.pause()

    answers: dict[int, Callable[[], None]] = {
        signal.SIGQUIT: finish,
        signal.SIGUSR1: worker.end_running,
        signal.SIGUSR2: pause,
        signal.SIGCONT: worker.go_on,
        signal.SIGHUP: signals.stop.set if sys.stdin is not None and sys.stdin.isatty() else start_anew,
    }
    if os.getpid() == 1:
        answers[signal.SIGCHLD] = worker.reap
    return answers


def _announcer(args: argparse.Namespace, serving: Serving) -> WorkerAnnouncer:
    from jobboard.daemon.system.announce import WorkerAnnouncer

    with daemons.ready_file_of(args) as ready_file:
        name = args.name or socket.gethostname()
        return WorkerAnnouncer(name, serving.slots, ready_file=ready_file, environ=os.environ)


def _idle(args: argparse.Namespace, signals: Signals) -> Idle | None:
    from jobboard.daemon.worker import idle

    if args.idle_after is None:
        if args.idle_run is not None:
            raise errors.UsageError("--idle-run does not say when", "write  --idle-after 10m  with it")
        return None
    act = signals.stop.set if args.idle_run is None else idle.running(args.idle_run)
    return idle.Idle(span_ms(args.idle_after, "--idle-after"), act)


def _log_dir(path: Path | None) -> Path | None:
    """Found out now that it cannot be used, and not when a job prints something."""
    if path is None:
        return None
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        hint = "name a directory that this worker may write to"
        raise errors.UsageError(f"--log-dir {path}: {why}", hint) from error


def _size(text: str, option: str) -> int:
    from jobboard.core.size import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise errors.UsageError(f"{option}: {error}") from error
