"""Boards from files, for commands that make sense only where every board is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.project import board_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobboard.source.board import Board
    from jobboard.source.project import Project


def valid_boards(paths: Sequence[str], root: Path, common: Project | None) -> tuple[Board, ...]:
    """The boards that the paths hold.

    Args:
        paths: Files and folders; none of them means the project's own boards.
        root: The folder of the project.
        common: What all boards of the project have in common.

    Raises:
        errors.InvalidBoards: With every fault of every file, if there is one.
    """
    from jobboard.source import files
    from jobboard.source.loader import load

    loaded = load([files.read(path, project=common) for path in files.discover(board_paths(paths, root))])
    if not loaded.is_valid:
        raise errors.InvalidBoards(loaded.diagnostics)
    return loaded.boards
