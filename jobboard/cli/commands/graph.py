"""Draw which jobs run after which, and with --locks which share a lock. Reads files alone.

jobboard graph
jobboard graph -o dot | dot -Tsvg > jobs.svg
jobboard graph boards/etl.yaml --locks -o mermaid
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.cli.boards import valid_boards
from jobboard.core.names import address_of
from jobboard.settings import project_root

if TYPE_CHECKING:
    import argparse

OUTPUTS = ("text", "json", "dot", "mermaid")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard graph``."""
    project.add_paths(parser)
    parser.add_argument("--locks", action="store_true", help="also draw which jobs share a lock")


def execute(args: argparse.Namespace) -> int:
    """Read the boards and draw them."""
    from jobboard.core.jobs import graph as drawing

    root = project_root(Path.cwd())
    boards = valid_boards(args.paths, root, args.read_project(root))
    specs = {address_of(board.name, job): spec for board in boards for job, spec in board.jobs.items()}
    graph = drawing.graph_of(specs, locks=args.locks)
    if args.output == "json":
        print(json.dumps(graph.as_json(), indent=2))
        return 0
    draw = {"text": drawing.as_text, "dot": drawing.as_dot, "mermaid": drawing.as_mermaid}[args.output]
    print("\n".join(draw(graph)) or _nothing(len(specs), locks=args.locks))
    return 0


def _nothing(jobs: int, *, locks: bool) -> str:
    joined = "runs after another or holds a lock" if locks else "runs after another"
    return f"None of {jobs:,} job{'s' if jobs != 1 else ''} {joined}."
