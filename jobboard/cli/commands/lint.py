"""Check boards without any store: every fault of every file in one go.

jobboard lint                             every board in boards/
jobboard lint boards/ops.yaml --strict    one; a warning is an error

A warning names its rule in brackets. jobboard.yaml turns rules off, or makes errors of them, below lint; a
comment silences one in place:  # jobboard: ignore RULE REASON
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.settings import project_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.diagnostic import Diagnostic


OUTPUTS = ("text", "json", "github")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard lint``."""
    project.add_paths(parser)
    parser.add_argument("--strict", action="store_true", help="a warning is an error")


def execute(args: argparse.Namespace) -> int:
    """Read, check, report; 65 when anything is wrong."""
    from pathlib import Path

    from jobboard.source import files
    from jobboard.source.loader import load

    root = project_root(Path.cwd())
    common = args.read_project(root)
    found = files.discover(project.board_paths(args.paths, root))
    loaded = load([files.read(path, project=common) for path in found])
    # Only all boards together can tell that a profile of the project is used by none of them.
    unused = [] if args.paths or common is None else common.unused(board.extended for board in loaded.boards)
    diagnostics, jobs = [*unused, *loaded.diagnostics], sum(len(board.jobs) for board in loaded.boards)
    _report(diagnostics, len(found), jobs, args.output)
    failed = any(d.severity == "error" or args.strict for d in diagnostics)
    return errors.InvalidBoards.exit_code if failed else 0


def _report(diagnostics: Sequence[Diagnostic], files: int, jobs: int, output: str) -> None:
    if output == "json":
        print(json.dumps({"diagnostics": [d.as_json() for d in diagnostics]}, indent=2, ensure_ascii=False))
        return
    if output == "github":
        from jobboard.cli.github import annotation

        print("".join(f"{annotation(diagnostic)}\n" for diagnostic in diagnostics), end="")
        return
    from jobboard.cli.faults import print_faults

    if not diagnostics:
        print(
            f"{jobs:,} job{'s' if jobs != 1 else ''} in {files:,} file{'s' if files != 1 else ''}: no errors."
        )
        return
    print_faults(diagnostics, sys.stdout)
