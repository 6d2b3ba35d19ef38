"""Play boards in virtual time: load, waits and what causes them, and what would be skipped.

  jobboard simulate --slots 4                          the boards in boards/, the coming 24 hours
  jobboard simulate boards/etl.yaml --durations 5m --durations extract=20m
  jobboard simulate --live --recorded --hours 168      what is in Redis, as long as runs usually take
  jobboard simulate --queue reports=1 --exits 'etl/*=1,0' --from 2026-03-28 --timezone Europe/Madrid

Nothing is run and nothing is written. A run begins the instant there is room; runs by hand and workers that
die are not part of it. With --live it begins at this instant: what was decided stays so, runs that are not
over go on as they were made, holds and the limits and rates of queues keep runs from starting, overrides end
when they do. Where no --slots are given, the workers that are alive now have their queues and slots.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import clock, errors
from jobboard.cli import project, scenario
from jobboard.cli.scenario_options import add_options
from jobboard.cli.screen import Screen
from jobboard.core.jobs.override import laid
from jobboard.core.names import address_of
from jobboard.core.simulation.load import MINUTE_MS, load_of
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.cli.scenario import Sourced
    from jobboard.core.simulation.load import Load
    from jobboard.core.simulation.simulate import Simulation


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard simulate``."""
    project.add_paths(parser)
    parser.add_argument("--live", action="store_true", help="what is in Redis, not what is in files")
    add_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Simulate, and print what it comes to."""
    settings = Settings.from_args(args)
    if args.live and args.paths:
        raise errors.UsageError(
            "--live simulates what is in Redis, and needs no path", "leave one of them out"
        )
    simulation, sourced = _of_store(args, settings) if args.live else _of_files(args, settings)
    _show(args, load_of(simulation), sourced, len(simulation.jobs))
    return 0


def _of_files(args: argparse.Namespace, settings: Settings) -> tuple[Simulation, Sourced]:
    from jobboard.reconcile.planning import refuse_invalid
    from jobboard.source.loader import load

    sources = project.read_sources(args.paths, settings.root, settings.project)
    loaded = load(sources.files)
    refuse_invalid(loaded.diagnostics)
    jobs = {address_of(board.name, job): spec for board in loaded.boards for job, spec in board.jobs.items()}
    if args.recorded:
        from jobboard.store.calls.connect import open_store

        with open_store(settings) as store:
            sourced = scenario.scenario_of(args, jobs, _this_minute(), store)
    else:
        sourced = scenario.scenario_of(args, jobs, _this_minute())
    return scenario.play(jobs, sourced.scenario), sourced


def _this_minute() -> int:
    now_ms = clock.now_ms()
    return now_ms - now_ms % MINUTE_MS


def _of_store(args: argparse.Namespace, settings: Settings) -> tuple[Simulation, Sourced]:
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.views.usual import live_definitions

    with open_store(settings) as store:
        definitions, now_ms = live_definitions(store), clocks.now_ms(store)
        jobs = {address: laid(definition) for address, definition in definitions.items()}
        sourced = scenario.scenario_of(args, jobs, now_ms, store)
        sourced = scenario.from_store(sourced, store, now_ms, jobs)
    return scenario.play_definitions(definitions, sourced.scenario), sourced


def _show(args: argparse.Namespace, load: Load, sourced: Sourced, jobs: int) -> None:
    if args.output == "json":
        from jobboard.cli.simulate_json import circumstances_json, load_json

        print(json.dumps({**load_json(load), "circumstances": circumstances_json(sourced)}, indent=2))
        return
    from jobboard.cli.simulate_text import LoadText

    LoadText(Screen(), args.timezone, load.from_ms).write(load, sourced, jobs)
