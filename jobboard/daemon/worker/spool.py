"""Results on disk until the store has them.

A result is appended to a file of this worker's before it is sent and crossed out once the store has
answered. A worker that dies in between leaves the file behind, and the next worker on this host sends what
is in it; the store knows a result it already has. This guards against an outage of the store and against
our own death, not against the host's: nothing is synced to disk. A disk that is full costs that protection,
never the result.

The file is locked by its owner for as long as it lives, and removed when the worker ends in order.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Entry: TypeAlias = dict[str, Any]
"""A result as JSON; `run_id` and `token` name it."""

_SUFFIX = ".jsonl"
_SEPARATOR = "@"


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a dead worker left.

    Attributes:
        worker: Its id.
        instance: The random name by which its processes are known.
        entries: Results that the store may not have.
    """

    worker: str
    instance: str
    entries: tuple[Entry, ...]


class Spool:
    """The file of one worker process, open and locked.

    Args:
        home: The state directory; the file is ``home/spool/NAMESPACE@WORKER.jsonl``.
        namespace: The namespace the worker serves.
        incarnation: Which namespace of that name: another store, or a flushed one, has another.
        worker: The worker's id, which no other worker process has or had.
        instance: The random name by which its processes are known.

    Attributes:
        broken: Why results are no longer written to disk; None while they are.
    """

    def __init__(self, home: Path, namespace: str, incarnation: str, worker: str, instance: str) -> None:
        self._path = folder_of(home) / f"{namespace}{_SEPARATOR}{worker}{_SUFFIX}"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = _own(self._path)
        self._pending: set[tuple[str, int]] = set()
        self.broken: str | None = None
        self._header = {"worker": worker, "instance": instance, "incarnation": incarnation}
        self._begin()

    def add(self, entries: Sequence[Entry]) -> None:
        """Write results down, before they are sent."""
        self._pending.update((entry["run_id"], entry["token"]) for entry in entries)
        self._write([{"result": entry} for entry in entries])

    def cross_out(self, sent: Sequence[tuple[str, int]]) -> None:
        """The store has answered for these; forget them."""
        self._pending.difference_update(sent)
        if self._pending:
            self._write([{"done": list(pair)} for pair in sent])
        elif self._header_bytes and not self.broken:
            os.ftruncate(self._fd, self._header_bytes)
        else:
            self._begin()

    def _begin(self) -> None:
        """Leave nothing in it but who writes it."""
        os.ftruncate(self._fd, 0)
        self._write([self._header])
        self._header_bytes = 0 if self.broken else os.lseek(self._fd, 0, os.SEEK_CUR)

    def _write(self, lines: Sequence[Entry]) -> None:
        text = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
        if self.broken:
            text = b"\n" + text  # the last line may be half a one
        try:
            written = os.write(self._fd, text)
            self.broken = None if written == len(text) else "the disk is full"
        except OSError as error:
            self.broken = error.strerror or str(error)

    def close(self) -> None:
        """Remove the file: the worker ends in order. Results the store does not have keep it in place."""
        if self._fd < 0:
            return
        if not self._pending:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1


def folder_of(home: Path) -> Path:
    """Where the spools of a state directory lie."""
    return home / "spool"


def leftovers(home: Path, namespace: str, incarnation: str) -> Iterator[Leftover]:
    """What dead workers of a namespace have left; each file is removed once the caller asks for the next.

    A file of another store's namespace of the same name stays.
    """
    folder = folder_of(home)
    if not folder.is_dir():
        return
    for path in sorted(folder.glob(f"{namespace}{_SEPARATOR}*{_SUFFIX}")):
        fd = _adopt(path)
        if fd is None:
            continue
        try:
            found = _read(fd, incarnation)
            if found is not None:
                yield found
                path.unlink(missing_ok=True)
        finally:
            os.close(fd)


def _own(path: Path) -> int:
    """Make a spool and lock it; who looks for leftovers may have it for a moment, as it is empty yet."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def _adopt(path: Path) -> int | None:
    """Open and lock a spool that nobody owns; None where it has an owner or is gone."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _read(fd: int, incarnation: str) -> Leftover | None:
    """What a file says; None for a file of another incarnation. A torn line is the owner's last, unsent."""
    header: Entry = {}
    results: dict[tuple[str, int], Entry] = {}
    for line in _lines(fd):
        if "result" in line:
            entry = line["result"]
            results[entry["run_id"], entry["token"]] = entry
        elif "done" in line:
            results.pop((line["done"][0], line["done"][1]), None)
        else:
            header = line
    if header.get("incarnation") != incarnation:
        return None
    return Leftover(header["worker"], header["instance"], tuple(results.values()))


def _lines(fd: int) -> Iterator[Entry]:
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in file:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found
