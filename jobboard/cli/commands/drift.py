"""Show what somebody edited live since it was last applied, for a check every night. Needs no files.

  jobboard drift                   all boards; exit 0 where nothing differs, 2 where something does
  jobboard drift ops -o github     one board, as annotations and the summary of a step

Holds and overrides are shown beside it, since no sync ends one, but they are no drift.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.outputs import outputs_of, write_all
from jobboard.cli.records import drift_json, holds_json, instant_json, overrides_json
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from jobboard.cli.commands.drift_text import Drifted
    from jobboard.cli.screen import Screen
    from jobboard.reconcile.around import Around
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.boards.edited import EditedBoard, EditedJob

OUTPUTS = ("text", "json", "markdown", "github")
SEVERAL_OUTPUTS = True
DIFFERS = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard drift``."""
    parser.add_argument("boards", nargs="*", metavar="BOARD", help="only these boards (default: all)")


def execute(args: argparse.Namespace) -> int:
    """Read what differs, say it, and whether there was any by the exit code."""
    from jobboard.cli import project
    from jobboard.cli.commands.drift_text import Drifted
    from jobboard.reconcile.around import look_around_boards
    from jobboard.store.boards import definitions
    from jobboard.store.boards.edited import read_edited
    from jobboard.store.calls.connect import open_store

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        records = _asked(args.boards, definitions.read_boards(store))
        boards = read_edited(store, records)
        edited = [job.address for board in boards for job in board.jobs]
        around = look_around_boards(store, {record.name for record in records}, edited)
    drifted = Drifted(settings.namespace, project.store_name(settings), boards, around)
    write_all(outputs_of(args), lambda form, screen: _write(form, screen, drifted))
    return DIFFERS if drifted.jobs else 0


def _asked(names: Sequence[str], records: Mapping[str, BoardRecord]) -> list[BoardRecord]:
    for name in names:
        if name not in records:
            from difflib import get_close_matches

            near = get_close_matches(name, records, n=1)
            hint = f"did you mean {near[0]}?" if near else "jobboard ls lists the jobs of all boards"
            raise errors.UsageError(f'there is no board "{name}" in Redis', hint)
    return [records[name] for name in dict.fromkeys(names)] if names else list(records.values())


def _write(form: str, screen: Screen, drifted: Drifted) -> None:
    if form == "json":
        screen.line(json.dumps(_as_json(drifted), indent=2, ensure_ascii=False))
    elif form == "text":
        drifted.write(screen)
    elif form == "markdown":
        screen.stream.write(drifted.markdown())
    else:
        from jobboard.cli.github import add_summary

        for line in drifted.annotations():
            screen.line(line)
        add_summary(drifted.markdown())


def _as_json(drifted: Drifted) -> dict[str, Any]:
    around = drifted.around
    return {
        "format_version": "1.0",
        "namespace": drifted.namespace,
        "drifted": len(drifted.jobs),
        "boards": [_board_json(board, around) for board in drifted.boards],
        "holds": holds_json(around.holds),
        "overrides": [
            {"job": address, **said}
            for address in around.overridden
            for said in overrides_json(around.overrides(address))
        ],
    }


def _board_json(board: EditedBoard, around: Around) -> dict[str, Any]:
    meta = board.record.meta
    return {
        "board": board.record.name,
        "path": meta.get("path"),
        "commit": meta.get("commit"),
        "revision": meta.get("revision"),
        "synced_at": instant_json(meta.get("at")),
        "held": _held_json(meta.get("held")),
        "jobs": [_job_json(job, around) for job in board.jobs],
    }


def _job_json(job: EditedJob, around: Around) -> dict[str, Any]:
    edits = around.edits.get(job.address, {})
    return {
        "job": job.address,
        "fields": [drift_json(field, edits.get(field.path)) for field in job.fields],
    }


def _held_json(held: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What holds a board at a revision it was rolled back to."""
    if not held:
        return None
    return {"revision": held.get("revision"), "by": held.get("actor"), "reason": held.get("reason")}
