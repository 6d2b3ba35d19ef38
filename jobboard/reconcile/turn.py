"""A sync's turn: tries that others overtake are told apart from a store in which it never gets its turn.

A commit is refused when somebody wrote one of its boards since it was read, and a sync of thousands of jobs
takes longer than a busy store leaves between two live edits. So from the second refusal on it keeps live
edits waiting for about as long as a try takes. Other syncs are not kept waiting: of those one always commits.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from jobboard import errors
from jobboard.store.boards import staging
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

PATIENCE = 2
"""Refused commits after which live edits are kept waiting."""


class Turn:
    """Counts the tries of one sync; whoever leaves it lets live edits go on.

    Attributes:
        sync: Whose commit ends the quiet; None while there is none.
    """

    def __init__(self, store: Store) -> None:
        self.sync: str | None = None
        self._store = store
        self._missed = 0
        self._since_ms = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.sync is not None:
            # The lease ends by itself should the store be gone; what is raised already says more.
            with suppress(errors.JobboardError):
                staging.end_quiet(self._store, self.sync)

    def missed(self) -> None:
        """A commit was refused, and another try begins now."""
        self._missed += 1
        if self._missed >= PATIENCE:
            self.sync = self.sync or secrets.token_hex(8)
            staging.keep_quiet(self._store, self.sync, since_ms=self._since_ms)
        self._since_ms = clocks.now_ms(self._store)
