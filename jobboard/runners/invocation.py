"""What is started for a job: its own command, or a small program of ours that is told on standard input what
to do.

So that timeouts, limits, output and reports are the same for all, everything is a process. The programs are
in this package; `start` finds them wherever the run's environment and directory point.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.core.jobs import launch, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.runner import Runner

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
        fork: Program and module that a process may have loaded before, to be forked for this; None for none.
    """

    argv: list[str]
    stdin: str | None
    secrets: tuple[str, ...] = ()
    fork: tuple[str, str] | None = None


def invocation(
    spec: Spec, resolve: launch.Resolve, env: Mapping[str, str], runners: Mapping[str, Runner]
) -> Invocation:
    """What to start for a job.

    Args:
        spec: The job.
        resolve: How a reference gets its value.
        env: The environment of the run.
        runners: Those of the project's own that are served here.

    Raises:
        launch.Unresolvable: A reference in a request has no value here, or the runner is not served here.
        KeyError: The command is of a kind that this version does not know.
    """
    command = spec["command"]
    if "http" in command:
        sent, secrets = request.ready(command["http"], spec.get("stdin"), resolve)
        return replace(_ours("http", sent, tuple(secrets), *_ALONE), fork=("http", ""))
    if "call" in command:
        return _calling(called(spec))
    if "runner" in command:
        return _of_runner(command["runner"], _as_told(spec, env), runners)
    return Invocation(launch.argv_of(spec), spec.get("stdin"))


def _of_runner(name: str, told: dict[str, object], runners: Mapping[str, Runner]) -> Invocation:
    if name not in runners:
        raise launch.Unresolvable(f'this worker serves no runner "{name}"')
    runner = runners[name]
    if runner.call:
        return _calling({"call": runner.call, "args": [told], "with": {}, "stdin": told["stdin"]})
    around = [] if runner.answers == "exit" else [sys.executable, *_ALONE, _START, "answers"]
    return Invocation([*around, *runner.argv], json.dumps(told))


def _as_told(spec: Spec, env: Mapping[str, str]) -> dict[str, object]:
    """A run as its runner is told of it."""
    return {
        "run": env["JOBBOARD_RUN_ID"],
        "job": env["JOBBOARD_JOB"],
        "nominal": env["JOBBOARD_NOMINAL"],
        "attempt": int(env["JOBBOARD_ATTEMPT"]),
        "fence": int(env["JOBBOARD_FENCE"]),
        "queue": env["JOBBOARD_QUEUE"],
        "runner": spec["command"]["runner"],
        "with": spec.get("with", {}),
        "stdin": spec.get("stdin"),
    }


def called(spec: Spec) -> dict[str, object]:
    """What a `call` job calls, and with what."""
    return {
        "call": spec["command"]["call"],
        "args": spec.get("args", []),
        "with": spec.get("with", {}),
        "stdin": spec.get("stdin"),
    }


def _calling(told: Mapping[str, object]) -> Invocation:
    return replace(_ours("call", told), fork=("call", str(told["call"]).partition(":")[0]))


def _ours(
    program: str, told: Mapping[str, object], secrets: tuple[str, ...] = (), *options: str
) -> Invocation:
    return Invocation([sys.executable, *options, _START, program], json.dumps(told), secrets)
