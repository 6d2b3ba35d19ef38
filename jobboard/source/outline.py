"""What is in the files of boards by name, whatever else may be wrong with them: for suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.source import files
from jobboard.source.syntax import decode, parse
from jobboard.source.yamltree import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outline:
    """A file that names its board.

    Attributes:
        shown: The file, as messages show it.
        board: What the board is called.
        jobs: What its jobs are called.
    """

    shown: str
    board: str
    jobs: tuple[str, ...]


def outlines(folders: Sequence[Path], root: Path) -> Iterator[Outline]:
    """Those of all boards in these folders of the project at `root`, in order of the files."""
    for file in files.read_found(folders, root, None):
        text = decode(file.raw)
        written = None if isinstance(text, Flaw) else parse(text).root
        if isinstance(written, dict) and isinstance(written.get("board"), str):
            jobs = written.get("jobs")
            names = map(str, jobs) if isinstance(jobs, dict) else ()
            yield Outline(file.shown, written["board"], tuple(names))
