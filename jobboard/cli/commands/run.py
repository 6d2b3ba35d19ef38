"""Run a job now, by hand. It triggers none of the jobs that come after it, unless told to.

jobboard run backup --reason "before the upgrade"
jobboard run extract --with-dependents
jobboard run -f backup        show its output, and exit as the command did
"""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

from jobboard.cli.commands.logs import copy_output, say
from jobboard.cli.records import record_json
from jobboard.core.runs.why import end_text
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a command."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard run``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="show its output until it is over, and exit as it did"
    )
    parser.add_argument("--force", action="store_true", help="although it is paused or disabled")
    parser.add_argument(
        "--respect-overlap", action="store_true", help="not while another run of it is unfinished"
    )
    parser.add_argument(
        "--with-dependents", action="store_true", help="and then what runs after it, under the same nominal"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")


def execute(args: argparse.Namespace) -> int:
    """Start it; with ``-f`` stay until it is over."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import past
    from jobboard.store.runs.runs import Runs
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    as_json = args.output == "json"
    with open_store(settings) as store:
        run_id = Runs(store).start_run(
            find_job(store, args.job),
            by=settings.actor,
            reason=args.reason,
            force=args.force,
            respect_overlap=args.respect_overlap,
            with_dependents=args.with_dependents,
        )
        run = past.read_run(store, run_id)
        if run is None:
            say(f"{run_id} was started, and is gone from the store")
            return 1
        if not as_json:
            _announce(store, run, follow=args.follow)
        if args.follow:
            return _follow(store, run, as_json=as_json)
    if as_json:
        print(json.dumps(record_json(run), indent=2, ensure_ascii=False))
    return 0


def exit_code_of(run: Record) -> int:
    """What to exit with for a run that is over: as its command did, 128 and the number for a signal."""
    if run.exit_code is not None:
        return run.exit_code
    if run.signal is not None and run.signal in signal.Signals.__members__:
        return _SIGNALLED + signal.Signals[run.signal]
    return 0 if run.state == "ok" else 1


def stranded_text(store: Store, queue: str) -> str | None:
    """That nobody serves a queue, and what would; None where somebody does."""
    from jobboard.core.names import worker_for
    from jobboard.store.calls import clocks
    from jobboard.store.runs import world

    if world.read_world(store, clocks.now_ms(store)).serving(queue):
        return None
    return f'No worker serves queue "{queue}": the run waits until one does. {worker_for(queue)}'


def _announce(store: Store, run: Record, *, follow: bool) -> None:
    stranded = stranded_text(store, run.queue or "common")
    if follow:
        say(stranded or f"{run.run_id} is queued")
        return
    print(f"{run.run_id} is queued.")
    print(stranded or f"jobboard logs -f {run.run_id}")


def _follow(store: Store, run: Record, *, as_json: bool) -> int:
    from jobboard.store.runs import past
    from jobboard.store.runs.output import follow_output

    chunks = follow_output(store, run.run_id)
    try:
        if as_json:
            for _ in chunks:
                pass
        else:
            copy_output(chunks, run)
    except KeyboardInterrupt:
        say(f"{run.run_id} goes on; jobboard cancel {run.run_id} stops it")
        raise
    sys.stdout.flush()
    ended = past.read_run(store, run.run_id)
    if ended is None:
        say(f"{run.run_id} is over, and its record is gone from the store")
        return 1
    if as_json:
        print(json.dumps(record_json(ended), indent=2, ensure_ascii=False))
    elif ended.state != "ok":
        say(f"{ended.run_id} {end_text(ended)}")
    return exit_code_of(ended)
