"""Merge the boards into Redis: all of them or none, nothing that was not shown.

jobboard sync                                    shows the plan, and asks
jobboard sync --auto-approve --reason "the new vendor"
jobboard sync --plan plan.bin                    just what was planned
jobboard sync --on-conflict file boards/ops.yaml
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import planning, project
from jobboard.cli.approval import is_answered_yes
from jobboard.cli.commands import plan as plan_command
from jobboard.cli.outputs import outputs_of, write_all
from jobboard.cli.plans.faults import faults_told
from jobboard.cli.plans.forms import FORMS
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from jobboard.cli.outputs import Output
    from jobboard.reconcile.applying import Synced
    from jobboard.reconcile.planning import Planned


OUTPUTS = FORMS
SEVERAL_OUTPUTS = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard sync``."""
    planning.add_planning(parser)
    parser.add_argument("--auto-approve", action="store_true", help="write without asking")
    parser.add_argument(
        "--expect-digest",
        metavar="SHA256",
        help="write without asking if the plan has this digest, else exit 4",
    )
    parser.add_argument(
        "--plan",
        metavar="FILE",
        type=Path,
        help="write what jobboard plan --out saved, without asking; exit 4 if one of its jobs moved since",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the history")


def execute(args: argparse.Namespace) -> int:
    """Plan, show, ask, apply; or show and apply what was planned before."""
    if args.plan is not None:
        return _execute_saved(args)
    from jobboard.reconcile.applying import apply, refuse
    from jobboard.reconcile.planning import make_plan

    settings = Settings.from_args(args)
    sources = project.read_sources(args.paths, settings.root, settings.project)
    with (
        faults_told(args, settings.namespace, writes=True) as told,
        project.open_for(settings, sources) as store,
    ):
        planned = make_plan(store, sources, planning.options_of(args, settings))
        project.warn_beyond_git(planned, settings)
        # JSON tells what was done, and so it comes last.
        forms = plan_command.forms_of(planned, store, settings)
        write_all((output for output in outputs_of(args) if output.form != "json"), forms.write)
        told.shown = True
        refuse(planned.plan)
        if not planned.plan.empty:
            approve(args, planned)
        synced = apply(store, planned, project.by_of(settings, args.reason), tell)
    report(synced, outputs_of(args))
    return _exit_code(synced)


def _execute_saved(args: argparse.Namespace) -> int:
    from jobboard.reconcile.applying import apply, refuse
    from jobboard.reconcile.planfile import read_plan
    from jobboard.reconcile.saved import plan_saved
    from jobboard.store.calls.connect import open_store

    planning.refuse_planning(args, "--plan writes what was planned")
    settings = Settings.from_args(args)
    with faults_told(args, settings.namespace) as told:
        saved = read_plan(args.plan, settings.namespace)
        if args.expect_digest:
            _expect(saved.digest, args.expect_digest)
        with open_store(settings) as store:
            committed_only = project.may_be_shared(settings)
            planned = plan_saved(store, saved, settings.root, committed_only=committed_only)
            if not planned.plan.empty:
                project.warn_beyond_git(planned, settings)
                forms = plan_command.forms_of(planned, store, settings)
                write_all((output for output in outputs_of(args) if output.form != "json"), forms.write)
                told.shown = True
            refuse(planned.plan)
            synced = apply(store, planned, project.by_of(settings, args.reason), tell)
    is_repeated = synced.revision is None and not synced.requeued
    report(replace(synced, repeated=is_repeated), outputs_of(args), shown=not planned.plan.empty)
    return _exit_code(synced)


def tell(sentence: str) -> None:
    """Say at once what a sync waits for, beside what it prints."""
    sys.stderr.write(f"jobboard: {sentence}\n")
    sys.stderr.flush()


def _exit_code(synced: Synced) -> int:
    """By what was left undone."""
    return errors.Conflict.exit_code if synced.plan.contested else _passed_over(synced)


def _passed_over(synced: Synced) -> int:
    """Boards that a rollback holds are said to be left out, and by the exit code."""
    held = synced.plan.held
    if not held:
        return 0
    names = ", ".join(held)
    sys.stderr.write(f"jobboard: {names} passed over: a rollback holds what is in Redis\n")
    sys.stderr.write(
        f"          sync a file that says the same, or let the file have its say again:"
        f" {' · '.join(f'jobboard release {name}' for name in held)}\n"
    )
    return errors.Refused.exit_code


def approve(args: argparse.Namespace, planned: Planned) -> None:
    """Ask, unless the arguments answer.

    Raises:
        errors.Stale: This is not the plan that was expected.
        errors.UsageError: There is nobody to ask.
        errors.Interrupted: The answer is no.
    """
    digest = planned.plan.digest
    if args.expect_digest:
        _expect(digest, args.expect_digest)
        return
    if args.auto_approve:
        return
    if not sys.stdin.isatty() or args.output == "json":
        raise errors.UsageError(
            "this asks before it writes, and there is no terminal to ask on",
            "add --auto-approve, or --expect-digest with the digest of the plan",
        )
    if not is_answered_yes("Apply this? Only 'yes' applies it: "):
        raise errors.Interrupted("not applied; nothing was written")


def _expect(digest: str, expected: str) -> None:
    if not _is_expected(digest, expected):
        raise errors.Stale(
            f"the plan's digest is {digest}, not {expected}", "look at the plan again: jobboard plan"
        )


def _is_expected(digest: str, expected: str) -> bool:
    """Whether this is the digest, given in full or as far as a plan prints it."""
    stem = expected.rstrip("…")
    return len(stem) >= len("sha256:") + 8 and digest.startswith(stem)


def report(synced: Synced, outputs: Sequence[Output], *, shown: bool = True) -> None:
    """Say what was done, below the plan; beside it where that was printed in another form.

    Args:
        synced: What was done.
        outputs: Where to.
        shown: Whether the plan was printed, which says what it left with its conflicts.
    """

    def write_json(_: str, screen: Screen) -> None:
        import json

        screen.line(json.dumps(_result_json(synced), indent=2))

    write_all((output for output in outputs if output.form == "json"), write_json)
    printed = outputs[-1].form
    if printed != "json":
        screen = Screen(None if printed == "text" else sys.stderr)
        _write_result(screen, synced)
        if synced.plan.skipped and not (shown and printed == "text"):
            jobs = ", ".join(synced.plan.skipped)
            screen.line(f"Left as they are, with their conflicts: {jobs}.", "error")


def _result_json(synced: Synced) -> dict[str, Any]:
    from jobboard.core.plans.change import ACTIONS

    counts = synced.plan.counts
    return {
        "format_version": "1.0",
        "revision": synced.revision,
        "repeated": synced.repeated,
        "parts": synced.parts,
        "held": synced.plan.held,
        "requeued": synced.requeued,
        "digest": synced.plan.digest,
        "counts": {action: counts[action] for action in ACTIONS},
        "skipped": synced.plan.skipped,
        "left_out": list(synced.plan.left_out),
    }


def _write_result(screen: Screen, synced: Synced) -> None:
    """What was done, in words."""
    if synced.repeated:
        screen.line("All of this is applied already; nothing was left to do.")
    if synced.revision is not None or synced.requeued:
        _write_done(screen, synced)


def _write_done(screen: Screen, synced: Synced) -> None:
    """What was written, counted."""
    from jobboard.cli.plans.words import DONE, runs_of, summed_up

    counts = synced.plan.counts
    if synced.revision is not None and not synced.repeated:
        done = [f"{counts[action]:,} {DONE[action]}" for action in summed_up(counts)]
        last = f", the last of {synced.parts} parts" if synced.parts > 1 else ""
        screen.line(f"Sync complete! Revision {synced.revision}{last}: {', '.join(done)}.", "good")
    if synced.requeued:
        screen.line(f"Requeued: {runs_of(synced.requeued, 'queued')} took what is in force.", "good")
