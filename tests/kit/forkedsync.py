"""One plan, applied by as many processes as a test likes, each killed where it is told to be.

Run as a program it reads the boards and plans once, then forks for each line ``CALL WHEN`` on its input: the
child connects anew, applies the plan, and is killed at its call. So a sync of thousands of jobs costs no more
than what it writes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER = 0


class ForkedSync:
    """A plan of the boards in a folder as they are now, to be applied again and again."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "planned"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def apply(self, call: int = NEVER, when: str = "asked") -> tuple[int, int]:
        """Apply the plan in a process of its own, killed at a call: before it is sent, or once answered.

        Returns:
            How it ended (-9 when killed), and how many calls it came to; 0 when killed.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{call} {when}\n")
        self._process.stdin.flush()
        code, calls = self._line().split()
        return int(code), int(calls)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main() -> None:
    from jobboard.cli import project
    from jobboard.reconcile.applying import apply
    from jobboard.reconcile.planning import make_plan
    from jobboard.reconcile.sources import Options
    from jobboard.store.calls.connect import Store
    from jobboard.store.calls.direct import Direct

    where = os.environ["JOBBOARD_REDIS_URL"], os.environ["JOBBOARD_NAMESPACE"]
    sources = project.read_sources([], Path.cwd())
    with Store(*where) as store:
        planned = make_plan(store, sources, Options())
    tell("planned")
    for line in sys.stdin:
        call, when = line.split()
        told, tells = os.pipe()
        pid = os.fork()
        if pid == 0:
            counted = cut_at(Direct, int(call), when)
            with Store(*where) as store:
                apply(store, planned, {"actor": "ana", "via": "test"})
            os.write(tells, str(counted[0]).encode())
            os._exit(0)
        os.close(tells)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tell(f"{code} {os.read(told, 20).decode() or 0}")
        os.close(told)


def cut_at(connection: Any, call: int, when: str) -> list[int]:
    """Have this process killed at a call; the calls are counted in what is returned."""
    count = [0]
    ask = connection.ask

    def asked(self: Any, *commands: Any) -> Any:
        count[0] += 1
        if (count[0], when) == (call, "asked"):
            os.kill(os.getpid(), signal.SIGKILL)
        found = ask(self, *commands)
        if (count[0], when) == (call, "answered"):
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    connection.ask = asked
    return count


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
