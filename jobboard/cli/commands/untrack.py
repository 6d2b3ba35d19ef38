"""End the tracking of a run: the bounds of the history hold for it again.

jobboard untrack push/mail@4711
jobboard untrack backup                    the job's latest run
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.commands import track
from jobboard.cli.commands.track import configure

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "execute"]


def execute(args: argparse.Namespace) -> int:
    """Let it go, and say so."""
    return track.execute(args, tracked=False)
