"""Timing commands and calls in turn, a store of one's own, and printing a figure beside its reference."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jobboard.daemon.system import tree
from jobboard.store.calls.connect import Store
from jobboard.store.server.embedded import await_end, open_embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SLOW_US = 20_000


def show(what: str, figure_s: float, reference: str, reference_s: float, goal: str = "") -> None:
    """One line: the figure, the reference, the ratio, and what was aimed at."""
    ratio = figure_s / reference_s
    aim = f"   (goal: {goal})" if goal else ""
    print(
        f"{what}: {_span(figure_s)}   {reference}: {_span(reference_s)}   ratio {ratio:.2f}{aim}", flush=True
    )


def rate(what: str, per_s: float, reference: str, reference_per_s: float, goal: str = "") -> None:
    """One line for rates: per second, the reference, the ratio."""
    aim = f"   (goal: {goal})" if goal else ""
    ratio = per_s / reference_per_s
    print(
        f"{what}: {per_s:,.0f}/s   {reference}: {reference_per_s:,.0f}/s   ratio {ratio:.2f}{aim}", flush=True
    )


class Stint(NamedTuple):
    """How fast something was done.

    Attributes:
        per_s: How much of it a second.
        server_us: Processor time of the server's own thread for each: on a busy machine this says more.
    """

    per_s: float
    server_us: float

    def __str__(self) -> str:
        return f"{self.per_s:,.0f}/s, {self.server_us:.0f} µs of the server each"


def stint(store: Store, work: Callable[[], int]) -> Stint:
    """Do the work, which answers how much of it there was."""
    began_s, busy_s = time.perf_counter(), _server_cpu_s(store)
    done = work()
    return Stint(done / (time.perf_counter() - began_s), (_server_cpu_s(store) - busy_s) / done * 1e6)


def _server_cpu_s(store: Store) -> float:
    used: Any = store.client.info("cpu")
    return float(used["used_cpu_user_main_thread"]) + float(used["used_cpu_sys_main_thread"])


def main_thread_s(pid: int) -> float:
    """Processor time of a process's first thread, which is that of a server that runs scripts, on Linux.

    What others take of the processor while a call waits for it is not in it.
    """
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def in_turn(works: Sequence[Callable[[], object]], rounds: int = 5) -> list[float]:
    """The median seconds of each, measured A B A B …, so that a machine that drifts does so for all."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in times]


class Cost(NamedTuple):
    """What something took: by the clock, and of processors, its children's included.

    On a machine that others use too, the second says more: it grows little while the first doubles.
    """

    wall_s: float
    processor_s: float


def costs_in_turn(works: Sequence[Callable[[], object]], rounds: int = 7) -> list[Cost]:
    """As `in_turn`, with what each took of processors."""
    costs: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, costs, strict=True):
            began_s, used_s = time.perf_counter(), processor_s()
            work()
            taken.append(Cost(time.perf_counter() - began_s, processor_s() - used_s))
    return [Cost(*(statistics.median(column) for column in zip(*taken, strict=True))) for taken in costs]


def processor_s() -> float:
    """Processor time so far of this process, and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def processor_s_below(root: int) -> float:
    """Processor time so far of a process, of all below it, and of those that they have reaped (Linux)."""
    ticks = 0
    for pid in (root, *tree.below(root)):
        with contextlib.suppress(OSError):  # it has just ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def show_costs(what: str, cost: Cost, reference: str, reference_cost: Cost, goal: str = "") -> None:
    """Two lines: as `show`, by the clock and in processor time."""
    show(what, cost.wall_s, reference, reference_cost.wall_s, goal)
    show("  in processor time", cost.processor_s, reference, reference_cost.processor_s, goal)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all stay at or below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def run(words: Sequence[str], environ: Mapping[str, str], cwd: Path | None = None) -> None:
    """A command in a process of its own, its output thrown away; it has to succeed.

    It may keep compiled modules, as any installed program does, whatever this process was told.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(words, env={**inherited, **environ}, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def command(*words: str) -> list[str]:
    """A ``jobboard`` command line in a cold interpreter."""
    return [sys.executable, "-m", "jobboard", *words]


@contextlib.contextmanager
def own_store(namespace: str = "bench") -> Iterator[tuple[Store, dict[str, str]]]:
    """A temporary embedded store, and the environment that leads commands to it.

    Prints at the end which calls kept the server busy for longer than 20 ms; none is what is aimed at.
    """
    with tempfile.TemporaryDirectory(prefix="jobboard-bench-") as folder:
        home = Path(folder)
        try:
            with open_embedded(home) as lease, Store(lease.url, namespace) as store:
                store.client.config_set("slowlog-log-slower-than", SLOW_US)
                store.client.config_set("slowlog-max-len", 1000)
                store.client.slowlog_reset()
                yield store, {"JOBBOARD_REDIS_URL": lease.url, "JOBBOARD_NAMESPACE": namespace}
                _slow(store)
        finally:
            await_end(home)


def _slow(store: Store) -> None:
    entries: Any = store.client.slowlog_get(1000)
    print(f"SLOWLOG at {SLOW_US:,} µs: {len(entries)} entries", flush=True)
    for entry in entries[:5]:
        print(f"  {entry['duration']:,} µs  {entry['command'][:80]!r}", flush=True)


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
