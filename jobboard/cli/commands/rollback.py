"""Put boards back to what a revision left, keeping live edits; afterwards syncs pass these boards over.

jobboard rollback 12                 every board that changed since
jobboard rollback 12 --board ops     one board

A job that has moved to another board since goes back. A board is held until its file says what was rolled
back to, or until: jobboard release BOARD
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.cli.commands import plan as plan_command
from jobboard.cli.commands.history import number_of
from jobboard.cli.commands.sync import approve, report, tell
from jobboard.cli.outputs import outputs_of
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard rollback``."""
    parser.add_argument("revision", metavar="REV", help="the revision, by number")
    parser.add_argument("--board", action="append", metavar="BOARD", help="only this board; may be repeated")
    parser.add_argument("--auto-approve", action="store_true", help="write without asking")
    parser.add_argument(
        "--expect-digest",
        metavar="SHA256",
        help="write without asking if the plan has this digest, else exit 4",
    )
    parser.add_argument("--allow-empty", action="store_true", help="let a board go from some jobs to none")
    parser.add_argument(
        "--on-conflict",
        choices=["fail", "file", "live"],
        default="fail",
        help="where Redis was edited and the revision says another thing: fail (default), take the"
        " revision's, or keep Redis",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the history")


def execute(args: argparse.Namespace) -> int:
    """Plan, show, ask, apply."""
    from jobboard.reconcile.applying import apply, refuse
    from jobboard.reconcile.rollback import plan_rollback
    from jobboard.reconcile.sources import Options
    from jobboard.store.calls.connect import open_store

    settings = Settings.from_args(args)
    as_json = args.output == "json"
    by = project.by_of(settings, args.reason)
    options = Options(allow_empty=args.allow_empty, on_conflict=args.on_conflict)
    with open_store(settings) as store:
        planned = plan_rollback(store, number_of(args.revision), args.board, options, by)
        if not as_json:
            plan_command.show(planned, store, settings, args)
        refuse(planned.plan)
        if not planned.plan.empty:
            approve(args, planned)
        synced = apply(store, planned, by, tell)
    report(synced, outputs_of(args))
    if not as_json and synced.revision is not None:
        for board in (board for board in synced.plan.boards if board.meta.get("held")):
            print(f"Syncs pass {board.name} over from now on; jobboard release {board.name} ends that.")
    return 0
