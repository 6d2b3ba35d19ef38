"""Output of runs in files: how they are called, and reading them. A worker writes them (`daemon.logfile`).

An attempt's first bytes are in ``FOLDER/NAMESPACE/board/job@NOMINAL.TOKEN.log``, what comes after in
``….TOKEN~2.log``, ``~3`` and so on, of which only the last two stay. The files hold what was printed and
nothing else. Beside each is a ``.times``: a line for each instant at which something came, with how much had
been printed before, when that was (ms since the epoch), and ``o`` or ``e`` where the streams are told apart.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES = 1 << 16
_NAME = re.compile(r"(?P<run>.+)\.(?P<token>\d+)(?:~(?P<part>\d+))?\.(?:log|times)")
_STREAMS = {"o": "stdout", "e": "stderr"}


class Place(NamedTuple):
    """Where an attempt's output is.

    Attributes:
        host: As the worker's host calls itself.
        stem: The path of its first file, without the ``.log``.
    """

    host: str
    stem: Path

    @classmethod
    def read(cls, text: str) -> Self:
        """The place of a text like ``web-1:/var/log/jobs/default/ops/a@2026-11-22T03:30:00Z.17.log``."""
        host, _, path = text.partition(":")
        return cls(host, Path(path.removesuffix(".log")))

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"

    @property
    def path(self) -> Path:
        """Its first file."""
        return part_of(self.stem, 1)

    @property
    def is_here(self) -> bool:
        """Whether it was written on this host."""
        return self.host == socket.gethostname()


class Stretch(NamedTuple):
    """A piece of what is in the files.

    Attributes:
        offset: How much had been printed before it.
        content: The bytes.
        at_ms: When they were printed, in ms since the epoch.
        stream: ``stdout`` or ``stderr``; empty where both are one.
    """

    offset: int
    content: bytes
    at_ms: int
    stream: str


def stem_of(folder: Path, run_id: str, token: int) -> Path:
    """What the files of an attempt begin with."""
    return folder / f"{run_id}.{token}"


def part_of(stem: Path, part: int, suffix: str = "log") -> Path:
    """One of the files of an attempt; the first part is 1."""
    return stem.with_name(f"{stem.name}{'' if part == 1 else f'~{part}'}.{suffix}")


def run_of(path: Path, folder: Path) -> str | None:
    """The run that a file below a folder is of; None for one of something else."""
    found = _NAME.fullmatch(str(path.relative_to(folder)))
    return found["run"] if found is not None else None


def parts_of(stem: Path) -> list[int]:
    """Which parts there are, in the order they were written."""
    found = set()
    with suppress(OSError):
        for path in stem.parent.iterdir():
            name = _NAME.fullmatch(path.name)
            if name is not None and f"{name['run']}.{name['token']}" == stem.name:
                found.add(int(name["part"] or 1))
    return sorted(found)


def read(stem: Path, after: int = 0) -> Iterator[Stretch]:
    """What the files of an attempt hold, from a place in its output on; nothing where they are gone."""
    for part in parts_of(stem):
        with suppress(FileNotFoundError):  # it made room for another meanwhile
            yield from _of_part(stem, part, after)


def read_end(stem: Path, most_bytes: int) -> bytes:
    """The last of what the files hold."""
    end = b""
    for part in reversed(parts_of(stem)):
        with suppress(FileNotFoundError), part_of(stem, part).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - (most_bytes - len(end))))
            end = file.read(most_bytes) + end
        if len(end) >= most_bytes:
            break
    return end


def _of_part(stem: Path, part: int, after: int) -> Iterator[Stretch]:
    # The times first: what is printed while we read has its time written before it.
    marks = list(_marks(part_of(stem, part, "times")))
    with part_of(stem, part).open("rb") as file:
        if not marks:
            return
        start, end = marks[0][0], marks[0][0] + file.seek(0, 2)
        for (offset, at_ms, stream), (until, *_) in pairwise([*marks, (end, 0, "")]):
            at = max(offset, after)
            file.seek(at - start)
            while at < until and (content := file.read(min(_PIECE_BYTES, until - at))):
                yield Stretch(at, content, at_ms, stream)
                at += len(content)


def _marks(path: Path) -> Iterator[tuple[int, int, str]]:
    with path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if line.endswith("\n") and len(words) >= 2:
                yield int(words[0]), int(words[1]), _STREAMS.get(words[2], "") if len(words) > 2 else ""
