"""List what should have happened by now and has not: late runs, and jobs without a good run for too long.

jobboard incidents
jobboard incidents -o json

A run is late when it is not over by its job's finish_by; a job is overdue when none of its runs has ended
ok within its expected_every. Each is an event once, and is listed until it is right again. Exits 2 where
there is one, so that a monitor can ask.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_instant, brief_span
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.core.runs.facts import Incident

OPEN = 2
"""Exit code where an incident is open."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard incidents``."""


def execute(args: argparse.Namespace) -> int:
    """List them, the oldest first."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.incidents import read_incidents

    with open_store(Settings.from_args(args)) as store:
        found, now_ms = read_incidents(store), clocks.now_ms(store)
    if args.output == "json":
        print(json.dumps({"incidents": [_as_json(incident) for incident in found]}, indent=2))
    else:
        _show(found, now_ms)
    return OPEN if found else 0


def _show(found: Sequence[Incident], now_ms: int) -> None:
    screen = Screen()
    if not found:
        screen.line("Nothing is late, nothing is overdue.")
    widest = max((len(incident.subject) for incident in found), default=0)
    for incident in found:
        kind = screen.paint(f"{incident.kind:<7}", "error")
        since = f"since {brief_instant(incident.since_ms, None, now_ms)} UTC"
        ago = brief_span(max(0, now_ms - incident.since_ms))
        screen.line(f"{kind}  {incident.subject:<{widest}}  {since}, {ago} ago")
    if found:
        screen.line(f"  → jobboard why {found[0].subject}")


def _as_json(incident: Incident) -> dict[str, str | None]:
    return {
        "kind": incident.kind,
        "subject": incident.subject,
        "job": incident.job,
        "since": instant_json(incident.since_ms),
    }
