"""Reading boards: 10,000 jobs found, parsed with positions, checked and resolved, beside plain parsing.

The reference is ``yaml.load(CSafeLoader)`` of the same text, which gives values without positions and without
a word about what is wrong. Also: a cold `lint`-like read of 200 jobs, imports included, beside a bare
interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3

_JOB = """\
  job-{n:05}:
    description: number {n} of many
    run: /usr/local/bin/task --shard {n} --verbose
    cron: "{minute} {hour} * * *"
    timeout: {timeout}m
    retries:
      max: 3
      delay: 30s
    tags: [tag-{tag}, common]
    queue: queue-{queue}
"""
_COLD = "import sys; from jobboard.source import files, loader; loader.load([files.read(sys.argv[1])])"


def board_text(jobs: int, name: str = "big") -> str:
    """A board of plain jobs, none of which is quite like another."""
    head = f"board: {name}\ntimezone: Europe/Madrid\ndefaults:\n  kill_after: 30s\njobs:\n"
    return head + "".join(
        _JOB.format(n=n, minute=n % 60, hour=n % 24, timeout=n % 50 + 1, tag=n % 7, queue=n % 5)
        for n in range(jobs)
    )


def best_s(work: Callable[[], object]) -> float:
    """The best of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def _cold_s(*words: str) -> float:
    return best_s(lambda: subprocess.run([sys.executable, "-c", *words], check=True))


def main() -> None:
    """Measure and print."""
    from jobboard.source import files, loader

    with tempfile.TemporaryDirectory() as folder:
        big, small = Path(folder, "big.yaml"), Path(folder, "small.yaml")
        big.write_text(board_text(10_000))
        small.write_text(board_text(200))
        text = big.read_text()
        reference_s = best_s(lambda: yaml.load(text, yaml.CSafeLoader))
        ours_s = best_s(lambda: loader.load([files.read(big)]))
        cold_s, bare_s = _cold_s(_COLD, str(small)), _cold_s("pass")
    print("reading 10,000 jobs")
    print(f"  yaml.load(CSafeLoader), values only      {reference_s:7.3f} s")
    print(f"  read + check + resolve, with positions   {ours_s:7.3f} s   {reference_s / ours_s:.1f}x faster")
    print("reading 200 jobs, cold process")
    print(f"  bare interpreter                         {bare_s * 1e3:7.0f} ms")
    print(f"  read + check + resolve                   {cold_s * 1e3:7.0f} ms   goal: 150 ms")


if __name__ == "__main__":
    main()
