"""Check boards without any store: every fault of every file in one go."""

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

SHOWN = 200
"""Diagnostics printed before the rest is only counted; ``-o json`` lists all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard lint``."""
    project.add_paths(parser)
    parser.add_argument("--strict", action="store_true", help="a warning is an error")


def execute(args: argparse.Namespace) -> int:
    """Read, check, report; 65 when anything is wrong."""
    from pathlib import Path

    from jobboard.core import depend
    from jobboard.core.names import split_address
    from jobboard.source import files
    from jobboard.source.loader import load

    root = project_root(Path.cwd())
    found = files.discover(project.board_paths(args.paths, root))
    loaded = load([files.read(path, root) for path in found])
    boards = {board.name: board for board in loaded.boards}
    specs = {f"{b.name}/{job}": spec for b in loaded.boards for job, spec in b.jobs.items()}
    # Without a store, a parent on a board that is not among the files is taken on trust; plan checks it.
    elsewhere = {p for s in specs.values() for p in s.get("after", ()) if split_address(p)[0] not in boards}
    together = [
        boards[split_address(address)[0]].diagnose(split_address(address)[1], fault)
        for address, faults in depend.check(specs, edges={}, capacities={}, known=elsewhere).items()
        for fault in faults
    ]
    diagnostics = sorted([*loaded.diagnostics, *together], key=lambda d: (d.file, d.line, d.column))
    _report(diagnostics, len(found), len(specs), as_json=args.output == "json")
    failed = any(d.severity == "error" or args.strict for d in diagnostics)
    return errors.InvalidBoards.exit_code if failed else 0


def _report(diagnostics: Sequence[Diagnostic], files: int, jobs: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"diagnostics": [d.as_json() for d in diagnostics]}, indent=2, ensure_ascii=False))
        return
    from jobboard.core.diagnostic import render, tally

    if not diagnostics:
        print(f"{jobs} job{'s' if jobs != 1 else ''} in {files} file{'s' if files != 1 else ''}: no errors.")
        return
    if len(diagnostics) > SHOWN:
        sys.stdout.write(render(diagnostics[:SHOWN]).rpartition("\n")[0].rpartition("\n")[0])
        print(f"\n… and {len(diagnostics) - SHOWN} more; -o json lists all.\n{tally(diagnostics)}")
        return
    sys.stdout.write(render(diagnostics))
