"""Where else a run's output is kept: an address with places for what tells the run from others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from jobboard.core.runs.record import Record

PLACES = ("run", "board", "job", "attempt", "worker")
_PLACE = re.compile(r"\{([^{}]*)\}")


def unknown_place(template: str) -> str | None:
    """The first place of a template that nothing is known for; None for a good one."""
    return next((name for name in _PLACE.findall(template) if name not in PLACES), None)


def address_of(template: str, run: Record) -> str:
    """The address for a run; what is filled in is percent-encoded (RFC 3986)."""
    board, _, job = run.job.partition("/")
    values = {
        "run": run.run_id,
        "board": board,
        "job": job,
        "attempt": str(run.attempt),
        "worker": run.worker or "",
    }
    return _PLACE.sub(lambda place: quote(values[place[1]], safe=""), template)
