"""The run of a CI service that a command is part of: which of two came later is seen by their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The variable with the number, which grows with every run, and those that name what is counted.
_COUNTERS: Sequence[tuple[str, Sequence[str]]] = (
    ("GITHUB_RUN_NUMBER", ("GITHUB_REPOSITORY", "GITHUB_WORKFLOW")),
    ("CI_PIPELINE_IID", ("CI_PROJECT_PATH",)),
    ("BUILDKITE_BUILD_NUMBER", ("BUILDKITE_ORGANIZATION_SLUG", "BUILDKITE_PIPELINE_SLUG")),
    ("CIRCLE_BUILD_NUM", ("CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME")),
    ("BITBUCKET_BUILD_NUMBER", ("BITBUCKET_REPO_FULL_NAME",)),
    ("DRONE_BUILD_NUMBER", ("DRONE_REPO",)),
    ("CI_PIPELINE_NUMBER", ("CI_REPO",)),
    ("BUILD_NUMBER", ("JOB_NAME",)),
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One run of a CI service.

    Attributes:
        counter: What is counted; numbers of different counters say nothing about each other.
        number: The how-manieth run it is. A run that is started again keeps its number.
    """

    counter: str
    number: int


def pipeline_of(environ: Mapping[str, str]) -> Pipeline | None:
    """The run that a command with this environment is part of; None outside of the services known here."""
    for variable, names in _COUNTERS:
        number = environ.get(variable, "")
        named = [environ.get(name, "") for name in names]
        if number.isdecimal() and all(named):
            return Pipeline("/".join([variable, *named]), int(number))
    return None
