"""Show what a sync would change: in Redis, field by field, and in time. Writes nothing.

jobboard plan                                    every board in boards/
jobboard plan boards/ops.yaml -o diff
jobboard plan --detailed-exitcode -o markdown=plan.md
jobboard plan --since origin/main -o github      in a pull request
jobboard plan --write-live                       live edits into the files
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.cli import planning, project
from jobboard.cli.outputs import outputs_of, write_all
from jobboard.cli.plans.faults import faults_told
from jobboard.cli.plans.forms import FORMS, PlanForms
from jobboard.cli.scenario_options import add_options
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.cli.plans.simulated import Outlook
    from jobboard.reconcile.planning import Planned
    from jobboard.reconcile.since import Since
    from jobboard.store.calls.connect import Store


OUTPUTS = FORMS
SEVERAL_OUTPUTS = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard plan``."""
    planning.add_planning(parser)
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 when there are changes, 0 when there are none",
    )
    parser.add_argument(
        "--write-live",
        action="store_true",
        help="write what was edited live into the board files, and plan again; exit 1 if some cannot be",
    )
    parser.add_argument(
        "--simulate", action="store_true", help="play both sides in virtual time: load, waits, skips"
    )
    parser.add_argument(
        "--since",
        metavar="REF",
        help="mark what the boards' changes in Git since REF do not explain, as for a pull request:"
        " --since origin/main",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="save the plan; jobboard sync --plan FILE applies just that"
    )
    add_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Plan, show, and say by the exit code whether a sync would go ahead."""
    from jobboard.reconcile.planning import make_plan

    settings = Settings.from_args(args)
    sources = project.read_sources(args.paths, settings.root, settings.project)
    with faults_told(args, settings.namespace), project.open_for(settings, sources) as store:
        planned = make_plan(store, sources, planning.options_of(args, settings))
        is_written = True
        if args.write_live:
            from jobboard.cli.commands.write_live import write_live

            is_written = write_live(planned)
            sources = project.read_sources(args.paths, settings.root, settings.project)
            planned = make_plan(store, sources, planning.options_of(args, settings))
        project.warn_beyond_git(planned, settings)
        outlook = _outlook(args, store, planned) if args.simulate else None
        forms = forms_of(planned, store, settings, outlook)
        if args.since:
            forms = replace(forms, around=replace(forms.around, since=_since(args, settings, planned)))
        write_all(outputs_of(args), forms.write)
    if not is_written:
        return 1
    if args.out is not None:
        _save(args.out, planned)
    if planned.plan.contested:
        return 3
    if planned.plan.refusals:
        return 5
    return 2 if args.detailed_exitcode and not planned.plan.empty else 0


def _since(args: argparse.Namespace, settings: Settings, planned: Planned) -> Since:
    from jobboard.reconcile.since import compare_since

    return compare_since(planned, settings.root, args.since, args.read_project)


def _save(path: Path, planned: Planned) -> None:
    """Write the plan to a file; not one that nobody could apply."""
    from jobboard.reconcile.planfile import write_plan

    if not planned.plan.applyable:
        sys.stderr.write(f"jobboard: nothing was saved to {path}: a sync would write none of it\n")
        return
    write_plan(path, planned)
    sys.stderr.write(f"Saved. To write just this:  jobboard sync --plan {shlex.quote(str(path))}\n")


def _outlook(args: argparse.Namespace, store: Store, planned: Planned) -> Outlook:
    from jobboard.cli.plans.simulated import foresee
    from jobboard.store.calls import clocks

    return foresee(args, store, planned.plan, clocks.now_ms(store))


def show(
    planned: Planned,
    store: Store,
    settings: Settings,
    args: argparse.Namespace,
    outlook: Outlook | None = None,
) -> None:
    """Show a plan with what surrounds it, in every form that was asked for."""
    write_all(outputs_of(args), forms_of(planned, store, settings, outlook).write)


def forms_of(planned: Planned, store: Store, settings: Settings, outlook: Outlook | None = None) -> PlanForms:
    """The plan and its surroundings: holds, who made the drift, what runs."""
    from jobboard.reconcile.around import look_around

    return PlanForms(planned, look_around(store, planned.plan), project.store_name(settings), outlook)
