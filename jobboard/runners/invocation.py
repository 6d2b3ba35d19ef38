"""What is started for a job: its own command, or a small program of ours that is told on standard input what
to do.

So that timeouts, limits, output and reports are the same for all, everything is a process. The programs are
in this package; `start` finds them wherever the run's environment and directory point.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.core import launch, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.model import Spec

_START = str(Path(__file__).with_name("start.py"))
_ALONE = ("-I", "-S")
"""Python without anything of the user's or of the site: half the start, and nothing can get in between."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What to start.

    Attributes:
        argv: The words.
        stdin: What it reads; None for nothing at all.
        secrets: Values in it that came from references, to be masked in captured output.
    """

    argv: list[str]
    stdin: str | None
    secrets: tuple[str, ...] = ()


def invocation(spec: Spec, resolve: launch.Resolve) -> Invocation:
    """What to start for a job.

    Raises:
        launch.Unresolvable: A reference in a request has no value here.
        KeyError: The command is of a kind that this version does not know.
    """
    command = spec["command"]
    if "http" in command:
        sent, secrets = request.ready(command["http"], spec.get("stdin"), resolve)
        return _ours("http", sent, tuple(secrets), *_ALONE)
    if "call" in command:
        return _ours("call", called(spec))
    return Invocation(launch.argv_of(spec), spec.get("stdin"))


def called(spec: Spec) -> dict[str, object]:
    """What a `call` job calls, and with what."""
    return {
        "call": spec["command"]["call"],
        "args": spec.get("args", []),
        "with": spec.get("with", {}),
        "stdin": spec.get("stdin"),
    }


def _ours(
    program: str, told: Mapping[str, object], secrets: tuple[str, ...] = (), *options: str
) -> Invocation:
    return Invocation([sys.executable, *options, _START, program], json.dumps(told), secrets)
