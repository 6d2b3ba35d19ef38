"""The rules that boards are warned by: their names, which never change, and what each is about.

A warning stops nothing. A project may turn a rule off or make an error of it, and a comment beside what is
meant as it is silences it there, with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jobboard.core.diagnostic import Diagnostic

Level: TypeAlias = Literal["off", "warn", "error"]

LEVELS: tuple[Level, ...] = ("off", "warn", "error")

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "never-runs": "a schedule that names no instant",
        "long-jitter": "a jitter longer than the interval",
        "day-ignored": "a day of the month that means nothing beside the weekdays",
        "listed-hours": "all hours listed one by one, so that none follows the clock when it changes",
        "gap-hour": "a time that the clock skips when summer time begins",
        "fold-hour": "a time that the clock repeats when summer time ends",
        "crowded": "very many jobs on one cron expression",
        "pile-up": "many jobs at minute 0 of one hour",
        "idle-retries": "retries that retry nothing",
        "lock-timeout": "a job that holds a lock and has no timeout",
        "lock-order": "two jobs that list the same locks in opposite order",
        "unused-profile": "a profile that no job extends",
        "silence-reason": "a silenced rule without a reason",
        "idle-silence": "a comment that silences nothing",
    }
)
"""Rule -> what it warns of. A name, once released, keeps its meaning."""


def judged(diagnostics: Iterable[Diagnostic], levels: Mapping[str, Level]) -> Iterator[Diagnostic]:
    """Diagnostics with each rule at its level: those of a rule that is off are left out."""
    for diagnostic in diagnostics:
        level = levels.get(diagnostic.rule, "warn") if diagnostic.rule else "warn"
        if level == "error":
            yield replace(diagnostic, severity="error")
        elif level == "warn":
            yield diagnostic
