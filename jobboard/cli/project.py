"""What commands that work on boards have in common: where the boards are, and who is asking."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jobboard import errors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.sources import Sources
    from jobboard.settings import Settings
    from jobboard.source.git import Checkout
    from jobboard.source.project import Project
    from jobboard.store.calls.connect import Store

DEFAULT_BOARDS = "boards"


def add_paths(parser: argparse.ArgumentParser) -> None:
    """The paths argument of every command that reads boards."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="board files, or folders of them (default: boards/)"
    )


def open_for(settings: Settings, sources: Sources) -> Store:
    """The store, to plan these sources against.

    Raises:
        errors.InvalidBoards: The store cannot be had, and the boards are wrong anyway: that is said first.
        errors.StoreUnreachable, errors.StoreRefused: See `store.calls.connect.open_store`.
    """
    from jobboard.store.calls.connect import open_store

    try:
        return open_store(settings)
    except errors.JobboardError:
        from jobboard.reconcile.planning import refuse_invalid
        from jobboard.source.loader import load

        refuse_invalid(load(sources.files).diagnostics)
        raise


def warn_beyond_git(planned: Planned, settings: Settings) -> None:
    """Say on standard error that nothing will tell these boards from older ones, where that may matter."""
    checkout = planned.sources.checkout
    if planned.beyond_git is not None:
        about = f"board {planned.beyond_git} came from a commit, and these files are in none"
    elif may_be_shared(settings) and (checkout is None or checkout.commit is None):
        about = "these files are in no commit, and the store may be shared"
    else:
        return
    sys.stderr.write(f"jobboard: {about}: nothing can tell whether they are older than what Redis holds\n")


def may_be_shared(settings: Settings) -> bool:
    """Whether the store may be on another machine, where others rely on it."""
    parts = urlsplit(settings.redis_url)
    return parts.scheme not in ("embedded", "unix") and not _is_loopback(parts.hostname or "localhost")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def board_paths(paths: Sequence[str], root: Path) -> list[Path]:
    """The paths that were asked for, else the project's ``boards`` folder.

    Raises:
        errors.UsageError: One that was asked for is none, but the name of a board or of a job.
    """
    usual = Path(os.path.relpath(root / DEFAULT_BOARDS))
    for path in paths:
        if not os.path.lexists(path) and (meant := _meant(Path(path), usual, root)):
            raise errors.UsageError(f"there is no file or folder {path}", meant)
    return [Path(path) for path in paths] or [usual]


def _meant(path: Path, folder: Path, root: Path) -> str | None:
    """What somebody may mean who names a file that there is not: a board, a job, or a file beside it."""
    from jobboard.core.names import address_of
    from jobboard.source.outline import outlines

    homes: dict[str, str] = {}
    for outline in outlines([folder], root) if folder.is_dir() else ():
        named = {outline.board: "board", **{address_of(outline.board, job): "job" for job in outline.jobs}}
        for name, kind in named.items():
            homes[name] = f"{kind} {name} is in {outline.shown}; plan and sync take --target {name} too"
        for job in outline.jobs:
            homes.setdefault(job, homes[address_of(outline.board, job)])
    return homes.get(str(path)) or _beside(path)


def _beside(path: Path) -> str | None:
    from difflib import get_close_matches

    there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = get_close_matches(path.name, there, n=1, cutoff=0.8)
    return f"did you mean {path.parent / near[0]}?" if near else None


def read_sources(paths: Sequence[str], root: Path, project: Project | None = None) -> Sources:
    """Every board file of the paths, read, with where it comes from and what it has in common with others."""
    from jobboard.reconcile.sources import Sources
    from jobboard.source import files
    from jobboard.source.pipeline import pipeline_of

    asked = board_paths(paths, root)
    folders = tuple(files.relative(path, root) for path in asked if path.is_dir())
    return Sources(
        files.read_found(asked, root, project),
        folders,
        _checkout(root, project),
        pipeline_of(os.environ),
    )


def _checkout(root: Path, project: Project | None) -> Checkout | None:
    """Where the files come from: what names it is asked of Git first, then of the project file."""
    from jobboard.source.git import Checkout, checkout_of

    found = checkout_of(root)
    if project is None or project.origin is None or (found is not None and found.origin is not None):
        return found
    known = found or Checkout(root, None, None, None, None, dirty=False)
    return replace(known, origin=project.origin)


def by_of(settings: Settings, reason: str | None = None) -> dict[str, Any]:
    """Who is writing, as every record keeps it."""
    return {"actor": settings.actor, "via": settings.via, "host": os.uname().nodename, "reason": reason}


def store_name(settings: Settings) -> str:
    """The store and namespace in words, without any password."""
    from jobboard.settings import masked

    where = "embedded" if settings.embedded else masked(settings.redis_url)
    return f"{where}, namespace {settings.namespace}"
