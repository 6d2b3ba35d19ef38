"""What code under test reports of itself, as a worker would hear it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.daemon.system import linux
from jobboard.report import LONGEST_BYTES, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """One call of `progress` that said how far it is.

    Attributes:
        percent: How far; None where it did not say.
        text: What it is doing; empty where it did not say.
    """

    percent: int | None
    text: str


class Recorder:
    """Listens where ``JOBBOARD_REPORT`` points, until it is closed.

    Attributes:
        address: What to put into ``JOBBOARD_REPORT``.
    """

    def __init__(self) -> None:
        self._key = secrets.token_hex(8)
        self._sock, place = linux.open_datagram(f"jobboard-test-{secrets.token_hex(8)}")
        self._sock.setblocking(True)  # noqa: FBT003 - positional by the library's signature
        self.address = f"{place}#{self._key}"
        self._place = place
        self._reports: list[Report] = []
        self._said: dict[str, str] = {}
        self._marks: dict[str, threading.Event] = {}
        self._thread = threading.Thread(target=self._listen, name="recorder", daemon=True)
        self._thread.start()

    @property
    def reports(self) -> tuple[Report, ...]:
        """What was reported so far, the first first."""
        self._catch_up()
        return tuple(self._reports)

    @property
    def failure(self) -> str:
        """What would be said of the run if it failed; empty for nothing."""
        self._catch_up()
        return self._said.get("failure", "")

    @property
    def group(self) -> str:
        """Which group of failures that would count to; empty for none."""
        self._catch_up()
        return self._said.get("group", "")

    def close(self) -> None:
        """Listen no more; what was recorded stays."""
        if self._thread.is_alive():
            self._send({"end": True})
            self._thread.join()
            self._sock.close()
            if not self._place.startswith("@"):
                os.unlink(self._place)  # noqa: PTH108 - a name, not a path that is worked with
                os.rmdir(os.path.dirname(self._place))  # noqa: PTH106, PTH120 - likewise

    def _catch_up(self) -> None:
        """Wait until all is heard that was said before now."""
        if self._thread.is_alive():
            mark = secrets.token_hex(8)
            heard = self._marks[mark] = threading.Event()
            self._send({"mark": mark})
            heard.wait(_PATIENCE_S)

    def _send(self, message: dict[str, Any]) -> None:
        address = "\0" + self._place[1:] if self._place.startswith("@") else self._place
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(json.dumps({"key": self._key, **message}).encode(), address)

    def _listen(self) -> None:
        while True:
            try:
                message = json.loads(self._sock.recv(LONGEST_BYTES))
            except ValueError:
                continue
            if not isinstance(message, dict) or message.get("key") != self._key:
                continue
            if "end" in message:
                return
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("mark") in self._marks:
            self._marks.pop(message["mark"]).set()
        self._said.update((name, message[name]) for name in ("failure", "group") if name in message)
        if "percent" in message or "text" in message:
            self._reports.append(Report(message.get("percent"), message.get("text", "")))


@contextmanager
def record() -> Iterator[Recorder]:
    """Hear what is reported in the block, by this process and those it starts."""
    recorder = Recorder()
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = recorder.address
    try:
        yield recorder
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        recorder.close()
