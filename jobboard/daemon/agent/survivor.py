"""Tells the store that a worker is dead, so that its runs go on at once and not when its lease ends.

The agent, or its guard, turns into this program after it has ended every process tree of a runner that died.
Where the store is comes through a descriptor, since arguments and environments are there for anyone to read.
If the store does not answer for a while, the lease does the rest.
"""

from __future__ import annotations

import json
import socket
import sys
import threading

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.daemon.agent.guard import REPORTED
from jobboard.store.calls.connect import Store
from jobboard.store.runs.runs import Runs

_TRY_FOR_S = 60.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


def report(url: str, namespace: str, worker: str, *, try_for_s: float = _TRY_FOR_S) -> bool:
    """Tell the store, again and again until it answers; whether it did."""
    give_up_at_s = monotonic_s() + try_for_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            with Store(url, namespace, timeout_s=_LONGEST_PAUSE_S) as store:
                Runs(store).lost(worker)
        except (errors.StoreUnreachable, errors.StoreRefused):
            if monotonic_s() >= give_up_at_s:
                return False
            threading.Event().wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return True


def main() -> int:
    """Read url, namespace and worker from the descriptor named by the first argument, and report."""
    with socket.socket(fileno=int(sys.argv[1])) as shared:
        # Left there for the other one, who turns into this program when we are killed.
        told = json.loads(shared.recv(1 << 16, socket.MSG_PEEK))
    return REPORTED if report(told["url"], told["namespace"], told["worker"]) else 1


if __name__ == "__main__":
    sys.exit(main())
