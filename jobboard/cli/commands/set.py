"""Edit a job live. The next plan shows the edit as drift and keeps it until the board says otherwise.

jobboard set ops/backup timeout=2h priority=5
jobboard set ops/backup 'cron=30 2 * * *' --reason "vendor window moved"
jobboard set ops/backup timeout=          (back to the default)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.plans.overlaid import override_value
from jobboard.cli.records import field_json, overrides_json, overriding
from jobboard.cli.values import shown
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard set``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    parser.add_argument("assignments", nargs="+", metavar="KEY=VALUE", help="as a board would write them")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """Resolve, write, say what moved."""
    from jobboard.reconcile.live import edit_job
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    wanted = parsed(args.assignments)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        by = project.by_of(settings, args.reason)
        now_ms = clocks.now_ms(store)
        edited = edit_job(store, address, wanted, by=by, now_ms=now_ms)
    if args.output == "json":
        moved = [field_json(field) for field in edited.fields]
        over = overrides_json(edited.overridden)
        print(json.dumps({"job": address, "fields": moved, "overridden": over}, indent=2))
        return 0
    if not edited.fields:
        print(f"{address} already says so; nothing was written.")
        return 0
    for field in edited.fields:
        before, after = shown(field.path, field.live), shown(field.path, field.result)
        print(f"~ {address}  {field.path}  {before}  →  {after}")
    for override in edited.overridden:
        how = overriding(override, now_ms)
        print(f"  {override.path}: but an override says {override_value(override)}{how}")
    print("This is drift until the board says the same; jobboard plan shows it.")
    return 0


def parsed(assignments: Sequence[str]) -> dict[str, Any]:
    """What ``KEY=VALUE`` words say, by key.

    Raises:
        errors.UsageError: One of them is not of that form.
    """
    from jobboard.source.values import parse_value

    wanted: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise errors.UsageError(f"{assignment!r} is not KEY=VALUE", "for example timeout=5m")
        wanted[key.strip()] = parse_value(text)
    return wanted
