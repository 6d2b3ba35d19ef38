"""What things may be called, and how a job is addressed.

A job's address is ``board/job``. Board, job, queue, lock, tag and namespace names share one grammar, so
that a name is safe in a key, a path, a URL and a shell word alike.
"""

from __future__ import annotations

import re

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
LOOSE = "loose"
"""The board of the jobs that are on no board, made and removed by hand: ``loose/cleanup``."""
ONE_OFF = "push"
"""The board in the addresses of one-off runs that no job stands behind: ``push/common@7f3a…``."""
RESERVED = frozenset({LOOSE, ONE_OFF})
"""What no board in a file may be called."""

_NAME = re.compile(NAME_PATTERN)
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_ADDRESS = re.compile(f"{NAME_PATTERN}/{NAME_PATTERN}")

NAME_RULE = "1 to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit"

QUEUE_RULE = f"{NAME_RULE}; or @HOST, for the workers of one host"


def is_name(text: object) -> bool:
    """Whether `text` is a string that may name a board, job, queue, lock, tag or namespace."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_queue(text: object) -> bool:
    """Whether `text` may name a queue: a name, or ``@HOST``, the queue of one host's workers; and with
    ``:RUNNER`` behind it, the queue beside it for one runner.
    """
    name, colon, runner = text.partition(":") if isinstance(text, str) else ("", "", "")
    return is_name(name.removeprefix("@")) and (not colon or is_name(runner))


def of_runner(queue: str, runner: str) -> str:
    """The queue beside another where the runs for one runner wait."""
    return f"{queue}:{runner}"


def plain_queue(queue: str) -> str:
    """The queue itself, where it is one for a runner: what that one is beside."""
    return queue.partition(":")[0]


def worker_for(queue: str) -> str:
    """What to type to have a queue served."""
    name, _, runner = queue.partition(":")
    wanted = ["jobboard worker", *([f"--queue {name}"] if name != "common" else [])]
    return " ".join([*wanted, *([f"--runner {runner}"] if runner else [])])


def queue_of_host(host: str) -> str:
    """The queue that only workers on this host serve; what no name may hold is a dash in it."""
    return f"@{_UNFIT.sub('-', host).lstrip('._-')[:100] or 'host'}"


def is_address(text: object) -> bool:
    """Whether `text` is a full job address, ``board/job``."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None


def address_of(board: str, job: str) -> str:
    """The address of a job, given its board's name and its own."""
    return f"{board}/{job}"


def split_address(address: str) -> tuple[str, str]:
    """Board and job of an address; the inverse of `address_of`."""
    board, _, job = address.partition("/")
    return board, job


def run_id_of(address: str, nominal: str) -> str:
    """The id of a scheduled run: ``board/job@2026-03-29T01:00:00Z`` (nominal: see `core.times.instant`)."""
    return f"{address}@{nominal}"


def split_run_id(run_id: str) -> tuple[str, str]:
    """Job address and the part after ``@`` of a run id."""
    address, _, suffix = run_id.partition("@")
    return address, suffix
