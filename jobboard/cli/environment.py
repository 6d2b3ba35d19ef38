"""The project file and its environment, as the command line asks for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from jobboard.source.project import Project


def add_environment(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The options by which every command picks an environment and sets variables."""
    parser.add_argument(
        "--env", metavar="NAME", help="an environment of jobboard.yaml (default: JOBBOARD_ENV)"
    )
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what ${var:NAME} stands for; again for more",
    )


def project_of(args: argparse.Namespace, root: Path) -> Project | None:
    """What the project file at `root` says for these arguments; None where nothing is said.

    Read only when asked for: it takes a YAML reader, which ``--help`` can do without.

    Raises:
        errors.InvalidBoards: Something is wrong with the file.
        errors.UsageError: There is no such environment, or ``--var`` is none.
    """
    asked = args.env or os.environ.get("JOBBOARD_ENV") or None
    if asked is None and not args.var and not (root / "jobboard.yaml").is_file():
        return None
    from jobboard.source.projectfile import load_project

    return load_project(root, environment=asked, assignments=args.var)
