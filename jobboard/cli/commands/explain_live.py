"""What Redis lays over a job that files explain: overrides, live edits, holds, runs that are passed over."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors

if TYPE_CHECKING:
    from jobboard.cli.commands.show_job import JobView
    from jobboard.cli.screen import Screen
    from jobboard.settings import Settings

_SAID = ("overrides", "drift", "holds", "skip")


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies over one job.

    Attributes:
        view: The job in Redis; None where it is not there.
        namespace: Where it was looked for.
    """

    view: JobView | None
    namespace: str

    def mark(self, path: str) -> str:
        """What follows a value of the file that is not the one in force; empty where it is."""
        if self.view is None:
            return ""
        if any(_covers(override.path, path) for override in self.view.facts.overrides):
            return "   (overridden)"
        return "   (edited live)" if any(_covers(field.path, path) for field in self.view.drift) else ""

    def write(self, screen: Screen) -> None:
        """Below the values: what is laid over them, by whom, why and until when."""
        if self.view is None:
            screen.line()
            screen.line(f"Namespace {self.namespace} does not hold this job: jobboard sync", "dim")
        elif lines := self._laid_over(screen):
            screen.line()
            screen.line(f"In Redis, namespace {self.namespace}", "bold")
            for line in lines:
                screen.folded(f"  {line}", "change", hang=4)

    def _laid_over(self, screen: Screen) -> list[str]:
        from jobboard.cli.commands.show_job_text import JobText

        return JobText(self.view, screen).laid_over() if self.view is not None else []

    def as_json(self) -> dict[str, Any]:
        """The same with stable keys, those of ``jobboard show JOB -o json``."""
        said = self.view.as_json() if self.view is not None else {}
        return {
            "namespace": self.namespace,
            "present": self.view is not None,
            **{name: said.get(name) or (None if name == "skip" else []) for name in _SAID},
        }


def read_laid(settings: Settings, address: str) -> Laid | None:
    """Read what lies over a job; None where that cannot be had, which is said on standard error.

    An embedded store that nobody has used yet is not started for it: it lays nothing over anything.
    """
    if settings.embedded and not settings.home.exists():
        return Laid(None, settings.namespace)
    from jobboard.cli.commands import show_job
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store

    try:
        with open_store(settings) as store:
            view = show_job.read(store, address, clocks.now_ms(store))
    except errors.UsageError:
        view = None
    except errors.JobboardError as error:
        sys.stderr.write(f"jobboard: what Redis lays over this job is not known: {error}\n")
        sys.stderr.write("          --files leaves Redis out\n")
        return None
    return Laid(view, settings.namespace)


def _covers(over: str, path: str) -> bool:
    return over == path or path.startswith(f"{over}.")
