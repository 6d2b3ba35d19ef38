"""Write a first board to edit: boards/hello.yaml, with the schema named for editors. Overwrites nothing.

jobboard init
jobboard init ops/boards            in another folder
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors

if TYPE_CHECKING:
    import argparse

FIRST_BOARD = """\
# yaml-language-server: $schema={schema}
board: hello
description: A first board. Change it, save it, and look at what jobboard plan says.

jobs:
  hello:
    description: Every minute, so that there is something to see.
    run: echo "hello from $JOBBOARD_JOB, due $JOBBOARD_NOMINAL"
    cron: "* * * * *"
    timeout: 10s

  after-hello:
    description: Runs whenever hello has succeeded.
    run: echo "after hello"
    after: hello
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard init``."""
    parser.add_argument("folder", nargs="?", default="boards", metavar="FOLDER", help="default: boards")


def execute(args: argparse.Namespace) -> int:
    """Write the schema and the board beside each other; say what to type next."""
    from jobboard.source.schema import schema_text

    folder = Path(args.folder)
    board, schema = folder / "hello.yaml", folder / ".board.schema.json"
    if board.exists():
        raise errors.UsageError(f"{board} is there already", "edit it, or name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(schema, schema_text())
        _write_whole(board, FIRST_BOARD.format(schema=schema.name))
    except OSError as error:
        raise errors.JobboardError(
            f"cannot write into {folder}: {(error.strerror or str(error)).lower()}",
            "make room or get the right to write there, or name another folder",
        ) from error
    if args.output == "json":
        print(json.dumps({"written": [str(board), str(schema)]}))
    else:
        print(f"wrote {board} and {schema}\nNext: jobboard lint · jobboard plan · jobboard up")
    return 0


def _write_whole(path: Path, text: str) -> None:
    """Write all of a file or nothing: a disk that fills up leaves no half of it."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
