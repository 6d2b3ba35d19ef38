"""The arguments a plan is made by: which boards, which guards are lifted, what becomes of edits and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.arguments import natural

if TYPE_CHECKING:
    import argparse

    from jobboard.reconcile.sources import Options
    from jobboard.settings import Settings

_EITHER = "leave one of them out"


def add_planning(parser: argparse.ArgumentParser) -> None:
    """All that says which plan is made, for those who show it and those who apply it."""
    project.add_paths(parser)
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
        committed_only=project.may_be_shared(settings),
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
