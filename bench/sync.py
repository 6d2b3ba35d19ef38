"""Lint, plan and sync of 10,000 jobs in cold processes, beside plain YAML parsing of the same file.

Every figure is of a whole process, its start included. The reference is ``yaml.load(CSafeLoader)``, the
usual way to read the same file, in a cold process too.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench.measure import command, in_turn, own_store, run, show
from bench.read import board_text
from jobboard.cli.markdown import LIMIT
from jobboard.cli.plans.jsonform import plan_json
from jobboard.cli.plans.markdown import PlanMarkdown
from jobboard.clock import now_ms
from jobboard.core.jobs.merge import merge_job
from jobboard.core.jobs.model import Definition
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources

JOBS = 10_000
SHOWN = 5_000
FILES = 100

_REFERENCE = "import sys, yaml; [yaml.load(open(path), yaml.CSafeLoader) for path in sys.argv[1:]]"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Path(folder, "whole"), Path(folder, "parts")
        _write(whole, 1)
        _write(parts, FILES)
        _changed(whole)
        _unchanged(parts, whole)
    _rendered()


def _write(folder: Path, files: int) -> None:
    folder.mkdir()
    for number in range(files):
        text = board_text(JOBS // files, f"board-{number}")
        Path(folder, f"board-{number}.yaml").write_text(text, encoding="utf-8")


def _changed(folder: Path) -> None:
    path = str(folder / "board-0.yaml")
    with own_store() as (store, environ):
        reference = [sys.executable, "-c", _REFERENCE, path]
        lint_s, plan_s, yaml_s = in_turn(
            [
                lambda: run(command("lint", path), environ, folder),
                lambda: run(command("plan", path), environ, folder),
                lambda: run(reference, environ, folder),
            ]
        )
        show(f"lint, {JOBS:,} jobs", lint_s, "CSafeLoader", yaml_s)
        show(f"plan (lint included), {JOBS:,} new jobs", plan_s, "CSafeLoader", yaml_s, "< 1")

        def sync() -> None:
            store.client.flushdb()
            run(command("sync", path, "--auto-approve"), environ, folder)

        sync_s, plan_s = in_turn([sync, lambda: _replan(store.client.flushdb, path, environ, folder)])
        show(f"first sync, {JOBS:,} jobs", sync_s, "plan", plan_s, "<= 3")


def _replan(flush: object, path: str, environ: dict[str, str], folder: Path) -> None:
    assert callable(flush)
    flush()
    run(command("plan", path), environ, folder)


def _unchanged(folder: Path, whole: Path) -> None:
    paths = [str(path) for path in whole.iterdir()]
    with own_store() as (_, environ):
        run(command("sync", str(folder), "--auto-approve"), environ, folder)
        plan_s, sync_s, yaml_s = in_turn(
            [
                lambda: run(command("plan", str(folder)), environ, folder),
                lambda: run(command("sync", str(folder)), environ, folder),
                lambda: run([sys.executable, "-c", _REFERENCE, *paths], environ, folder),
            ]
        )
        what = f"{JOBS:,} jobs in {FILES} files"
        show(f"no-op plan, {what}", plan_s, "CSafeLoader, as one file", yaml_s, "<= 0.25")
        show(f"no-op sync, {what}", sync_s, "CSafeLoader, as one file", yaml_s)


def _rendered() -> None:
    """A plan of many changed jobs as a comment, beside the same plan as JSON; in this process, warm."""
    changes = tuple(_rescheduled(f"ops/job-{number}", number) for number in range(SHOWN))
    board = BoardPlan("ops", "boards/ops.yaml", "1.0", changes, jobs=SHOWN)
    planned, around = Planned(Plan("ns", (board,)), Sources((), (), None), Options()), Around(now_ms())
    markdown_s, json_s = in_turn(
        [
            lambda: PlanMarkdown(planned, around, "embedded, namespace ns").text(),
            lambda: json.dumps(plan_json(planned, around), indent=2),
        ]
    )
    length = len(PlanMarkdown(planned, around, "embedded, namespace ns").text())
    what = f"Markdown of {SHOWN:,} changes, {length:,} characters"
    show(what, markdown_s, "JSON of all of them", json_s, "<= 1")
    assert length <= LIMIT


def _rescheduled(address: str, number: int) -> JobChange:
    before, after = (
        {"command": {"run": "x"}, "schedule": {"cron": f"{number % 60} {hour} * * *"}} for hour in (2, 3)
    )
    fields = merge_job(before, before, after).fields
    return JobChange(address, "change", Definition(1, 1, 1, before, before), after, after, fields)


if __name__ == "__main__":
    main()
