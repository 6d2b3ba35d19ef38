"""Calls of a Python function through the agent: forked from a process that has its module loaded, or started.

The module imports what ten lines of a report would: json, http.client, decimal, csv. The reference is a
``python -c`` that calls the same, started one after another like ours. Beside the time it says what a call
costs of processor time, everything that was started included.
"""

from __future__ import annotations

import os
import resource
import secrets
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.spawn import drain, order
from jobboard.daemon import cgroup, tree
from jobboard.daemon.process import AgentProcess
from jobboard.runners.invocation import invocation

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
CALLS = 40
MODULE = "import csv, decimal, http.client, json\n\ndef build(region):\n    return 0\n"


class Calls:
    """Calls through one agent."""

    def __init__(self, folder: Path) -> None:
        self._instance = secrets.token_hex(4)
        told = {"url": "unix:///none", "namespace": "bench", "worker": "bench"}
        self.agent = AgentProcess(self._instance, told, cgroup.own())
        self._folder = folder
        self._number = 0
        self._poll = select.poll()
        self._poll.register(self.agent.channel.sock, select.POLLIN)

    def call(self, *, warm: bool) -> None:
        """One call, from the order to its end."""
        self._number += 1
        spec = {"command": {"call": "daily:build"}, "with": {"region": "eu"}}
        called = invocation(spec, lambda *_: "", {}, {})
        env = {"PATH": os.defpath, "HOME": "/"}
        told = {"argv": called.argv, "stdin": called.stdin, "cwd": str(self._folder), "env": env}
        self.agent.channel.put(
            {**order(self._instance, self._number), **told, "fork": called.fork if warm else None}
        )
        self.agent.channel.flush()
        output = -1
        while True:
            self._poll.poll()
            for message in self.agent.channel.take():
                if message["type"] == "started":
                    output = message["fd"]
                elif message["type"] == "exited":
                    assert message["code"] == 0, os.read(output, 4096)
                    drain(output)
                    return


def plain(folder: Path) -> None:
    """The reference."""
    command = [sys.executable, "-c", "import daily; daily.build('eu')"]
    subprocess.run(command, cwd=folder, check=True)


def measured(call: Callable[[], None], others_s: Callable[[], float]) -> tuple[float, float]:
    """Milliseconds a call, and of processor time."""
    cpu_s, began_s = others_s(), time.monotonic()
    for _ in range(CALLS):
        call()
    return 1000 * (time.monotonic() - began_s) / CALLS, 1000 * (others_s() - cpu_s) / CALLS


def main() -> None:
    """Print all three."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "daily.py").write_text(MODULE)
        calls = Calls(folder)

        def below_s() -> float:
            return _agent_s(calls.agent.guard_pid)

        def children_s() -> float:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime

        for _ in range(20):  # the first starts a fork server, which is not awaited
            calls.call(warm=True)
        rows: dict[str, list[tuple[float, float]]] = {"python -c": [], "started": [], "forked": []}
        for _ in range(ROUNDS):
            rows["python -c"].append(measured(lambda: plain(folder), children_s))
            rows["started"].append(measured(lambda: calls.call(warm=False), below_s))
            rows["forked"].append(measured(lambda: calls.call(warm=True), below_s))
        calls.agent.quit()
    for label, found in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{label:10} {wall:7.1f} ms a call {cpu:7.1f} ms of processor time")


def _agent_s(guard: int) -> float:
    """Processor time of the agent, of all it has reaped, and of its fork servers."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in tree.below(guard):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / ticks


if __name__ == "__main__":
    main()
