"""Show what a sync would change: in Redis, field by field, and in time. Writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.reconcile.planning import Planned
    from jobboard.store.connect import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard plan``."""
    project.add_paths(parser)
    project.add_guards(parser)
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 when there are changes, 0 when there are none",
    )


def execute(args: argparse.Namespace) -> int:
    """Plan, show, and say by the exit code whether a sync would go ahead."""
    from jobboard.reconcile.planning import make_plan

    settings = Settings.from_args(args)
    sources = project.read_sources(args.paths, settings.root)
    with project.open_for(settings, sources) as store:
        planned = make_plan(store, sources, project.options_of(args))
        show(planned, store, settings, as_json=args.output == "json")
    if planned.plan.conflicts or any(refusal.code == "owner" for refusal in planned.plan.refusals):
        return 3
    if planned.plan.refusals:
        return 5
    return 2 if args.detailed_exitcode and not planned.plan.empty else 0


def show(planned: Planned, store: Store, settings: Settings, *, as_json: bool) -> None:
    """Print a plan with what surrounds it: warnings, holds, who made the drift."""
    from jobboard.reconcile.around import look_around

    around = look_around(store, planned.plan)
    if as_json:
        from jobboard.cli.plan_json import plan_json

        print(json.dumps(plan_json(planned, around), indent=2, ensure_ascii=False))
        return
    from jobboard.cli.plan_text import PlanText

    PlanText(Screen(), planned, around, project.store_name(settings)).write()
