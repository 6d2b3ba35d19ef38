"""What a project's file says, for one environment; `source.projectfile` reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.diagnostic import KeyFault
from jobboard.source.files import PROJECT_FILE
from jobboard.source.placing import placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.core.diagnostic import Diagnostic, Fault
    from jobboard.core.jobs.runner import Runner
    from jobboard.core.rules import Level
    from jobboard.source.yamltree import Tree

FROM_ENVIRONMENT = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its file says it, for one environment.

    Attributes:
        shown: The file, as messages show it.
        environment: The environment that was picked; None if there is none.
        redis, namespace: The store of that environment; None where it names none. `store_url` is the address.
        watched: Whether every save may be synced to that store although others may rely on it.
        origin: What names the project where Git does not.
        log_url: Where else the output of runs is kept, with places as in `core.jobs.log_url`.
        variables: Name -> value, of the project, the environment and the command line.
        defaults, profiles: Read; what lies below the boards' own.
        queues: Queue -> what holds for jobs of it, read; it lies above the project's defaults.
        runners: Those of its own, by name.
        policies: What becomes of live edits, of the project and of the environment; see `core.jobs.policy`.
        lint: Rule -> level, where it is not the built-in one.
        meaning: A text that is equal for files that mean the same to every board, variables apart.
        tree: The file, for positions; None where there is none.
    """

    shown: str = PROJECT_FILE
    environment: str | None = None
    redis: str | None = None
    namespace: str | None = None
    watched: bool = False
    origin: str | None = None
    log_url: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    runners: Mapping[str, Runner] = field(default_factory=dict)
    policies: tuple[Mapping[str, Any], ...] = ()
    lint: Mapping[str, Level] = field(default_factory=dict)
    meaning: str = ""
    tree: Tree | None = field(default=None, repr=False, compare=False)

    def store_url(self, environ: Mapping[str, str]) -> str | None:
        """The store's address, with what it takes from the environment of the command.

        Raises:
            errors.UsageError: The environment lacks a variable.
        """
        for name in FROM_ENVIRONMENT.findall(self.redis or ""):
            if name not in environ:
                message = (
                    f'the environment "{self.environment}" needs {name} for its store, and it is not set'
                )
                raise errors.UsageError(
                    message, f"set it, as in  export {name}=…, or name a store with --redis"
                )
        return self.redis and FROM_ENVIRONMENT.sub(lambda match: environ[match[1]], self.redis)

    def diagnostic(self, fault: Fault) -> Diagnostic:
        """A fault, its path from the file's root, with its place."""
        assert self.tree is not None
        return placed(self.shown, self.tree, fault)

    def unused(self, extended: Iterable[frozenset[str]]) -> list[Diagnostic]:
        """What is to be said of profiles that no board extends, with their places.

        Args:
            extended: Of each board there is, the profiles its jobs extend.
        """
        if self.tree is None or not self.profiles:
            return []
        from jobboard.core.rules import judged
        from jobboard.source.silence import hushed

        used = frozenset[str]().union(*extended)
        found = [
            self.diagnostic(
                KeyFault(
                    ("profiles", name),
                    f'no job extends the profile "{name}"',
                    "Take it out",
                    "warning",
                    rule="unused-profile",
                )
            )
            for name in self.profiles
            if name not in used
        ]
        judged_here = list(judged(found, self.lint))
        return list(judged(hushed(self.shown, self.tree.text, judged_here, self.lint), self.lint))


NO_PROJECT = Project()
"""For boards without a project file, or with one that says nothing."""
