"""Things that listen where a store should be, and are none we can use."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class FakePeer:
    """Answers whatever is sent with the same bytes; with none, says nothing and holds the line."""

    def __init__(self, reply: bytes | None) -> None:
        self._reply = reply
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread that accepts.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                while connection.recv(4096):
                    if self._reply is not None:
                        connection.sendall(self._reply)


def hello_of(version: str) -> bytes:
    """How a server of that version answers HELLO 3."""
    fields = {
        "server": "redis",
        "version": version,
        "proto": 3,
        "id": 1,
        "mode": "standalone",
        "role": "master",
    }
    parts = [f"%{len(fields)}\r\n"]
    for name, value in fields.items():
        parts.append(f"+{name}\r\n" + (f":{value}\r\n" if isinstance(value, int) else f"+{value}\r\n"))
    return "".join(parts).encode()
