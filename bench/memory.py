"""Memory of an idle scheduled job, beside the 349 bytes a bare Lua scheduler needs without base or history.

The job has a short command; its definition, base and schedule entry are counted, and so is what the server
needs to find them. The reference was measured for a scheduler that keeps a job as one hash and one entry of
a sorted set.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, own_store, run

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

JOBS = 20_000
BARE_BYTES = 349


def main() -> None:
    """Measure and print."""
    for kind, line in (("alike", "run: work"), ("each its own command", "run: work --shard {n} --of many")):
        with own_store() as (store, environ), tempfile.TemporaryDirectory() as folder:
            before = _used(store)
            jobs = "".join(
                f'  job-{n:05}: {{{line.format(n=n)}, cron: "{n % 60} {n % 24} * * *"}}\n'
                for n in range(JOBS)
            )
            path = Path(folder, "board.yaml")
            path.write_text(f"board: many\njobs:\n{jobs}", encoding="utf-8")
            run(command("sync", str(path), "--auto-approve"), environ, Path(folder))
            each = (_used(store) - before) / JOBS
            print(
                f"{JOBS:,} jobs, {kind}: {each:.0f} B   bare {BARE_BYTES} B   ratio {each / BARE_BYTES:.2f}"
            )


def _used(store: Store) -> int:
    # What was freed lazily is still counted for a moment; PURGE waits for it where the allocator can.
    store.client.memory_purge()
    return int(store.client.info("memory")["used_memory"])


if __name__ == "__main__":
    main()
