"""Sync on every save, until Ctrl-C. It passes no guard by itself: what a plan would refuse waits.

What may be half of a save is synced once the file has stayed as it is for three seconds: a board that would
lose jobs, and one whose last line has no line break.

jobboard watch
jobboard watch boards/ops.yaml
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import daemons, project
from jobboard.cli.faults import print_faults
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.daemon.watcher.halfsaved import Doubt
    from jobboard.daemon.watcher.watcher import Watcher
    from jobboard.reconcile.applying import Synced
    from jobboard.reconcile.planning import Planned
    from jobboard.store.calls.connect import Store

_NAMED = 3
"""How many files that may be half saved are named; more are counted."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard watch``."""
    project.add_paths(parser)
    add_shared(parser)
    daemons.add_store_wait(parser)


def add_shared(parser: argparse.ArgumentParser) -> None:
    """What lets a store be watched that others may rely on."""
    parser.add_argument("--shared", action="store_true", help="watch although the store may be shared")
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="also boards last synced from another repository or branch, or from a later commit",
    )


def execute(args: argparse.Namespace) -> int:
    """Watch until told to stop."""
    from jobboard.daemon.service import Signals

    settings = Settings.from_args(args)
    daemons.refuse_shared(settings, shared=args.shared)
    screen = Screen()
    with Signals() as signals, daemons.store_of(args, settings, signals.stop) as store:
        if store is None:
            return 0
        watcher = watcher_of(args, settings, store, screen)
        screen.line(f"Watching, syncing to {project.store_name(settings)}. Ctrl-C stops it.", "bold")
        screen.flush()
        watcher.run(signals.stop)
    return 0


def watcher_of(args: argparse.Namespace, settings: Settings, store: Store, screen: Screen) -> Watcher:
    """The watcher these arguments ask for.

    Raises:
        errors.UsageError: A path is not there.
    """
    from jobboard.daemon.watcher.watcher import Watcher
    from jobboard.reconcile.sources import Options
    from jobboard.source.git import index_lock

    paths = project.board_paths(args.paths, settings.root)
    for path in paths:
        if not path.exists():
            raise errors.UsageError(
                f"there is no file or folder {path}", "jobboard init writes a first board"
            )
    is_shared = project.may_be_shared(settings)
    lock = index_lock(settings.root)
    options = Options(
        keep_vanished=True,
        take_ownership=args.take_over,
        one_branch=is_shared and not args.take_over,
        # At home one changes branches all day; what others rely on goes forward.
        allow_rewind=not is_shared or args.take_over,
    )
    return Watcher(
        store,
        paths,
        read=lambda: project.read_sources(args.paths, settings.root, args.read_project(settings.root)),
        options=options,
        by={**project.by_of(settings), "via": "watch"},
        report=_Spoken(screen, store, settings),
        root=settings.root,
        busy=lambda: lock is not None and lock.exists(),
    )


class _Spoken:
    """Tells a person."""

    def __init__(self, screen: Screen, store: Store, settings: Settings) -> None:
        self._screen = screen
        self._store = store
        self._name = project.store_name(settings)

    def planned(self, planned: Planned) -> None:
        from jobboard.cli.plans.text import PlanText
        from jobboard.reconcile.around import look_around

        PlanText(self._screen, planned, look_around(self._store, planned.plan), self._name).write()
        self._screen.flush()

    def synced(self, synced: Synced) -> None:
        if synced.revision is not None:
            self._screen.line(f"Synced: revision {synced.revision}.", "good")
            self._screen.flush()

    def waiting(self, doubt: Doubt) -> None:
        from jobboard.cli.plans.words import number_of
        from jobboard.core.times.duration import format_duration
        from jobboard.daemon.watcher.stillness import STILL_MS

        if doubt.jobs:
            self._screen.line(f"{number_of(doubt.jobs, 'job')} would go.", "change")
        for name in doubt.unended[:_NAMED]:
            self._screen.line(f"{name} may be half saved: its last line has no line break.", "change")
        if (more := len(doubt.unended) - _NAMED) > 0:
            self._screen.line(f"Nor has that of {number_of(more, 'other file')}.", "change")
        (name, *others) = sorted(doubt.files)
        stayed = f"{name} and {number_of(len(others), 'other file')} have" if others else f"{name} has"
        still = f"stayed as {'they are' if others else 'it is'} for {format_duration(STILL_MS)}"
        self._screen.line(f"Waiting until {stayed} {still}.", "change")
        self._screen.flush()

    def restored(self) -> None:
        self._screen.line("No job would go any more: none did.", "good")
        self._screen.flush()

    def mended(self) -> None:
        self._screen.line("Mended: nothing to sync, Redis matches the boards.", "good")
        self._screen.flush()

    def failed(self, error: errors.JobboardError) -> None:
        if isinstance(error, errors.InvalidBoards):
            print_faults(error.diagnostics, sys.stderr)
            sys.stderr.write("Not synced: Redis keeps the last good boards.\n")
        else:
            sys.stderr.write(f"Not synced: {error.message}\n")
            if error.hint:
                sys.stderr.write(f"            {error.hint}\n")
        sys.stderr.flush()
