"""Finding and reading the files of boards. Reading is kept apart from parsing: what has not changed since the
last sync, by its digest, is never parsed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.errors import UsageError
from jobboard.source.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.source.digest import CalendarFile
    from jobboard.source.project import Project

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes up to which a file is read."""

PROJECT_FILE = "jobboard.yaml"
"""At a project's root; no board."""
SUFFIXES = (".yaml", ".yml")
TEST_SUFFIXES = (".test.yaml", ".test.yml")
"""Tests of a board, beside it; see `source.testfile`."""

_CALENDAR = re.compile(rb"[^\s\"'\[\]{},:]+\.ics\b")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that should hold a board.

    Attributes:
        path: What names the file wherever the project is checked out: its path below the project's root.
        shown: The path as it was asked for; what messages say.
        project: What the board has in common with others; None where there is nothing.
        raw: Its bytes; empty where it was refused.
        digest: Of the bytes and of everything else that its meaning depends on: equal digests mean equal
            boards.
        refusal: Why it was not read, in words; None where it was.
        beside: The calendar files that its bytes mention, by what they are called there.
    """

    path: str
    raw: bytes
    digest: str
    refusal: str | None = None
    shown: str = ""
    project: Project | None = field(default=None, repr=False, compare=False)
    beside: Mapping[str, CalendarFile] = field(default_factory=dict, repr=False)


def discover(paths: Sequence[str | Path]) -> list[Path]:
    """The files of boards among `paths`: files as they are named, and what directories hold, in order.

    In directories, and those below them, only ``*.yaml`` and ``*.yml`` count, and nothing whose name begins
    with a dot, nor tests or a project file. A file that is named twice is read once.

    Raises:
        UsageError: A path does not exist.
    """
    return list(map(Path, _found(paths)))


def read_found(paths: Sequence[str | Path], root: Path, project: Project | None) -> tuple[SourceFile, ...]:
    """What `discover` finds, each as `read` reads it; soon even for thousands.

    Raises:
        UsageError: As `discover`.
    """
    # Texts: for a thousand files, paths would take longer than reading them.
    here, top = f"{Path.cwd()}{os.sep}", _top(root)
    return tuple(_read(shown, _named(shown, here, top), project) for shown in _found(paths))


def _found(paths: Sequence[str | Path]) -> list[str]:
    found: dict[str, str] = {}
    for path in map(Path, paths):
        if not path.exists():
            hint = "Name a file or a directory of boards, or write a first board with:  jobboard init"
            raise UsageError(f"there is no file or folder {path}", hint)
        if path.is_dir():
            for real, file in _below(str(path)):
                found.setdefault(real, file)
        else:
            # Not Path.resolve: that raises on a symbolic link to itself, which `read` has words for.
            found.setdefault(os.path.realpath(path), str(path))
    return list(found.values())


def is_board(name: str) -> bool:
    """Whether a file of that name in a folder of boards is one: tests and a project file are not."""
    return name.endswith(SUFFIXES) and not name.endswith(TEST_SUFFIXES) and name != PROJECT_FILE


def _below(folder: str) -> Iterator[tuple[str, str]]:
    """The boards in a folder and below it, in order: what each file really is, and its path."""
    real = os.path.realpath(folder)
    try:
        with os.scandir(folder) as entries:
            listed = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError:
        return
    for entry in listed:
        if is_board(entry.name) and not _leads_to_folder(entry):
            # The folder is looked up once for all of its files; only a link leads elsewhere.
            known = f"{real}{os.sep}{entry.name}"
            yield os.path.realpath(known) if entry.is_symlink() else known, entry.path.removeprefix("./")
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path.removeprefix("./"))


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A symbolic link to itself: `read` has words for that.
        return False


def relative(path: Path, root: Path) -> str:
    """`path` below `root`, with forward slashes; as it is where it lies elsewhere."""
    return _named(str(path), f"{Path.cwd()}{os.sep}", _top(root))


def _top(root: Path) -> str:
    return _whole(str(root), f"{Path.cwd()}{os.sep}").rstrip(os.sep)


def _named(text: str, here: str, top: str) -> str:
    whole = _whole(text, here)
    if whole.startswith(f"{top}{os.sep}"):
        return whole[len(top) + 1 :]
    return "." if whole == top else text


def _whole(text: str, here: str) -> str:
    return text if text.startswith(os.sep) else here[:-1] if text == "." else here + text


def read(path: str | Path, root: Path | None = None, project: Project | None = None) -> SourceFile:
    """A file's bytes and digest. Never raises: what cannot be read is a `refusal`, like any other fault.

    Args:
        path: The file.
        root: The project's root; without one, the file is named as it was asked for.
        project: What the project file says; the digest covers whatever of it the board's meaning depends on.
    """
    shown = str(path)
    return _read(shown, shown if root is None else relative(Path(path), root), project)


def _read(shown: str, name: str, project: Project | None) -> SourceFile:
    raw, refusal = read_bytes(shown)
    # The word is rarer than a dot, and much sooner not found; a file stands nowhere else.
    beside = calendars_beside(raw, Path(shown).parent) if b"calendars" in raw and b".ics" in raw else {}
    digest = "" if refusal is not None else digest_of(raw, project, beside)
    return SourceFile(name, raw, digest, refusal, shown, project, beside)


def calendars_beside(raw: bytes, folder: Path) -> dict[str, CalendarFile]:
    """The calendar files that a board's bytes mention, which lie in its folder or below."""
    names = {found.decode("utf-8", "replace") for found in _CALENDAR.findall(raw)}
    inside = sorted(name for name in names if not name.startswith("/") and ".." not in name.split("/"))
    return {name: read_bytes(folder / name) for name in inside}


def read_bytes(path: str | Path) -> tuple[bytes, str | None]:
    """A file's bytes, and why they were not read if they were not, in words that follow ``the file``."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            # A buffer of the right size; what grew meanwhile, or has no size, is read to its end.
            raw = os.read(file, size + 1) if size <= SIZE_LIMIT else b""
            while size < len(raw) <= SIZE_LIMIT and (more := os.read(file, SIZE_LIMIT + 1)):
                raw += more
        finally:
            os.close(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return b"", f"cannot be read: {reason}"
    if max(size, len(raw)) > SIZE_LIMIT:
        return b"", f"is larger than {SIZE_LIMIT >> 20} MiB, and was not read"
    return raw, None
