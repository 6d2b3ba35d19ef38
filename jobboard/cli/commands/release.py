"""End the hold that a rollback put on a board: the next sync merges its file again.

jobboard release ops --reason "fixed in the file"
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard release``."""
    parser.add_argument("board", metavar="BOARD", help="the board")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """Release the board."""
    from jobboard.store.boards import staging
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_board

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        record = find_board(store, args.board)
        by = project.by_of(settings, args.reason)
        meta = {key: value for key, value in record.meta.items() if key != "held"}
        released = staging.release(store, record, meta, by, why="by hand")
    if args.output == "json":
        print(json.dumps({"board": args.board, "released": released}, indent=2))
    elif released:
        print(f"{args.board} is released. jobboard plan shows what a sync would change now.")
    else:
        print(f"{args.board} was not held; nothing was written.")
    return 0
