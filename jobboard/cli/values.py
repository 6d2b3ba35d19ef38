"""How the values of a job read in a plan: as the person who wrote the board would say them."""

from __future__ import annotations

import json
import shlex
from typing import Any

from jobboard.core.duration import format_duration
from jobboard.core.schedule_words import words

_SPANS = frozenset({"timeout", "kill_after"})
_SPAN_KEYS = frozenset({"delay", "max_delay", "jitter"})


def shown(path: str, value: Any) -> str:
    """A value of a path of a job, in words; ``-`` where there is none."""
    if value is None:
        return "-"
    name = path.partition(".")[0]
    if name in _SPANS:
        return format_duration(value)
    if name == "schedule":
        return words(value)
    if name == "command":
        return str(value["run"]) if "run" in value else shlex.join(value["exec"])
    if name in ("retries", "defer"):
        return ", ".join(f"{key} {_policy(key, part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _policy(key: str, part: Any) -> str:
    if key in _SPAN_KEYS and isinstance(part, int):
        return format_duration(part)
    return ",".join(map(str, part)) if isinstance(part, list | tuple) else str(part)
