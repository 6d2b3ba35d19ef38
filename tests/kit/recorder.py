"""Programs that stand in for others: they write down how they were called, and do nothing else."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """\
#!{python} -S
import json, os, sys
call = {{"argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]], "env": dict(os.environ), "cwd": os.getcwd()}}
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
{then}
"""


@dataclass(frozen=True, slots=True)
class Call:
    """How a program was called."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str

    @property
    def asked_for(self) -> tuple[str, str, str]:
        """Which job called it, for which nominal, and the call as one line."""
        return self.env["JOBBOARD_JOB"], self.env["JOBBOARD_NOMINAL"], " ".join(self.argv)


class Recorder:
    """A folder of such programs, to be put first on a test's PATH.

    Attributes:
        path: A PATH with that folder first, and nothing on it that the test machine alone may have.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "recorded"
        self._folder.mkdir()
        self._calls = folder / "calls"
        self._calls.touch()
        self.path = os.pathsep.join((str(self._folder), "/usr/bin", "/bin"))

    def program(self, *names: str, then: str = "") -> None:
        """Stand in for programs; `then` is Python that each goes on with, its call once written."""
        for name in names:
            path = self._folder / name
            path.write_text(_PROGRAM.format(python=sys.executable, calls=str(self._calls), then=then))
            path.chmod(0o755)

    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        lines = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [Call(tuple(line["argv"]), line["env"], line["cwd"]) for line in lines]
