"""Make a job that is on no board, unless there is one of that name. Otherwise as jobboard put.

jobboard create cleanup 'cron=0 3 * * *' -- find /tmp -mtime +7 -delete
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.cli.commands.put import TAKES_COMMAND, configure, put

if TYPE_CHECKING:
    import argparse

__all__ = ["TAKES_COMMAND", "configure", "execute"]


def execute(args: argparse.Namespace) -> int:
    """Write it, where it is new."""
    return put(args, create=True)
