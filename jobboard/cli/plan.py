"""Show what a sync would change: in Redis, field by field, and in time. Writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project, scenario
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.cli.plan_simulated import Outlook
    from jobboard.reconcile.planning import Planned
    from jobboard.store.connect import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard plan``."""
    project.add_paths(parser)
    project.add_guards(parser)
    project.add_policies(parser)
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 when there are changes, 0 when there are none",
    )
    parser.add_argument(
        "--simulate", action="store_true", help="play both sides in virtual time: load, waits, skips"
    )
    scenario.add_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Plan, show, and say by the exit code whether a sync would go ahead."""
    from jobboard.reconcile.planning import make_plan

    settings = Settings.from_args(args)
    sources = project.read_sources(args.paths, settings.root, settings.project)
    with project.open_for(settings, sources) as store:
        planned = make_plan(store, sources, project.options_of(args))
        outlook = _outlook(args, store, planned) if args.simulate else None
        show(planned, store, settings, outlook, as_json=args.output == "json")
    if planned.plan.contested:
        return 3
    if planned.plan.refusals:
        return 5
    return 2 if args.detailed_exitcode and not planned.plan.empty else 0


def _outlook(args: argparse.Namespace, store: Store, planned: Planned) -> Outlook:
    from jobboard.cli.plan_simulated import foresee
    from jobboard.store import clocks

    return foresee(args, store, planned.plan, clocks.now_ms(store))


def show(
    planned: Planned, store: Store, settings: Settings, outlook: Outlook | None = None, *, as_json: bool
) -> None:
    """Print a plan with what surrounds it: warnings, holds, who made the drift, what it does to the load."""
    from jobboard.reconcile.around import look_around

    around = look_around(store, planned.plan)
    if as_json:
        from jobboard.cli.plan_json import plan_json

        said = plan_json(planned, around)
        if outlook is not None:
            from jobboard.cli.plan_simulated import outlook_json

            said["simulation"] = outlook_json(outlook)
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return
    from jobboard.cli.plan_text import PlanText

    PlanText(Screen(), planned, around, project.store_name(settings)).write()
    if outlook is not None:
        from jobboard.cli.plan_simulated import write_outlook

        write_outlook(Screen(), outlook)
