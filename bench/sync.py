"""Lint, plan and sync of 10,000 jobs in cold processes, beside plain YAML parsing of the same file.

Every figure is of a whole process, its start included. The reference is ``yaml.load(CSafeLoader)``, the
usual way to read the same file, in a cold process too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import command, in_turn, own_store, run, show
from bench.read import board_text

JOBS = 10_000
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


if __name__ == "__main__":
    main()
