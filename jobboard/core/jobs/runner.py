"""Runners of a project's own: programs that run what jobs with `runner` say below `with`.

Runs for such a runner stand in queues of their own, ``QUEUE:RUNNER``, which only workers that serve the
runner take runs from. So a worker never gets a run that it cannot start, and a runner that nobody serves is
seen as any queue is that nobody serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.model import effective
from jobboard.core.names import of_runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec

Answers: TypeAlias = Literal["exit", "lines"]


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner as a project declares it, or as a package brings it.

    Attributes:
        argv: The command; empty for one that a package brings.
        answers: How it says how a run ended: by its exit code, or by lines of JSON as well.
        call: The function of a package; empty for a command.
    """

    argv: tuple[str, ...] = ()
    answers: Answers = "exit"
    call: str = ""


def declared(runners: Mapping[str, Any]) -> dict[str, Runner]:
    """The runners of a project file, whose shape is valid."""
    return {
        name: Runner(tuple(map(str, keys.get("exec", ()))), keys.get("answers", "exit"))
        for name, keys in runners.items()
    }


def queue_of(spec: Spec) -> str:
    """The queue that the runs of a job wait in."""
    queue: str = effective(spec, "queue")
    runner = spec.get("command", {}).get("runner")
    return of_runner(queue, runner) if runner else queue


def check_runner(spec: Spec, known: Mapping[str, Runner]) -> Fault | None:
    """What is wrong with the runner of a job: the project has none of that name."""
    name = spec.get("command", {}).get("runner")
    if name is None or name in known:
        return None
    near = get_close_matches(name, known, n=1)
    hint = f'Did you mean "{near[0]}"?' if near else f"Write  runners: {{{name}: {{exec: [PROGRAM]}}}}"
    where = "" if near else "  in jobboard.yaml"
    return Fault(("runner",), f'there is no runner "{name}"', hint + where)
