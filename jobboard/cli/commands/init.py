"""Write a first board to edit: boards/hello.yaml, with the schema named for editors. Overwrites nothing.
Where the project has a board hello already, this one is hello-2.

jobboard init
jobboard init ops/boards            in another folder
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.project import board_paths
from jobboard.settings import project_root

if TYPE_CHECKING:
    import argparse

FIRST_NAME = "hello"

FIRST_BOARD = """\
# yaml-language-server: $schema={schema}
board: {name}
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
    name = _free_name(folder)
    board, schema = folder / f"{name}.yaml", folder / ".board.schema.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(schema, schema_text())
        _write_whole(board, FIRST_BOARD.format(schema=schema.name, name=name))
    except OSError as error:
        raise errors.JobboardError(
            f"cannot write into {folder}: {(error.strerror or str(error)).lower()}",
            "make room or get the right to write there, or name another folder",
        ) from error
    if args.output == "json":
        print(json.dumps({"written": [str(board), str(schema)]}))
    else:
        if name != FIRST_NAME:
            print(f"There is a board {FIRST_NAME} already: this one is {name}.")
        print(f"wrote {board} and {schema}\nNext: jobboard lint · jobboard plan · jobboard up")
    return 0


def _free_name(folder: Path) -> str:
    """A name that no board in the folder has, nor any other of the project: one name is one board.

    Raises:
        errors.UsageError: The folder has a first board.
    """
    from jobboard.source.outline import outlines

    root = project_root(Path.cwd())
    looked = [path for path in (folder, *board_paths((), root)) if path.is_dir()]
    taken = {outline.board for outline in outlines(looked, root)}
    names = (FIRST_NAME if number == 1 else f"{FIRST_NAME}-{number}" for number in count(1))
    name = next(name for name in names if name not in taken or (folder / f"{name}.yaml").exists())
    board = folder / f"{name}.yaml"
    if board.exists():
        raise errors.UsageError(f"{board} is there already", "edit it, or name another folder")
    return name


def _write_whole(path: Path, text: str) -> None:
    """Write all of a file or nothing: a disk that fills up leaves no half of it."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
