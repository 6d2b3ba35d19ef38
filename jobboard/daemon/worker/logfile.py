"""An attempt's output in files on this host: bounded, rotated, with times. `jobboard.logfile` has the names.

The first half of what may be kept goes into the first file. What follows goes into files of a quarter each,
of which the last two stay, so that always the last quarter at least is there. The times may take as much
room again, where every few bytes come at another instant.

A file that cannot be made sends output where it goes by default. One that cannot be written on loses what
comes, and says how much; the run is unharmed.
"""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING

from jobboard import clock
from jobboard.core.jobs.model import DEFAULT_LOGS
from jobboard.daemon.worker.output import INSTANT_S, HeadAndTail, Piece
from jobboard.logfile import Place, part_of

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("jobboard.worker")

_SHORT = {"stdout": " o", "stderr": " e"}
_MODE, _FOLDER_MODE = 0o640, 0o750
_LONGEST_MARK_BYTES = 48


class LogFile:
    """See the module. Nothing is made before something is printed.

    Args:
        stem: What the files begin with.
        most_bytes: How much they may hold together.
    """

    def __init__(self, stem: Path, most_bytes: int) -> None:
        self._stem = stem
        self._most_bytes = most_bytes
        self._instead: HeadAndTail | None = None
        self._part = 0
        self._fds: tuple[int, int] | None = None
        self._sizes: dict[int, int] = {}
        self._mark: tuple[int, str] | None = None
        self._times_bytes = 0
        self._printed_bytes = 0
        self._lost_bytes = 0
        self._broken = self._told = False

    @property
    def dropped_bytes(self) -> int:
        """How much of what was printed is in no file."""
        return self._lost_bytes if self._instead is None else self._instead.dropped_bytes

    def keep(self, piece: Piece) -> None:
        """Write a piece down."""
        if self._instead is not None:
            self._instead.keep(piece)
        elif self._broken:
            self._lose(len(piece.content))
        else:
            self._write(piece)

    def take_head(self) -> list[Piece]:
        """Where the files are, once they are there."""
        if self._instead is not None:
            return self._instead.take_head()
        if not self._part or self._told:
            return []
        self._told = True
        place = Place(socket.gethostname(), self._stem)
        return [Piece(str(place).encode("utf-8", "surrogateescape"), clock.monotonic_s(), "file")]

    def take_tail(self) -> list[Piece]:
        """Close the files; the attempt is over."""
        self._close()
        return [] if self._instead is None else self._instead.take_tail()

    def _write(self, piece: Piece) -> None:
        content = memoryview(piece.content)
        try:
            while content:
                if self._room() <= 0:
                    self._turn_over()
                content = content[self._append(content[: self._room()], piece) :]
        except OSError as error:
            self._failed(piece._replace(content=bytes(content)), error)

    def _append(self, content: memoryview, piece: Piece) -> int:
        assert self._fds is not None
        text, times = self._fds
        self._note(times, piece)
        count = os.write(text, content)
        self._sizes[self._part] += count
        self._printed_bytes += count
        return count

    def _room(self) -> int:
        if self._fds is None:
            return 0
        most = self._most_of(self._part)
        if self._times_bytes > max(most, 2 * _LONGEST_MARK_BYTES):
            return 0
        return most - self._sizes[self._part]

    def _most_of(self, part: int) -> int:
        return self._most_bytes // (2 if part == 1 else 4)

    def _note(self, times: int, piece: Piece) -> None:
        """Write the time down, where it is another than that of the bytes before."""
        mark = (int(piece.at_s / INSTANT_S), piece.stream)
        if mark != self._mark:
            at_ms = clock.now_ms() - max(0, clock.monotonic_ms() - round(1000 * piece.at_s))
            line = f"{self._printed_bytes} {at_ms}{_SHORT.get(piece.stream, '')}\n".encode()
            os.write(times, line)
            self._times_bytes += len(line)
            self._mark = mark

    def _turn_over(self) -> None:
        """Go on in a new file; the oldest but the first makes room."""
        self._close()
        part = self._part + 1
        # Each time: somebody may have made room for good.
        self._stem.parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        old = part - 2
        if old > 1:
            part_of(self._stem, old).unlink(missing_ok=True)
            part_of(self._stem, old, "times").unlink(missing_ok=True)
            self._lost_bytes += self._sizes.pop(old, 0)
        times = _create(part_of(self._stem, part, "times"))
        if part > 1:
            with part_of(self._stem, 1, "times").open("ab") as first:
                first.write(b"~%d\n" % part)
        try:
            self._fds = (_create(part_of(self._stem, part)), times)
        except OSError:
            os.close(times)
            raise
        self._part, self._sizes[part] = part, 0
        self._mark, self._times_bytes = None, 0

    def _failed(self, rest: Piece, error: OSError) -> None:
        why = error.strerror or str(error)
        if self._part:
            self._broken = True
            said = "output is lost: %s cannot be written: %s"
            self._lose(len(rest.content))
        else:
            said = "output goes into the store: %s cannot be made: %s"
            self._instead = HeadAndTail(DEFAULT_LOGS["max_size"])
            self._instead.keep(rest)
        log.warning(said, self._stem, why, extra={"action": "log-file"})

    def _lose(self, count: int) -> None:
        self._printed_bytes += count
        self._lost_bytes += count

    def _close(self) -> None:
        for fd in self._fds or ():
            os.close(fd)
        self._fds = None


def _create(path: Path) -> int:
    """A new file of ours; never one that somebody has put there, or a link to another."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    return os.open(path, flags, _MODE)
