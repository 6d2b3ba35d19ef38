"""Takes away files with output once the store keeps the run's output no more, and what is too much.

What is kept, for how long and of how many runs, is decided in the store for output wherever it lies: in place
of what is in a file, the store has a line that says where. So a file goes when its line has gone, within ten
minutes; with files over the bound, the oldest of runs that are over go first.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from jobboard import clock, errors
from jobboard.logfile import run_of
from jobboard.store.runs.output import Keeping, keeping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import stat_result
    from pathlib import Path

    from jobboard.store.calls.connect import Store

    _File: TypeAlias = tuple[stat_result, Path, str]
    """What is known of it, where it is, and the run it is of."""

log = logging.getLogger("jobboard.worker")

DEFAULT_LOG_BYTES = 1 << 30
_EVERY_S = 600.0
_YOUNG_S = 60.0
"""A file this young may be of a run whose line has yet to reach the store."""
_PAGE = 200
_BLOCK_BYTES = 512
"""Of `st_blocks`, whatever the file system's own are (stat(3type))."""
_HURRY_S = 1.0


class LogKeeper:
    """See the module.

    Args:
        store: Where the runs are; a connection is opened for each look.
        folder: Where this namespace's files are.
        most_bytes: How much they may take together.
    """

    def __init__(self, store: Store, folder: Path, most_bytes: int) -> None:
        self._store = store
        self._folder = folder
        self._most_bytes = most_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="log-keeper", daemon=True)

    def start(self) -> None:
        """Begin, with a look at once."""
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join(_HURRY_S)

    def _serve(self) -> None:
        while True:
            try:
                self.sweep()
            except (errors.JobboardError, OSError) as error:
                log.warning("files with output were not looked at: %s", error, extra={"action": "log-files"})
            if self._stop.wait(_EVERY_S):
                return

    def sweep(self) -> int:
        """Look once; how many bytes remain.

        Raises:
            errors.JobboardError: The store did not answer.
        """
        left: list[_File] = []
        files = list(self._files()) if self._folder.is_dir() else []
        if not files:
            return 0
        with self._store.again(timeout_s=5.0) as store:
            for page in _pages(files):
                known = keeping(store, [run_id for *_, run_id in page])
                left += (file for file in page if self._is_kept(*file, known))
            return self._make_room(store, sorted(left, key=lambda file: file[0].st_mtime))

    def _files(self) -> Iterable[_File]:
        for path in self._folder.glob("*/*"):
            run_id = run_of(path, self._folder)
            with suppress(OSError):
                if run_id is not None:
                    yield path.lstat(), path, run_id

    def _is_kept(self, stat: stat_result, path: Path, run_id: str, known: Keeping) -> bool:
        young = clock.now_ms() / 1000 - stat.st_mtime < _YOUNG_S
        if young or run_id in known.kept or run_id in known.live:
            return True
        _remove(path)
        return False

    def _make_room(self, store: Store, files: list[_File]) -> int:
        total = sum(map(_taken, files))
        for page in _pages(files):
            if total <= self._most_bytes:
                break
            live = keeping(store, [run_id for *_, run_id in page]).live
            for stat, path, run_id in page:
                if total > self._most_bytes and run_id not in live:
                    _remove(path)
                    total -= _taken((stat, path, run_id))
        return total


def _pages(files: list[_File]) -> Iterator[list[_File]]:
    return (files[at : at + _PAGE] for at in range(0, len(files), _PAGE))


def _taken(file: _File) -> int:
    """What it takes of the disk, which is more than is in it."""
    return file[0].st_blocks * _BLOCK_BYTES


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
