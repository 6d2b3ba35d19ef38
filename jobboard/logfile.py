"""Output of runs in files: how they are called, and reading them. `daemon.worker.logfile` writes them.

An attempt's first bytes are in ``FOLDER/NAMESPACE/board/job@NOMINAL.TOKEN.log``, what comes after in
``….TOKEN~2.log``, ``~3`` and so on, of which only the last two stay. The files hold what was printed and
nothing else. Beside each is a ``.times``: a line for each instant at which something came, with how much had
been printed before, when that was (ms since the epoch), and ``o`` or ``e`` where the streams are told apart.
The times of the first file also say which file was begun last: ``~3``. So nobody has to look through a folder
of thousands of files.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES = 1 << 16
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9._:-]+")
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


def stem_of(folder: Path, run_id: str, token: int) -> Path | None:
    """What the files of an attempt begin with; None for what is no run's id, and might lie anywhere."""
    return folder / f"{run_id}.{token}" if _RUN.fullmatch(run_id) else None


def part_of(stem: Path, part: int, suffix: str = "log") -> Path:
    """One of the files of an attempt; the first part is 1."""
    return stem.with_name(f"{stem.name}{'' if part == 1 else f'~{part}'}.{suffix}")


def run_of(path: Path, folder: Path) -> str | None:
    """The run that a file below a folder is of; None for one of something else."""
    found = _NAME.fullmatch(str(path.relative_to(folder)))
    return found["run"] if found is not None else None


class Reader:
    """Reads the files of an attempt, as far as they have come each time.

    Args:
        stem: What they begin with.
    """

    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self._parts = {1: _Part(stem, 1)}

    def more(self) -> Iterator[Stretch]:
        """What has come since the last time; nothing where the files are gone."""
        yield from self._parts[1].more()
        for number in last_parts(self._parts[1].newest):
            yield from self._parts.setdefault(number, _Part(self._stem, number)).more()


class _Part:
    """One file with its times, and how far they have been read."""

    def __init__(self, stem: Path, number: int) -> None:
        self._text, self._times = part_of(stem, number), part_of(stem, number, "times")
        self._times_bytes = 0
        self._start: int | None = None
        self._at = 0
        self._mark: tuple[int, int, str] | None = None
        self.newest = number

    def more(self) -> Iterator[Stretch]:
        """What has come since the last time."""
        with suppress(FileNotFoundError):  # it is not there yet, or has made room for another
            # The times first: what is printed while we read has its time written before it.
            marks = [*([] if self._mark is None else [self._mark]), *self._marks()]
            with self._text.open("rb") as file:
                yield from self._stretches(file, marks)

    def _stretches(self, file: BinaryIO, marks: list[tuple[int, int, str]]) -> Iterator[Stretch]:
        if not marks:
            return
        if self._start is None:
            self._start = self._at = marks[0][0]
        end = self._start + file.seek(0, 2)
        self._mark = marks[-1]
        for (_, at_ms, stream), (until, *_) in pairwise([*marks, (end, 0, "")]):
            file.seek(self._at - self._start)
            while self._at < until and (content := file.read(min(_PIECE_BYTES, until - self._at))):
                yield Stretch(self._at, content, at_ms, stream)
                self._at += len(content)

    def _marks(self) -> Iterator[tuple[int, int, str]]:
        with self._times.open("rb") as file:
            file.seek(self._times_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half of it is written
                self._times_bytes += len(line)
                words = line.decode("ascii", "replace").split()
                if words[0].startswith("~"):
                    self.newest = int(words[0][1:])
                else:
                    yield int(words[0]), int(words[1]), _STREAMS.get(words[2], "") if len(words) > 2 else ""


def last_parts(newest: int) -> list[int]:
    """Which parts there are besides the first, given the one that was begun last."""
    return [number for number in (newest - 1, newest) if number > 1]


def read_end(stem: Path, most_bytes: int) -> bytes:
    """The last of what the files hold."""
    first = _Part(stem, 1)
    for _ in first.more():
        break  # its times are read
    end = b""
    for number in (*reversed(last_parts(first.newest)), 1):
        with suppress(FileNotFoundError), part_of(stem, number).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - (most_bytes - len(end))))
            end = file.read(most_bytes) + end
        if len(end) >= most_bytes:
            break
    return end
