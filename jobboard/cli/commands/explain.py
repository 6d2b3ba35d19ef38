"""Show a job as it is meant, and where every value comes from: file, line and layer.

  jobboard explain ops/backup
  jobboard explain backup boards/ops.yaml -o json

Layers from the lowest: built in, project defaults, those of the queue, board, board defaults, profiles in the
order of extend, the job. What Redis lays over that stands below: overrides, live edits, holds. --files leaves
it out; all that Redis knows of a job is shown by  jobboard show JOB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.boards import valid_boards
from jobboard.cli.commands.explain_live import read_laid
from jobboard.cli.screen import Screen
from jobboard.cli.values import brief, shown
from jobboard.core.jobs.written import unit_of
from jobboard.core.names import address_of
from jobboard.settings import Settings, project_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.cli.commands.explain_live import Laid
    from jobboard.source.board import Board
    from jobboard.source.origin import Explained, Source


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard explain``."""
    parser.add_argument("job", metavar="JOB", help="board/job, or the job alone where that is unique")
    project.add_paths(parser)
    parser.add_argument("--files", action="store_true", help="read files alone, and ask no Redis")


def execute(args: argparse.Namespace) -> int:
    """Resolve, retrace, show."""
    from jobboard.source.origin import explain

    root = project_root(Path.cwd())
    common = args.read_project(root)
    board, job = find(valid_boards(args.paths, root, common), args.job)
    explained = explain(board, job, common)
    laid = None if args.files else read_laid(Settings.from_args(args), address_of(board.name, job))
    if args.output == "json":
        said = {**_as_json(board, job, explained), "in_redis": laid.as_json() if laid is not None else None}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _show(board, job, explained, laid)
    return 0


def find(boards: Sequence[Board], asked: str) -> tuple[Board, str]:
    """The job that an address or a unique name means, with its board.

    Raises:
        errors.UsageError: There is none, or more than one.
    """
    homes = {address_of(board.name, job): (board, job) for board in boards for job in board.jobs}
    matching = [address for address in homes if asked in (address, homes[address][1])]
    if len(matching) == 1:
        return homes[matching[0]]
    if matching:
        raise errors.UsageError(f'"{asked}" is on more than one board', f"write {' or '.join(matching)}")
    near = get_close_matches(asked, [*homes, *(job for _, job in homes.values())], n=1)
    hint = f"did you mean {near[0]}?" if near else "jobboard lint says which files hold boards"
    if jobs := next((board.jobs for board in boards if board.name == asked), None):
        hint = f"{asked} is a board: name one of its jobs, as in {address_of(asked, next(iter(jobs)))}"
    raise errors.UsageError(f'there is no job "{asked}" in the boards', hint)


def _show(board: Board, job: str, explained: Sequence[Explained], laid: Laid | None) -> None:
    screen = Screen()
    line = board.line_of(job)
    screen.line(f"{address_of(board.name, job)}  {board.shown}:{line}", "bold")
    said = [value for value in explained if value.sources]
    silent = [value for value in explained if not value.sources and value.value not in (None, (), [])]
    rows = [(value.path, _marked(value, laid), _origin(value)) for value in said]
    rows += [(value.path, _marked(value, laid), "built in") for value in silent]
    screen.table(("VALUE", "IS", "FROM"), rows)
    if laid is not None:
        laid.write(screen)


def _marked(value: Explained, laid: Laid | None) -> str:
    return brief(_text(value)) + (laid.mark(value.path) if laid is not None else "")


def _text(value: Explained) -> str:
    if value.path.startswith("schedule."):
        written = value.value
        return written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    return shown(value.path, value.value)


def _origin(value: Explained) -> str:
    source = value.source
    below = value.sources[:-1]
    if source is None:
        last = value.sources[-1]
        return f"built in, since {last.layer} takes it back ({last.file}:{last.line})"
    over = f", over {' and '.join(_brief(each) for each in reversed(below))}" if below else ""
    return f"{source.file}:{source.line}:{source.column}  {source.layer}{over}"


def _brief(source: Source) -> str:
    return f"{source.layer} ({source.file}:{source.line})"


def _as_json(board: Board, job: str, explained: Sequence[Explained]) -> dict[str, Any]:
    return {
        "format_version": "1.0",
        "job": address_of(board.name, job),
        "file": board.shown,
        "line": board.line_of(job),
        "template": board.templates.get(job),
        "values": [
            {
                "path": value.path,
                "value": dict(value.value) if isinstance(value.value, Mapping) else value.value,
                "unit": unit_of(value.path),
                "source": None if value.source is None else _source_json(value.source),
                "said": [_source_json(source) for source in value.sources],
            }
            for value in explained
        ],
    }


def _source_json(source: Source) -> dict[str, Any]:
    return {
        "layer": source.layer,
        "file": source.file,
        "line": source.line,
        "column": source.column,
        "value": source.value,
    }
