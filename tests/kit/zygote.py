"""Commands as processes of their own that start in milliseconds and can be killed.

Run as a program it waits for commands on its input, with everything they need imported, and forks for each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class Zygote:
    """Starts ``jobboard`` commands by forking a process in which it is loaded already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def start(self, *words: str, cwd: Path, environment: Mapping[str, str]) -> None:
        """Start a command; `pid` is its process until the next one."""
        told = {"words": words, "cwd": str(cwd), "env": dict(environment), "out": str(self._folder)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        self.pid = self._line()

    def go(self) -> tuple[int, str, str]:
        """Let the command begin and wait for its end: its exit code (-9 when killed), what it printed."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        code = self._line()
        return code, (self._folder / "out").read_text(), (self._folder / "err").read_text()

    def kill(self) -> None:
        """SIGKILL for the command that was started last."""
        os.kill(self.pid, signal.SIGKILL)

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    from jobboard.cli.commands import sync  # noqa: F401 # loaded for the children
    from jobboard.cli.main import main as command
    from jobboard.cli.plans import text as plan_text  # noqa: F401 # loaded for the children
    from jobboard.reconcile import applying, around, planning  # noqa: F401 # likewise
    from jobboard.store.calls import connect  # noqa: F401 # likewise

    while line := sys.stdin.readline():
        told: dict[str, Any] = json.loads(line)
        begin, let = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(let)
            os.read(begin, 1)
            os.chdir(told["cwd"])
            os.environ.update(told["env"])
            for name, number in (("out", 1), ("err", 2)):
                file = os.open(Path(told["out"]) / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(file, number)
            os._exit(command(told["words"]))
        os.close(begin)
        tell(pid)
        sys.stdin.readline()
        os.close(let)
        tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
