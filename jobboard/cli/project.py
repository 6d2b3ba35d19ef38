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
from jobboard.cli.arguments import natural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.settings import Settings
    from jobboard.source.git import Checkout
    from jobboard.source.project import Project
    from jobboard.store.calls.connect import Store

DEFAULT_BOARDS = "boards"
_EITHER = "leave one of them out"


def add_paths(parser: argparse.ArgumentParser) -> None:
    """The paths argument of every command that reads boards."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="board files, or folders of them (default: boards/)"
    )


def add_planning(parser: argparse.ArgumentParser) -> None:
    """All that says which plan is made, for those who show it and those who apply it."""
    add_paths(parser)
    _add_guards(parser)
    _add_policies(parser)
    _add_runs(parser)
    _add_targets(parser)


def _add_guards(parser: argparse.ArgumentParser) -> None:
    """The flags that lift a guard of the plan."""
    group = parser.add_argument_group("guards, and the flags that lift them")
    group.add_argument("--allow-empty", action="store_true", help="let a board go from some jobs to none")
    group.add_argument(
        "--allow-destroy",
        type=natural,
        metavar="N",
        help="let up to N jobs of a board go at once; without it, 30 %% of a board of ten or more",
    )
    group.add_argument(
        "--prune-board",
        action="append",
        default=[],
        metavar="BOARD",
        help="destroy this board, whose file is gone",
    )
    group.add_argument("--take-ownership", action="store_true", help="take boards over from another origin")
    group.add_argument(
        "--allow-rewind",
        action="store_true",
        help="go back to a commit that does not descend from the one last synced",
    )
    group.add_argument(
        "--allow-dirty", action="store_true", help="write to a shared store what no commit holds"
    )


def _add_policies(parser: argparse.ArgumentParser) -> None:
    """The flags that say what becomes of live edits, whatever the boards say."""
    group = parser.add_argument_group("live edits; a flag wins over what a board says under reconcile")
    group.add_argument(
        "--on-drift",
        choices=["keep", "revert", "exact", "fail"],
        help="what only Redis changed: keep it, revert it where the board says something,"
        " exact to take back everything else too, or fail",
    )
    group.add_argument(
        "--on-conflict",
        choices=["fail", "file", "live"],
        help="where the file and Redis both changed: fail, take the file, or keep Redis",
    )
    group.add_argument(
        "--force-conflicts",
        nargs="?",
        action="append",
        const="",
        default=[],
        metavar="JOB:PATH",
        help="take the file where both changed: everywhere, or with =JOB:PATH there alone",
    )
    group.add_argument(
        "--skip-conflicted",
        action="store_true",
        help="leave jobs with a conflict wholly as they are, go on with the others, and exit 3",
    )


def _add_runs(parser: argparse.ArgumentParser) -> None:
    """The flags that say what becomes of runs there are."""
    group = parser.add_argument_group("runs there are; without these, each keeps what it was queued with")
    group.add_argument(
        "--requeue",
        action="store_true",
        help="let runs that have not started take the definition their job has then, in their place",
    )
    group.add_argument(
        "--on-prune",
        choices=["drain", "cancel"],
        help="running runs of jobs that go: let them finish, or stop them, whatever the board says",
    )


def _add_targets(parser: argparse.ArgumentParser) -> None:
    """The flags that plan a part of the boards alone."""
    group = parser.add_argument_group("a part of the boards alone; nothing is destroyed or moved then")
    for flag, what in (("--target", "only this takes part"), ("--exclude", "this takes no part")):
        group.add_argument(
            flag,
            action="append",
            default=[],
            metavar="JOB|BOARD|tag:TAG",
            help=f"{what}; may be repeated",
        )


_PLANNING = (
    *(
        "paths",
        "allow_empty",
        "allow_destroy",
        "prune_board",
        "take_ownership",
        "allow_rewind",
        "allow_dirty",
    ),
    *("on_drift", "on_conflict", "force_conflicts", "skip_conflicted", "target", "exclude"),
    *("requeue", "on_prune"),
)
"""Arguments that a plan is made by."""


def refuse_planning(args: argparse.Namespace, why: str) -> None:
    """Refuse arguments that a plan is made by, where it is made already.

    Raises:
        errors.UsageError: There is one.
    """
    given = [name for name in _PLANNING if getattr(args, name) not in (None, False, [])]
    if given:
        name = "PATH" if given[0] == "paths" else f"--{given[0].replace('_', '-')}"
        raise errors.UsageError(
            f"{why}, so {name} comes too late", f"give it to jobboard plan --out FILE {name}"
        )


def options_of(args: argparse.Namespace, settings: Settings) -> Options:
    """The guards lifted by these arguments, those up for this store, and the policies asked for.

    Raises:
        errors.UsageError: They ask for two things at once.
    """
    from jobboard.reconcile.sources import Options

    on_conflict = args.on_conflict
    if "" in args.force_conflicts:
        if on_conflict == "live":
            raise errors.UsageError("--force-conflicts takes the file, --on-conflict live does not", _EITHER)
        on_conflict = "file"
    if args.prune_board and (args.target or args.exclude):
        raise errors.UsageError(
            "--target and --exclude never destroy anything, and --prune-board does", _EITHER
        )
    return Options(
        on_drift=args.on_drift,
        forced=frozenset(map(_forced, filter(None, args.force_conflicts))),
        skip_conflicted=args.skip_conflicted,
        requeue=args.requeue,
        on_prune=args.on_prune,
        allow_empty=args.allow_empty,
        allow_destroy=args.allow_destroy,
        prune_boards=frozenset(args.prune_board),
        take_ownership=args.take_ownership,
        allow_rewind=args.allow_rewind,
        committed_only=may_be_shared(settings),
        allow_dirty=args.allow_dirty,
        on_conflict=on_conflict,
        targets=tuple(args.target),
        excludes=tuple(args.exclude),
    )


def _forced(text: str) -> str:
    """A conflict named on the command line, as it stands."""
    job, colon, path = text.partition(":")
    if not colon or not path or "/" not in job or job.endswith("/"):
        raise errors.UsageError(
            f"--force-conflicts: {text!r} is not BOARD/JOB:PATH",
            "write --force-conflicts=ops/backup:timeout, or --force-conflicts as the last word for all",
        )
    return text


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
    """The paths that were asked for, else the project's ``boards`` folder."""
    return [Path(path) for path in paths] or [Path(os.path.relpath(root / DEFAULT_BOARDS))]


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
