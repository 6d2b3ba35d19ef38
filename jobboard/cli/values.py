"""How the values of a job read in a plan: as the person who wrote the board would say them.

Whatever a board holds is printed with nothing in it that could move a terminal's cursor.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from jobboard.core.diagnostic import visible
from jobboard.core.jobs import request
from jobboard.core.jobs.model import UNLIMITED
from jobboard.core.jobs.written import SPANS, SPANS_WITHIN
from jobboard.core.size import format_size
from jobboard.core.times.duration import format_duration
from jobboard.core.times.schedule_words import words

LONG = 60
"""Values wider than this are shown a line each."""


def shown(path: str, value: Any) -> str:
    """A value of a path of a job, in words, on one line; ``-`` where there is none."""
    return visible(" ⏎ ".join(_text(path, value).rstrip("\n").split("\n")))


def brief(text: str) -> str:
    """A text cut to what fits beside others."""
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def as_written(path: str, value: Any) -> list[str]:
    """A value line by line; structured ones in full, where `shown` may leave something out."""
    if isinstance(value, dict) and path == "command" and "http" in value:
        return [visible(line) for line in request.lines_of(value["http"])]
    if isinstance(value, dict) and "run" not in value:
        return [visible(f"{key}: {json.dumps(value[key], ensure_ascii=False)}") for key in sorted(value)]
    return [visible(line) for line in _text(path, value).rstrip("\n").split("\n")]


def _text(path: str, value: Any) -> str:
    if value is None:
        return "-"
    name = path.partition(".")[0]
    if name in SPANS:
        return format_duration(value)
    if name == "schedule":
        return words(value)
    if name == "command":
        return _command(value)
    if name in ("retries", "defer"):
        return ", ".join(f"{key} {_policy(name, key, part)}" for key, part in value.items())
    if name == "overlap" and isinstance(value, dict):
        return f"allow {value['allow']}"
    if name == "needs":
        return _needs(path.partition(".")[2], value)
    if name == "limits":
        return _limits(path.partition(".")[2], value)
    if name == "logs":
        return _logs(path.partition(".")[2], value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _command(value: Any) -> str:
    if "run" in value:
        return str(value["run"])
    if "exec" in value:
        return shlex.join(value["exec"])
    if "http" in value:
        return request.words_of(value["http"])
    (kind,) = value
    return f"{kind} {value[kind]}"


def _needs(job: str, value: Any) -> str:
    if not job:
        return ", ".join(f"{name} ({_needs(name, said)})" for name, said in value.items())
    said = {key: format_duration(part) if key == "timeout" else part for key, part in value.items()}
    fresh = said.pop("fresh", "latest")
    return ", ".join([fresh, *(f"{key} {part}" for key, part in said.items())])


def _limits(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_limits(name, part)}" for name, part in value.items())
    return format_duration(value) if key == "cpu" else format_size(value)


def _logs(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_logs(name, part)}" for name, part in value.items())
    if key in SPANS_WITHIN["logs"]:
        return format_duration(value)
    if key == "max_size":
        return format_size(value)
    return value if isinstance(value, str) else json.dumps(value)


def _policy(name: str, key: str, part: Any) -> str:
    if key == "max" and part == UNLIMITED:
        return "unlimited"
    if key in SPANS_WITHIN[name] and isinstance(part, int):
        return format_duration(part)
    if isinstance(part, bool):
        return "yes" if part else "no"
    return ",".join(map(str, part)) if isinstance(part, list | tuple) else str(part)
