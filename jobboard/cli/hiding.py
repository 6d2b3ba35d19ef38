"""What of a job is not shown: values of its environment. Whoever looks at a job has no need of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.override import Override

MASKED = "***"
"""In place of such a value."""


def is_hidden(path: str) -> bool:
    """Whether what a path of a job says is not shown."""
    return path == "env" or path.startswith("env.")


def masked(spec: Spec) -> dict[str, Any]:
    """A spec whose environment shows names only."""
    hidden = {"env": dict.fromkeys(spec["env"], MASKED)} if "env" in spec else {}
    return {**spec, **hidden}


def masked_override(override: Override) -> Override:
    """An override, without its value where that is not shown."""
    hides = is_hidden(override.path) and override.value is not None
    return replace(override, value=MASKED) if hides else override
