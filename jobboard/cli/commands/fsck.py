"""Check every invariant of what is stored, and repair. Exit 1 when something is left wrong.

jobboard fsck
jobboard fsck --repair
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.store.views.fsck import Problem

PASSES = 3
"""Mending one thing can show another, but never for long."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard fsck``."""
    parser.add_argument("--repair", action="store_true", help="mend what can be mended")


def execute(args: argparse.Namespace) -> int:
    """Check, mend if asked, check again."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.views.fsck import check, repair

    mended: list[Problem] = []
    with open_store(Settings.from_args(args)) as store:
        for _ in range(PASSES if args.repair else 0):
            found = repair(store)
            mended += found
            if not found:
                break
        left = check(store)
    if args.output == "json":
        print(json.dumps({"repaired": _as_json(mended), "problems": _as_json(left)}, indent=2))
        return int(bool(left))
    screen = Screen()
    for problem in mended:
        screen.line(f"repaired  {problem.kind}: {problem.subject} {problem.words}", "change")
    for problem in left:
        screen.line(f"problem   {problem.kind}: {problem.subject} {problem.words}", "error")
    if left and not args.repair:
        screen.line("jobboard fsck --repair mends what can be mended.")
    if not left:
        screen.line("Everything holds together.", "good")
    return int(bool(left))


def _as_json(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"kind": p.kind, "subject": p.subject, "words": p.words} for p in problems]
