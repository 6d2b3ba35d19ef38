"""One key of a job, from what a person wrote to its canonical value.

Every reader takes a value of valid shape (the schema has seen to that), the path to it, and a list that it
adds its faults to; it returns the canonical value, or `BROKEN` where there is none. A reader knows its own
key and nothing of the others; what keys mean together is `core.jobs.resolve`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Fault, Path
from jobboard.core.jobs import handler, request
from jobboard.core.jobs.value.commands import (
    read_env,
    read_env_files,
    read_exec,
    read_inherit,
    read_limits,
    read_logs,
    read_run,
    read_text,
    read_umask,
    read_user,
)
from jobboard.core.jobs.value.plain import read_as_is, read_integer, read_map, read_set
from jobboard.core.jobs.value.relations import read_after, read_locks, read_needs
from jobboard.core.jobs.value.retrying import read_codes, read_defer, read_retries
from jobboard.core.jobs.value.spans import read_decay, read_duration, read_jitter, read_positive
from jobboard.core.jobs.value.when import read_cron, read_window, read_zone

Reader: TypeAlias = Callable[[Any, Path, list[Fault]], Any]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "run": read_run,
        "exec": read_exec,
        "http": request.read_request,
        "call": handler.read_call,
        "runner": read_as_is,
        "args": handler.read_arguments,
        "with": handler.read_named,
        "warm": read_as_is,
        "cwd": read_text,
        "env": read_env,
        "inherit": read_inherit,
        "shell": read_text,
        "stdin": read_as_is,
        "env_files": read_env_files,
        "user": read_user,
        "umask": read_umask,
        "nice": read_integer,
        "limits": read_limits,
        "logs": read_logs,
        "cron": read_cron,
        "seconds": read_as_is,
        "days": read_as_is,
        "every": read_positive,
        "delay": read_positive,
        # Instants wait for the zone they are local to.
        "at": read_as_is,
        "start": read_as_is,
        "stop": read_as_is,
        "after": read_after,
        "window": read_window,
        "needs": read_needs,
        "timezone": read_zone,
        "repeat": read_as_is,
        # What is left out waits for the zone and the calendars.
        "exclude": read_as_is,
        "on_exclude": read_as_is,
        "phase": read_duration,
        "decay": read_decay,
        "for": read_positive,
        "runs": read_integer,
        "jitter": read_jitter,
        "timeout": read_positive,
        "kill_after": read_duration,
        "heartbeat": read_positive,
        "start_within": read_positive,
        "finish_by": read_positive,
        "on_late": read_as_is,
        "expected_every": read_positive,
        "retries": read_retries,
        "on_lost": read_as_is,
        "on_disconnect": read_as_is,
        "defer": read_defer,
        "ok_exit": read_codes,
        "allow_failure": read_as_is,
        "locks": read_locks,
        "queue": read_as_is,
        "priority": read_integer,
        "overlap": read_as_is,
        "catchup": read_as_is,
        "late_after": read_positive,
        "catchup_window": read_positive,
        "tags": read_set,
        "description": read_as_is,
        "owner": read_as_is,
        "labels": read_map,
        "protected": read_as_is,
        "enabled": read_as_is,
    }
)


def read_keys(raw: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """Every key of a job or of a board's defaults in canonical form; None stays None."""
    read: dict[str, Any] = {}
    for key, value in raw.items():
        read[key] = value if value is None or value is BROKEN else READERS[key](value, (key,), faults)
    return read
