"""Stands between a command and its server, and does to their talk what networks and power cuts do."""

from __future__ import annotations

import select
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

When = Literal["asked", "answered"]


@dataclass(slots=True)
class Cut:
    """What happens at one call, and never again.

    Attributes:
        call: Which call, from 1.
        when: ``asked``: before the server has it. ``answered``: when it has done it, before that is known.
        act: What to do; the connection is dropped afterwards.
    """

    call: int
    when: When
    act: Callable[[], object] = field(default=lambda: None)


class Proxy:
    """A Unix socket in front of a server's, for clients that wait for each answer.

    A call begins with the first bytes a client sends after an answer.

    Attributes:
        url: Where clients connect.
        calls: How many calls there have been, on all connections.
    """

    def __init__(self, socket_path: Path, folder: Path, cut: Cut | None = None) -> None:
        self._behind = str(socket_path)
        self._cut = cut
        self.calls = 0
        path = folder / "p"
        path.unlink(missing_ok=True)
        self.url = f"unix://{path}"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(8)
        self._told, self._teller = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="proxy")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._teller.send(b"x")
        self._thread.join()
        for each in (self._told, self._teller, self._listening):
            each.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._listening, self._told], [], [])
            if self._told in ready:
                return
            client, _ = self._listening.accept()
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(self._behind)
                if not self._pass_on(client, server):
                    return

    def _pass_on(self, client: socket.socket, server: socket.socket) -> bool:
        """Carry bytes both ways until one side ends it, or the cut; False when the test has ended."""
        asking = False
        while True:
            ready, _, _ = select.select([client, server, self._told], [], [])
            if self._told in ready:
                return False
            source, target = (client, server) if client in ready else (server, client)
            when: When = "asked" if source is client else "answered"
            try:
                part = source.recv(1 << 20)
            except ConnectionError:
                return True
            if not part:
                return True
            if source is client and not asking:
                self.calls += 1
            asking = source is client
            cut = self._cut
            if cut is not None and (cut.call, cut.when) == (self.calls, when):
                self._cut = None
                cut.act()
                return True
            target.sendall(part)
