"""100,000 jobs in 1,000 files: a plan with nothing to do, one changed job, the first sync and its memory.

Each is a whole process. The reference of a plan is a process that reads and hashes the same files, which is
the least that anything must do to know that they did not change. Both are also shown in a process that runs
already, as under `watch`, without what an interpreter and its imports cost. What one changed job adds is held
to its goal there: a cold plan with nothing to do imports little, and one with anything to compare imports all
that reads and compares, some 150 modules, which takes as long again however many jobs there are.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, costs_in_turn, in_turn, own_store, run, show, show_costs
from bench.read import board_text
from jobboard.__main__ import GROWN
from jobboard.cli.plans.forms import PlanForms
from jobboard.cli.project import read_sources
from jobboard.cli.screen import Collected
from jobboard.reconcile.around import look_around
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.sources import Options

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

JOBS = 100_000
FILES = 1_000
CHANGED = "board-0500.yaml"

_HASHING = (
    "import sys, os, hashlib\n"
    "for path in sorted(os.listdir(sys.argv[1])):\n"
    "    hashlib.sha256(open(os.path.join(sys.argv[1], path), 'rb').read()).hexdigest()\n"
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as top, own_store() as (store, environ):
        folder = Path(top, "boards")
        folder.mkdir()
        for number in range(FILES):
            text = board_text(JOBS // FILES, f"board-{number:04}")
            (folder / f"board-{number:04}.yaml").write_text(text, encoding="utf-8")
        _first_sync(store, environ, Path(top))
        _nothing_to_do(environ, folder)
        _without_start(store, folder)


def _first_sync(store: Store, environ: dict[str, str], top: Path) -> None:
    def sync() -> None:
        store.client.flushdb()
        run(command("sync", "--auto-approve"), environ, top)

    def lint() -> None:
        run(command("lint"), environ, top)

    sync_s, lint_s = in_turn([sync, lint], rounds=1)
    show(f"first sync, {JOBS:,} jobs in {FILES:,} files", sync_s, "lint of them", lint_s)
    own_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    memory = store.client.info("memory")
    used, peak = int(memory["used_memory"]), int(memory["used_memory_peak"])
    print(f"memory of the largest of these processes: {own_kib / 1024:,.0f} MiB")
    print(
        f"memory of the server: {used / JOBS:,.0f} bytes a job, at most {peak / 2**20:,.0f} MiB", flush=True
    )


def _nothing_to_do(environ: dict[str, str], folder: Path) -> None:
    top = folder.parent
    changed = folder / CHANGED
    before = changed.read_text(encoding="utf-8")
    one = _one_changed(before)

    def planned(text: str) -> None:
        changed.write_text(text, encoding="utf-8")
        run(command("plan"), environ, top)

    hashing = [sys.executable, "-c", _HASHING, str(folder)]
    still, one_changed, hashed, bare = costs_in_turn(
        [
            lambda: planned(before),
            lambda: planned(one),
            lambda: subprocess.run(hashing, check=True),
            lambda: run(command("plan", "--help"), environ, top),
        ]
    )
    what = f"{JOBS:,} jobs in {FILES:,} files"
    show_costs(f"no-op plan, {what}", still, "reading and hashing them", hashed, "<= 3")
    show_costs(f"plan of one changed job among {what}", one_changed, "no-op plan", still)
    show_costs("the same", one_changed, "reading and hashing them", hashed)
    show_costs("of which start and arguments", bare, "no-op plan", still)
    changed.write_text(before, encoding="utf-8")


def _without_start(store: Store, folder: Path) -> None:
    changed = folder / CHANGED
    before = changed.read_text(encoding="utf-8")

    def planned(text: str) -> None:
        changed.write_text(text, encoding="utf-8")
        _plan(store, folder.parent, changes=int(text != before))

    gc.set_threshold(GROWN)  # as in every process of ours
    with contextlib.chdir(folder.parent):
        still, one_changed, hashed = costs_in_turn(
            [lambda: planned(before), lambda: planned(_one_changed(before)), lambda: _hash(folder)]
        )
    what = f"{JOBS:,} jobs in {FILES:,} files, in a process that runs"
    show_costs(f"no-op plan, {what}", still, "reading and hashing", hashed, "<= 3")
    show_costs(f"plan of one changed job among {what}", one_changed, "no-op plan", still, "<= 1.2")
    changed.write_text(before, encoding="utf-8")


def _one_changed(text: str) -> str:
    """The board with another timeout of one job."""
    changed = text.replace("timeout: 7m", "timeout: 8m", 1)
    assert changed != text
    return changed


def _plan(store: Store, top: Path, *, changes: int) -> None:
    planned = make_plan(store, read_sources([], top), Options())
    forms = PlanForms(planned, look_around(store, planned.plan), "the store")
    forms.write("text", Collected())
    assert len(planned.plan.changes) == changes


def _hash(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
