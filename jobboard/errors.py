"""Every error a caller can meet, and the exit code it ends a command with.

::

    JobboardError                 1   something failed; the message says what
    ├── UsageError               64   the command line is wrong
    ├── InvalidBoards            65   a board does not hold together
    ├── StoreUnreachable         69   no server answered
    ├── StoreRefused              1   the server answered and would not
    │   ├── WrongFormat           1   the namespace was written by another major version
    │   ├── NotOurs               1   the server is too old, or is not what we can use
    │   ├── StoreFull             1   maxmemory is reached
    │   └── StoreReadOnly         1   a replica, or a user without the right
    ├── Conflict                  3   the file and Redis both changed, differently
    ├── Stale                     4   Redis moved between plan and sync
    ├── Refused                   5   refused for safety; a flag lifts it
    └── Interrupted             130   stopped by the user before anything was written

Every error carries a sentence (`message`) and, wherever there is one, the way out (`hint`): the next
command to type or the line to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.diagnostic import Diagnostic


class JobboardError(Exception):
    """Base of every error that is ours to explain.

    Args:
        message: One sentence for a person, without a trailing hint.
        hint: What to do next; None where nothing can be done.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(JobboardError):
    """The command line asks for something that makes no sense."""

    exit_code = 64


class InvalidBoards(JobboardError):
    """One or more boards are invalid; `diagnostics` names every fault of every file."""

    exit_code = 65

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = sum(d.severity == "error" for d in diagnostics)
        super().__init__(f"{count} error{'s' if count != 1 else ''} in the boards")
        self.diagnostics = tuple(diagnostics)

    def left_unwritten(self) -> None:
        """Have it said that nothing was written, where something would have been."""
        self.message += "; nothing was written"


class StoreUnreachable(JobboardError):
    """No server answered at the store's address."""

    exit_code = 69


class StoreRefused(JobboardError):
    """The server answered, and would not do what was asked."""


class WrongFormat(StoreRefused):
    """The namespace holds data of another major format."""


class NotOurs(StoreRefused):
    """The server cannot be used: too old, or not a Redis or Valkey."""


class StoreFull(StoreRefused):
    """The server's memory limit is reached and it refuses writes."""


class StoreReadOnly(StoreRefused):
    """The server is a replica, or the user may not write."""


class Conflict(JobboardError):
    """The file and Redis changed the same thing differently."""

    exit_code = 3


class Stale(JobboardError):
    """What was planned no longer matches what the store holds."""

    exit_code = 4


class Refused(JobboardError):
    """A guard stopped it; the hint names the flag that lifts the guard."""

    exit_code = 5


class Interrupted(JobboardError):
    """The user stopped it before anything was written."""

    exit_code = 130
