"""The watcher: what is saved is synced.

It looks at folders, not at files, since an editor's atomic save and a swapped symbolic link replace the file;
every thirty seconds it looks without having been told, as a net. Whatever the event, the bytes decide: a file
that says what it said is not even parsed. A burst of events is one sync, and a checkout that Git is still
writing is waited for: boards of two commits are never synced together.

It never passes a guard by itself. A board that does not parse changes nothing and is shown; one whose file
is gone is shown and stays, and one whose file holds another board waits for a person, as a conflict does.
What may be half of a save (`daemon.watcher.halfsaved`) is waited for: while somebody has a file open for
writing, and where a board would lose jobs or its last line has no end, until that file has stayed as it is
for three seconds. All of that sync waits: it is all or nothing.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from jobboard import errors
from jobboard.daemon.watcher.halfsaved import are_being_written, doubt_of
from jobboard.daemon.watcher.stillness import Stillness
from jobboard.reconcile.applying import apply
from jobboard.reconcile.planning import make_plan
from jobboard.source.files import PROJECT_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from jobboard.daemon.watcher.halfsaved import Doubt
    from jobboard.reconcile.applying import Synced
    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.store.calls.connect import Store

TICK_MS = 1_000
"""How often it sees whether the folders are still those it listens to; each time costs a stat."""
NET_MS = 30_000
"""How often it looks without having been told."""
SETTLE_MS = 60
"""How long it has to be quiet after a burst of events (a checkout, a save in several steps)."""
BURST_MS = 5_000
"""How long such a burst may last: then it looks all the same."""
BUSY_S = 10.0
"""How long anybody may be writing: what is locked for longer was left behind, or is meant to stay open."""
_AGAIN_S = 0.02
# What is swapped where a folder is filled as the kubelet does it.
_SWAPPED = "..data"


class Report(Protocol):
    """Whom the watcher tells what it did."""

    def planned(self, planned: Planned) -> None:
        """A plan is about to be applied, or stands still because of a guard."""

    def synced(self, synced: Synced) -> None:
        """A plan was applied."""

    def waiting(self, doubt: Doubt) -> None:
        """Nothing is written until these files have stayed as they are."""

    def restored(self) -> None:
        """No job would go any more, and none went."""

    def failed(self, error: errors.JobboardError) -> None:
        """Nothing was written, and why."""

    def mended(self) -> None:
        """What stood in the way is gone, and there is nothing to write."""


class Watcher:
    """Syncs boards as they are saved.

    Args:
        store: Where to.
        paths: Board files and folders.
        read: Reads them, with where they come from.
        options: Which guards are lifted: the user's own flags, nothing more.
        by: Who is writing.
        report: Who is told.
        root: The folder of the project file, which is looked at as well; None where there can be none.
        busy: Whether Git is writing to the files right now.
        stillness: Says when files that may be half saved have stayed the same for long enough.
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
        root: Path | None = None,
        busy: Callable[[], bool] = bool,
        stillness: Stillness | None = None,
    ) -> None:
        self._store = store
        self._paths = paths
        self._read = read
        self._options = options
        self._by = by
        self._report = report
        self._root = root
        self._busy = busy
        self._stillness = stillness or Stillness()
        self._said: object = None
        self._losing = False
        self._failing = False
        # Boards and the project file are followed side by side.
        self._looking = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Sync now and on every change until `stop` is set. An outage of the store is waited out."""
        with self._following_project(stop):
            while not stop.is_set():
                self._look_when_settled(stop)
                # A folder may go at any moment, also before the system has begun to tell of it.
                with suppress(FileNotFoundError):
                    self._follow(stop)

    @contextmanager
    def _following_project(self, stop: threading.Event) -> Iterator[None]:
        """Meanwhile look at every change of the project file too."""
        following = threading.Thread(target=self._follow_project, args=(stop,), name="project file")
        following.start()
        try:
            yield
        finally:
            stop.set()
            following.join()

    def _follow_project(self, stop: threading.Event) -> None:
        from watchfiles import watch

        if self._root is None or not self._root.is_dir():
            return
        for _ in watch(
            self._root,
            stop_event=stop,
            debounce=BURST_MS,
            step=SETTLE_MS,
            rust_timeout=TICK_MS,
            watch_filter=lambda _, path: path.endswith((f"/{PROJECT_FILE}", f"/{_SWAPPED}")),
            recursive=False,
        ):
            self._look_when_settled(stop)

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
            debounce=BURST_MS,
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
            if changes or number % (NET_MS // TICK_MS) == 0 or self._stillness.is_due:
                self._look_when_settled(stop)

    def _look_when_settled(self, stop: threading.Event) -> None:
        """Look once Git is done, and whoever else is writing."""
        left = round(BUSY_S / _AGAIN_S)
        while left and self._is_being_written() and not stop.wait(_AGAIN_S):
            left -= 1
        if not stop.is_set():
            self.look()

    def _is_being_written(self) -> bool:
        return self._busy() or are_being_written(self._paths, self._root)

    def _places(self) -> list[tuple[int, int] | None]:
        """What the paths lead to; a folder that is replaced by another of its name leads elsewhere."""
        return [_place(path if path.is_dir() else path.parent) for path in self._paths]

    def look(self) -> None:
        """Plan and apply once; whatever stands in the way is told once, not on every look."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        try:
            planned = make_plan(self._store, self._read(), self._options)
            if not planned.plan.applyable:
                self._refuse(planned)
            elif not self._is_waiting(planned):
                self._apply(planned)
        except errors.JobboardError as error:
            self._end_waiting()
            self._failing = True
            if self._is_news((str(error), getattr(error, "diagnostics", ()))):
                self._report.failed(error)

    def _refuse(self, planned: Planned) -> None:
        self._end_waiting()
        self._failing = True
        if self._is_news(planned.plan):
            self._report.planned(planned)

    def _is_waiting(self, planned: Planned) -> bool:
        """Whether any of its files may be half of a save."""
        doubt = doubt_of(planned, self._root)
        if self._losing and not doubt.jobs:
            self._report.restored()
        self._losing = doubt.jobs > 0
        if self._stillness.reached(doubt.files):
            self._end_waiting()
            return False
        if self._is_news(doubt):
            self._report.waiting(doubt)
        return True

    def _end_waiting(self) -> None:
        self._stillness.end()
        self._losing = False

    def _apply(self, planned: Planned) -> None:
        """Write what is to be written; a board whose file is gone is shown once, and stays."""
        missing = frozenset(board.name for board in planned.plan.boards if board.missing)
        if not planned.plan.empty or (self._is_news(missing) and missing):
            self._report.planned(planned)
        elif self._failing:
            self._report.mended()
        self._failing = False
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
