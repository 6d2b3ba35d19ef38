"""Calls of a Python function through the agent: forked from a process that has its module loaded, or started.

The module imports what ten lines of a report would: json, http.client, decimal, csv. The references are a
``python -c`` that calls the same, and the least that a fork can be: of this process, which has the module
loaded, with its output read to the end. All are made one after another. Beside the time it says what a call
costs of processor time, everything that was started included.
"""

from __future__ import annotations

import importlib
import os
import secrets
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import processor_s, processor_s_below
from bench.spawn import drain, order
from jobboard.daemon.system import cgroup
from jobboard.daemon.worker.process import AgentProcess
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


def bare(build: Callable[[str], int]) -> None:
    """The other reference."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(write_end, 1)
        os._exit(build("eu"))
    os.close(write_end)
    drain(read_end)
    os.waitpid(pid, 0)


def measured(call: Callable[[], None], others_s: Callable[[], float]) -> tuple[float, float]:
    """Milliseconds a call, and of processor time."""
    cpu_s, began_s = others_s(), time.monotonic()
    for _ in range(CALLS):
        call()
    return 1000 * (time.monotonic() - began_s) / CALLS, 1000 * (others_s() - cpu_s) / CALLS


def main() -> None:
    """Print all four."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "daily.py").write_text(MODULE)
        sys.path.insert(0, name)
        build = importlib.import_module("daily").build
        calls = Calls(folder)

        def below_s() -> float:
            return processor_s_below(calls.agent.guard_pid)

        for _ in range(20):  # the first starts a fork server, which is not awaited
            calls.call(warm=True)
        rows: dict[str, list[tuple[float, float]]] = {
            "python -c": [],
            "started": [],
            "bare fork": [],
            "forked": [],
        }
        for _ in range(ROUNDS):
            rows["python -c"].append(measured(lambda: plain(folder), processor_s))
            rows["bare fork"].append(measured(lambda: bare(build), processor_s))
            rows["started"].append(measured(lambda: calls.call(warm=False), below_s))
            rows["forked"].append(measured(lambda: calls.call(warm=True), below_s))
        calls.agent.quit()
    for label, found in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{label:10} {wall:7.1f} ms a call {cpu:7.1f} ms of processor time")


if __name__ == "__main__":
    main()
