"""What commands say of themselves while they run, and how long they have said nothing.

A command finds in ``JOBBOARD_REPORT`` the address of a datagram socket and a key that is its own; `report`
is how it uses them. On Linux it also finds, in ``JOBBOARD_REPORT_FD``, the number of a descriptor that takes
lines of JSON without a key: a socket that no other process can have the name of. Whoever has neither is not
listened to. How far a run is goes to the store a few times a
second at most, however often it says so.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from jobboard.clock import monotonic_s
from jobboard.daemon.system import linux
from jobboard.report import LONGEST_BYTES, LONGEST_TEXT

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from jobboard.daemon.timers import Timers
    from jobboard.daemon.worker.attempt import Attempt

_PASS_ON_S = 0.2
_AT_ONCE = 100


class Reports:
    """The socket of one worker, and the attempts that may use it.

    Args:
        name: A random name for the socket.
        timers: Of the loop.
        pass_on: Is given an attempt whose `said` the store should hear of.
        silent: Is given an attempt that has been silent for longer than its job allows.

    Attributes:
        sock: To register with a selector; call `take` when it reads.
        address: What to put into ``JOBBOARD_REPORT``, before the key.
    """

    def __init__(
        self,
        name: str,
        timers: Timers,
        pass_on: Callable[[Attempt], None],
        silent: Callable[[Attempt], None],
    ) -> None:
        self._timers = timers
        self._pass_on = pass_on
        self._silent = silent
        self._attempts: dict[str, Attempt] = {}
        self._senders: dict[bytes, Attempt] = {}
        self._name = name
        self.sock: socket.socket
        self.address = ""

    def open(self) -> None:
        """Begin to listen."""
        self.sock, self.address = linux.open_datagram(f"jobboard-{self._name}")

    def close(self) -> None:
        """Listen no more."""
        self.sock.close()
        if not self.address.startswith("@"):
            os.unlink(self.address)  # noqa: PTH108 - a name, not a path that is worked with
            os.rmdir(os.path.dirname(self.address))  # noqa: PTH106, PTH120 - likewise

    def expect(self, attempt: Attempt) -> None:
        """An attempt is about to start: its first report may be here before we hear that it did."""
        self._attempts[attempt.key] = attempt
        self._senders[b"\0" + attempt.sender.encode()] = attempt

    def started(self, attempt: Attempt) -> None:
        """An attempt has started; its silence counts from now on."""
        attempt.heard_at_s = monotonic_s()
        self._watch(attempt)

    def over(self, attempt: Attempt) -> None:
        """An attempt is over."""
        self._attempts.pop(attempt.key, None)
        self._senders.pop(b"\0" + attempt.sender.encode(), None)

    def _watch(self, attempt: Attempt) -> None:
        """Look again when the attempt will have been silent for too long, if it says nothing until then."""
        span_ms = attempt.reserved.spec.get("heartbeat")
        if span_ms is None or attempt.key not in self._attempts:
            return
        at_s = attempt.heard_at_s + span_ms / 1000
        if monotonic_s() >= at_s:
            self._silent(attempt)
        else:
            self._timers.at(at_s, lambda: self._watch(attempt))

    def take(self) -> None:
        """Take what has been said."""
        for _ in range(_AT_ONCE):
            try:
                raw, sender = self.sock.recvfrom(LONGEST_BYTES)
            except BlockingIOError:
                return
            known = self._senders.get(sender) if isinstance(sender, bytes) else None
            for line in raw.splitlines() if known is not None else [raw]:
                self._hear(line, known)

    def _hear(self, raw: bytes, known: Attempt | None) -> None:
        try:
            message = json.loads(raw)
        except ValueError:
            return
        if isinstance(message, dict):
            key = message.get("key")
            attempt = self._attempts.get(key) if isinstance(key, str) else known
            if attempt is not None:
                self._note(attempt, message)

    def _note(self, attempt: Attempt, message: dict[str, Any]) -> None:
        attempt.heard_at_s = monotonic_s()
        said = attempt.said
        percent, text = message.get("percent"), message.get("text")
        for name in ("failure", "group"):
            if isinstance(message.get(name), str):
                setattr(said, name, message[name][:LONGEST_TEXT])
        if isinstance(percent, int) and 0 <= percent <= 100:
            said.percent = percent
        if isinstance(text, str):
            said.text = text[:LONGEST_TEXT]
        if (percent is not None or text is not None) and not said.fresh:
            said.fresh = True
            self._timers.at(said.next_at_s, lambda: self._tell(attempt))

    def _tell(self, attempt: Attempt) -> None:
        attempt.said.fresh = False
        attempt.said.next_at_s = monotonic_s() + _PASS_ON_S
        if attempt.key in self._attempts:
            self._pass_on(attempt)
