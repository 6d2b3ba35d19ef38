"""Print the JSON schema of a board, a project file or a file of tests, for editors.

jobboard schema > boards/.board.schema.json
jobboard schema project > project.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard schema``."""
    parser.add_argument(
        "kind",
        nargs="?",
        choices=["board", "project", "tests"],
        default="board",
        help="of what (default: board)",
    )


def execute(args: argparse.Namespace) -> int:
    """Print the schema; that of a project with what it has in common with a board's in it."""
    from jobboard.source.schema import project_schema, schema_text

    if args.kind == "project":
        sys.stdout.write(json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(schema_text(args.kind))
    return 0
