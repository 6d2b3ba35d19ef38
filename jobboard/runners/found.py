"""Where a worker finds the runners it is told to serve: in the project file, and among what is installed.

A package brings a runner as an entry point of the group ``jobboard.runners``: its name is the runner's, its
value a function that is called with the run, the map that a command gets as JSON on standard input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.jobs.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GROUP = "jobboard.runners"
OURS = {"console": Runner(call="jobboard.runners.console:show")}
"""Those that this package brings."""


def find_runners(names: Iterable[str], declared: Mapping[str, Runner]) -> dict[str, Runner]:
    """What is to be started for runs of each.

    Args:
        names: The runners.
        declared: Those of the project.

    Raises:
        errors.UsageError: One is not there.
    """
    return {name: _found(name, declared) for name in names}


def _found(name: str, declared: Mapping[str, Runner]) -> Runner:
    if name in declared and declared[name].argv:
        return declared[name]
    if name in declared and name in OURS:
        return OURS[name]
    # 30 ms, for those alone who serve a runner of a package.
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        return Runner(call=point.value)
    if name in declared:
        hint = f"install the package, or write  exec: [PROGRAM]  below  {name}:  in jobboard.yaml"
        raise errors.UsageError(f'no package here brings the runner "{name}"', hint)
    line = f"runners: {{{name}: {{exec: [PROGRAM]}}}}"
    hint = f"write  {line}  in jobboard.yaml, or install a package that brings it"
    raise errors.UsageError(f'there is no runner "{name}" here', hint)
