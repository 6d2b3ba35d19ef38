"""100,000 jobs in 1,000 files: a plan with nothing to do, one changed job, the first sync and its memory.

Each is a whole process. The reference of a plan is a process that reads and hashes the same files, which is
the least that anything must do to know that they did not change. Both are also shown in a process that runs
already, without what an interpreter and its imports cost.
"""

from __future__ import annotations

import contextlib
import hashlib
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, in_turn, own_store, run, show
from bench.read import board_text
from jobboard.cli.project import read_sources
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.sources import Options

if TYPE_CHECKING:
    from jobboard.store.connect import Store

JOBS = 100_000
FILES = 1_000

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
    changed = folder / "board-0500.yaml"
    before = changed.read_text(encoding="utf-8")
    one = before.replace("timeout: 7m", "timeout: 8m", 1)
    assert one != before

    def planned(text: str) -> None:
        changed.write_text(text, encoding="utf-8")
        run(command("plan"), environ, top)

    hashing = [sys.executable, "-c", _HASHING, str(folder)]
    still_s, one_s, hash_s, bare_s = in_turn(
        [
            lambda: planned(before),
            lambda: planned(one),
            lambda: subprocess.run(hashing, check=True),
            lambda: run(command("plan", "--help"), environ, top),
        ]
    )
    what = f"{JOBS:,} jobs in {FILES:,} files"
    show(f"no-op plan, {what}", still_s, "reading and hashing them", hash_s, "<= 3")
    show(f"plan of one changed job among {what}", one_s, "no-op plan", still_s, "<= 1.2")
    show("of which start and imports", bare_s, "no-op plan", still_s)
    changed.write_text(before, encoding="utf-8")


def _without_start(store: Store, folder: Path) -> None:
    with contextlib.chdir(folder.parent):
        plan_s, hash_s = in_turn([lambda: _plan(store, folder.parent), lambda: _hash(folder)])
    what = f"{JOBS:,} jobs in {FILES:,} files"
    show(f"no-op plan, {what}, in a process that runs", plan_s, "reading and hashing", hash_s, "<= 3")


def _plan(store: Store, top: Path) -> None:
    assert make_plan(store, read_sources([], top), Options()).plan.empty


def _hash(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
