"""Finding and reading the files of boards. Reading is kept apart from parsing: what has not changed since the
last sync, by its digest, is never parsed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.core.resolve import VERSION
from jobboard.core.zone import zone_version
from jobboard.errors import UsageError
from jobboard.source.yamltree import SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that should hold a board.

    Attributes:
        path: What names the file wherever the project is checked out: its path below the project's root.
        shown: The path as it was asked for; what messages say.
        raw: Its bytes; empty where it was refused.
        digest: Of the bytes and of everything else that its meaning depends on: equal digests mean equal
            boards.
        refusal: Why it was not read, in words; None where it was.
    """

    path: str
    raw: bytes
    digest: str
    refusal: str | None = None
    shown: str = ""


def discover(paths: Sequence[str | Path]) -> list[Path]:
    """The files of boards among `paths`: files as they are named, and what directories hold, in order.

    In directories, and those below them, only ``*.yaml`` and ``*.yml`` count, and nothing whose name begins
    with a dot. A file that is named twice is read once.

    Raises:
        UsageError: A path does not exist.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            hint = "Name a file or a directory of boards, or write a first board with:  jobboard init"
            raise UsageError(f"there is no {path}", hint)
        for file in _below(path) if path.is_dir() else [path]:
            # Not Path.resolve: that raises on a symbolic link to itself, which `read` has words for.
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _below(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(folder, name)


def relative(path: Path, root: Path) -> str:
    """`path` below `root`, with forward slashes; as it is where it lies elsewhere."""
    whole = path.absolute()
    top = root.absolute()
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else path.as_posix()


def read(path: str | Path, root: Path | None = None) -> SourceFile:
    """A file's bytes and digest. Never raises: what cannot be read is a `refusal`, like any other fault.

    Args:
        path: The file.
        root: The project's root; without one, the file is named as it was asked for.
    """
    shown = str(path)
    name = shown if root is None else relative(Path(path), root)
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(SIZE_LIMIT + 1) if size <= SIZE_LIMIT else b""
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return SourceFile(name, b"", "", f"cannot be read: {reason}", shown)
    if max(size, len(raw)) > SIZE_LIMIT:
        return SourceFile(name, b"", "", f"is larger than {SIZE_LIMIT >> 20} MiB, and was not read", shown)
    return SourceFile(name, raw, digest_of(raw), None, shown)


def digest_of(raw: bytes) -> str:
    """What a board's bytes come to mean, as ``sha256:…``: with other rules or other zone data, another."""
    digest = hashlib.sha256(f"{VERSION} {zone_version()}\0".encode())
    digest.update(raw)
    return "sha256:" + digest.hexdigest()
