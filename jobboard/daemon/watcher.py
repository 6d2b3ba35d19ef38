"""The watcher: what is saved is synced.

It looks at folders, not at files, since an editor's atomic save and a swapped symbolic link replace the file;
every thirty seconds it looks without having been told, as a net. Whatever the event, the bytes decide: a file
that says what it said is not even parsed.

It never passes a guard by itself. A board that does not parse changes nothing and is shown; one whose file
is gone is shown and stays; a conflict waits for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jobboard import errors
from jobboard.reconcile.applying import apply
from jobboard.reconcile.planning import make_plan

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from jobboard.reconcile.applying import Synced
    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.store.connect import Store

TICK_MS = 1_000
"""How often it sees whether the folders are still those it listens to; each time costs a stat."""
NET_MS = 30_000
"""How often it looks without having been told."""
SETTLE_MS = 60
"""How long a burst of events (a checkout, a save in several steps) is let pass before looking."""


class Report(Protocol):
    """Whom the watcher tells what it did."""

    def planned(self, planned: Planned) -> None:
        """A plan is about to be applied, or stands still because of a guard."""

    def synced(self, synced: Synced) -> None:
        """A plan was applied."""

    def failed(self, error: errors.JobboardError) -> None:
        """Nothing was written, and why."""


class Watcher:
    """Syncs boards as they are saved.

    Args:
        store: Where to.
        paths: Board files and folders.
        read: Reads them, with where they come from.
        options: Which guards are lifted: the user's own flags, nothing more.
        by: Who is writing.
        report: Who is told.
    """

    def __init__(
        self,
        store: Store,
        paths: Sequence[Path],
        *,
        read: Callable[[], Sources],
        options: Options,
        by: Mapping[str, Any],
        report: Report,
    ) -> None:
        self._store = store
        self._paths = paths
        self._read = read
        self._options = options
        self._by = by
        self._report = report
        self._said: object = None

    def run(self, stop: threading.Event) -> None:
        """Sync now and on every change until `stop` is set. An outage of the store is waited out."""
        while not stop.is_set():
            self.look()
            self._follow(stop)

    def _follow(self, stop: threading.Event) -> None:
        """Look at every change; return when told to stop, or when a folder is no longer the one it was."""
        from watchfiles import watch

        known = self._places()
        folders = {path if path.is_dir() else path.parent for path in self._paths}
        if not all(folder.is_dir() for folder in folders):
            stop.wait(TICK_MS / 1000)
            return
        ticks = watch(
            *sorted(folders),
            stop_event=stop,
            debounce=SETTLE_MS * 4,
            step=SETTLE_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            watch_filter=None,
            recursive=any(path.is_dir() for path in self._paths),
        )
        for number, changes in enumerate(ticks):
            if stop.is_set() or self._places() != known:
                return
            # At the first tick too: what was saved before the system began to tell is told by nobody.
            if changes or number % (NET_MS // TICK_MS) == 0:
                self.look()

    def _places(self) -> list[tuple[int, int] | None]:
        """What the paths lead to; a folder that is replaced by another of its name leads elsewhere."""
        return [_place(path if path.is_dir() else path.parent) for path in self._paths]

    def look(self) -> None:
        """Plan and apply once; whatever stands in the way is told once, not on every look."""
        try:
            planned = make_plan(self._store, self._read(), self._options)
            if planned.plan.applyable:
                self._apply(planned)
            elif self._is_news(planned.plan):
                self._report.planned(planned)
        except errors.JobboardError as error:
            if self._is_news((str(error), getattr(error, "diagnostics", ()))):
                self._report.failed(error)

    def _apply(self, planned: Planned) -> None:
        """Write what is to be written; a board whose file is gone is shown once, and stays."""
        missing = frozenset(board.name for board in planned.plan.boards if board.missing)
        if not planned.plan.empty or (self._is_news(missing) and missing):
            self._report.planned(planned)
        self._said = missing
        if not planned.plan.empty or any(board.recorded for board in planned.plan.boards):
            self._report.synced(apply(self._store, planned, self._by))

    def _is_news(self, what: object) -> bool:
        known, self._said = self._said, what
        return what != known


def _place(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
