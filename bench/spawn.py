"""How fast the agent starts and reaps processes with their output captured, beside bare posix_spawn.

Run as ``python -m bench.spawn``. Both start ``/bin/true`` with the same number in flight, taking turns in
one run, so that a busy machine slows both. The reference does the least that can be done: no output, no
session, no working directory, no timeout.
"""

from __future__ import annotations

import os
import resource
import secrets
import select
import shutil
import statistics
import time

from jobboard.daemon.system import cgroup, tree
from jobboard.daemon.worker.process import AgentProcess

ROUNDS = 5
RUNS = 2000
IN_FLIGHT = 8
TRUE = shutil.which("true") or "/bin/true"


def bare_rate() -> float:
    """Processes a second, started by posix_spawn and reaped."""
    env = {"PATH": os.defpath}
    started = reaped = 0
    began_s = time.monotonic()
    while reaped < RUNS:
        while started < RUNS and started - reaped < IN_FLIGHT:
            os.posix_spawn(TRUE, [TRUE], env)
            started += 1
        os.wait()
        reaped += 1
    return RUNS / (time.monotonic() - began_s)


def agent_rate(agent: AgentProcess, instance: str, first: int) -> float:
    """Processes a second through the agent, each in a session of its own with its output read to the end."""
    channel = agent.channel
    poll = select.poll()
    poll.register(channel.sock, select.POLLIN)
    pipes: dict[str, int] = {}
    started = ended = 0
    began_s = time.monotonic()
    while ended < RUNS:
        while started < RUNS and started - ended < IN_FLIGHT:
            channel.put(order(instance, first + started))
            started += 1
        channel.flush()
        poll.poll()
        for message in channel.take():
            if message["type"] == "started":
                pipes[message["id"]] = message["fd"]
            elif message["type"] == "exited":
                ended += 1
                drain(pipes.pop(message["id"]))
    return RUNS / (time.monotonic() - began_s)


def drain(fd: int) -> None:
    """Read a pipe to its end."""
    while os.read(fd, 65536):
        pass
    os.close(fd)


def order(instance: str, number: int) -> dict[str, object]:
    """What the runner tells the agent to start."""
    return {
        "type": "spawn",
        "id": str(number),
        "argv": [TRUE],
        "env": {"PATH": os.defpath, "HOME": "/", "JOBBOARD_RUN_ID": "ops/true@2026-11-21T00:00:00Z"},
        "cwd": None,
        "stdin": None,
        "mark": tree.mark_of(instance, number),
        "timeout_ms": 600_000,
        "kill_after_ms": 10_000,
        "fenced": False,
    }


def main() -> None:
    """Print both rates and their ratio."""
    instance = secrets.token_hex(4)
    agent = AgentProcess(
        instance, {"url": "unix:///none", "namespace": "bench", "worker": "bench"}, cgroup.own()
    )
    agent_rates, bare_rates = [], []
    for turn in range(ROUNDS):
        bare_rates.append(bare_rate())
        agent_rates.append(agent_rate(agent, instance, turn * RUNS))
    agent.quit()
    ours, bare = statistics.median(agent_rates), statistics.median(bare_rates)
    print(f"posix_spawn, nothing captured  {bare:8,.0f} processes/s  (median of {ROUNDS} x {RUNS})")
    print(f"agent, output captured         {ours:8,.0f} processes/s")
    print(f"ratio                          {ours / bare:8.2f}      (goal: 0.80)")
    print(f"memory of the agent's side     {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss:8,} KiB")


if __name__ == "__main__":
    main()
