"""For Python code that runs as a job: which run it is, how far it is, and how it fails.

from jobboard.job import Failed, current, progress

It needs neither the store nor anything but the standard library, and is as good in a command that a job runs
as in a function that a job calls.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

from jobboard.report import progress

__all__ = ["Failed", "Run", "current", "progress"]


class Failed(Exception):
    """Raised by a function that a job calls: the run has failed, for this reason.

    Args:
        message: What to say of the run; the first 200 characters count.
        group: Which group of failures to count it with.
        exit_code: What retries and `defer` go by, 1 to 255; 75 asks to come back later.

    Raises:
        ValueError: The exit code is none of a failure.
    """

    def __init__(self, message: str, *, group: str = "", exit_code: int = 1) -> None:
        if not 1 <= exit_code <= 255:
            raise ValueError(f"{exit_code} is no exit code of a failure; write 1 to 255")
        super().__init__(message)
        self.message = message
        self.group = group
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Run:
    """The run that this process is.

    Attributes:
        run_id: Its id.
        address: The job, as ``board/job``.
        nominal: The instant it is for, with its zone (UTC).
        attempt: Which try this is; the first is 1.
        queue: Where it waited.
        fence: Grows with every attempt in the namespace: what a store of yours can tell an outdated one by.
        payload: What the run was pushed with, where that is small; longer ones are on standard input.
    """

    run_id: str
    address: str
    nominal: datetime
    attempt: int
    queue: str
    fence: int
    payload: str | None = None


def current() -> Run | None:
    """The run that this process belongs to; None where no worker started it."""
    run_id = os.environ.get("JOBBOARD_RUN_ID")
    if not run_id:
        return None
    return Run(
        run_id,
        os.environ["JOBBOARD_JOB"],
        datetime.fromisoformat(os.environ["JOBBOARD_NOMINAL"]),
        int(os.environ["JOBBOARD_ATTEMPT"]),
        os.environ["JOBBOARD_QUEUE"],
        int(os.environ["JOBBOARD_FENCE"]),
        os.environ.get("JOBBOARD_PAYLOAD"),
    )
