"""Show a job, a run, a board or a revision: what it is, where it comes from, how it stands.

jobboard show backup                     a job: definition, drift, holds, next and last runs
jobboard show backup@2026-11-20          a run: state, attempts, command, last lines of output
jobboard show ops                        a board
jobboard show 12                         what the sync of revision 12 did, as jobboard history show 12

Values of environment variables are never shown.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.calls.connect import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard show``."""
    parser.add_argument(
        "what",
        metavar="JOB|RUN|BOARD|REV",
        help="what to show; a board goes before a job, and both before a revision",
    )


def execute(args: argparse.Namespace) -> int:
    """Find out what is meant, read all of it, print."""
    from jobboard.cli.commands import history, show_board, show_job, show_run
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job, find_run, is_board

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        now_ms = clocks.now_ms(store)
        view: show_board.BoardView | show_job.JobView | show_run.RunView
        if "@" in args.what:
            view = show_run.read(store, find_run(store, args.what), now_ms, settings.log_url)
        elif is_board(store, args.what):
            view = show_board.read(store, args.what, now_ms)
        else:
            try:
                address = find_job(store, args.what)
            except errors.UsageError as error:
                if not history.is_number(args.what):
                    raise _or_board(store, args.what, error) from None
                return history.show(store, history.number_of(args.what), as_json=args.output == "json")
            view = show_job.read(store, address, now_ms)
    if args.output == "json":
        print(json.dumps(view.as_json(), indent=2, ensure_ascii=False))
    else:
        view.write(Screen())
    return 0


def _or_board(store: Store, what: str, error: errors.UsageError) -> errors.UsageError:
    """The complaint that there is no such job; that there is no such board either, where one is near."""
    from jobboard.store.runs.views import nearest_board

    meant = nearest_board(store, what) if "/" not in what else ""
    if "did you mean" in (error.hint or "") or not meant.startswith("did you mean"):
        return error
    return errors.UsageError(f"there is no job or board {what}", meant)
