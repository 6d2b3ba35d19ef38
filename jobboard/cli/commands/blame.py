"""Say of each field of a job where its value comes from: a revision and its commit, or a live edit.

jobboard blame ops/backup
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.history import source_text
from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen, ago
from jobboard.cli.values import brief, shown
from jobboard.core.jobs.written import unit_of
from jobboard.core.plans.blame import origins, paths_of
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jobboard.store.boards.history import Revision


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard blame``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")


def execute(args: argparse.Namespace) -> int:
    """Read the job and its history; a line for each field."""
    from jobboard.reconcile.live import read_job
    from jobboard.store.boards import history
    from jobboard.store.boards.edits import read_edits
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    with open_store(Settings.from_args(args)) as store:
        address = find_job(store, args.job)
        definition = read_job(store, address)
        known = list(history.changes_of(store, address))
        edits = read_edits(store, [address]).get(address, {})
        now_ms = clocks.now_ms(store)
    traced = origins(definition, [(r.number, change.before, change.after) for r, change in known])
    # That a job had another address is no field of it.
    found = {path: origin for path, origin in traced.items() if path != "seed"}
    revisions = {revision.number: revision for revision, _ in known}
    values = paths_of(definition.spec)
    if args.output == "json":
        fields = [
            {
                "path": path,
                "value": values.get(path),
                "unit": unit_of(path),
                **_origin_json(path, origin, revisions, edits),
            }
            for path, origin in found.items()
        ]
        print(json.dumps({"job": address, "fields": fields}, indent=2, ensure_ascii=False))
        return 0
    rows = [
        (
            path,
            _origin_text(path, origin, revisions, edits, now_ms),
            brief(shown(path, values.get(path))),
        )
        for path, origin in found.items()
    ]
    Screen().table(("FIELD", "FROM", "VALUE"), rows)
    return 0


def _origin_text(
    path: str,
    origin: int | str | None,
    revisions: Mapping[int, Revision],
    edits: Mapping[str, Mapping[str, Any]],
    now_ms: int,
) -> str:
    if isinstance(origin, int):
        revision = revisions[origin]
        who = revision.by.get("actor")
        return f"revision {origin}  {source_text(revision)}  {who}, {ago(now_ms - revision.at_ms)}"
    if origin is None:
        return "longer ago than is known"
    made = edits.get(path)
    who = f"  {made['actor']} ({made['via']}), {ago(now_ms - made['at'])}" if made else ""
    return f"live edit{who}"


def _origin_json(
    path: str,
    origin: int | str | None,
    revisions: Mapping[int, Revision],
    edits: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    revision = revisions.get(origin) if isinstance(origin, int) else None
    made = edits.get(path, {}) if origin == "live" else {}
    return {
        "origin": "revision" if revision else "live" if origin == "live" else "unknown",
        "revision": revision.number if revision else None,
        "commit": revision.commit if revision else None,
        "by": revision.by.get("actor") if revision else made.get("actor"),
        "at": instant_json(revision.at_ms if revision else made.get("at")),
    }
