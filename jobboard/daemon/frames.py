"""Messages between runner and agent: JSON frames over a socket pair, some with a descriptor.

A frame is four bytes of length, big-endian, and that many bytes of JSON. A descriptor travels with a byte of
its frame or of one before (SCM_RIGHTS), so it is here before the frame is whole. Neither side ever blocks on
the other: what does not fit the socket waits in a queue.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections import deque
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

_LENGTH_BYTES = 4
_READ_BYTES = 1 << 16
_FDS_A_READ = 64

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


class Channel:
    """One end of the socket pair.

    Attributes:
        sock: To register with a selector; non-blocking.
        open: False once the other end is gone. What it sent before that is still taken.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self.sock = sock
        self.open = True
        self._out: deque[tuple[bytes, int | None]] = deque()
        self._in = bytearray()
        self._fds: deque[int] = deque()

    def put(self, message: Message, fd: int | None = None) -> None:
        """Queue a message for the next `flush`; a descriptor given along is closed here once it has left."""
        if fd is not None:
            message = {**message, "fd": True}
        body = _encode(message).encode()
        self._out.append((len(body).to_bytes(_LENGTH_BYTES, "big") + body, fd))

    @property
    def waiting(self) -> bool:
        """Whether something is queued until the socket takes it."""
        return bool(self._out) and self.open

    def flush(self) -> None:
        """Send as much as the socket takes now, in as few calls as can be: each wakes the other side."""
        try:
            while self._out:
                self._send_some()
        except BlockingIOError:
            return
        except OSError:
            self.open = False
            self._drop_queue()

    def _send_some(self) -> None:
        taken = [self._out[n] for n in range(min(len(self._out), _FDS_A_READ))]
        body = b"".join(text for text, _ in taken)
        fds = [fd for _, fd in taken if fd is not None]
        sent = socket.send_fds(self.sock, [body], fds) if fds else self.sock.send(body)
        for fd in fds:
            os.close(fd)
        for _ in taken:
            self._out.popleft()
        if sent < len(body):
            self._out.appendleft((body[sent:], None))

    def _drop_queue(self) -> None:
        for _, fd in self._out:
            if fd is not None:
                os.close(fd)
        self._out.clear()

    def take(self) -> list[Message]:
        """Every message that has arrived whole. Where one has a ``fd``, it is a descriptor held here."""
        while self.open and self._read():
            pass
        return self._whole()

    def _read(self) -> bool:
        """Read once; whether there may be more."""
        room = socket.CMSG_SPACE(_FDS_A_READ * array.array("i").itemsize)
        try:
            chunk, ancillary, _, _ = self.sock.recvmsg(_READ_BYTES, room)
        except BlockingIOError:
            return False
        except OSError:
            self.open = False
            return False
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._keep_fds(raw)
        self._in += chunk
        self.open = bool(chunk)
        return len(chunk) == _READ_BYTES

    def _keep_fds(self, raw: bytes) -> None:
        fds = array.array("i")
        fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
        for fd in fds:
            os.set_inheritable(fd, False)  # noqa: FBT003 - positional by the library's signature
            self._fds.append(fd)

    def _whole(self) -> list[Message]:
        messages = []
        start = 0
        while len(self._in) - start >= _LENGTH_BYTES:
            body = start + _LENGTH_BYTES
            end = body + int.from_bytes(self._in[start:body], "big")
            if len(self._in) < end:
                break
            message = _decode(self._in[body:end].decode())
            if message.get("fd"):
                message["fd"] = self._fds.popleft()
            messages.append(message)
            start = end
        del self._in[:start]
        return messages

    def close(self) -> None:
        """Close the socket and every descriptor still under way. Safe to call twice."""
        self.open = False
        self._drop_queue()
        while self._fds:
            os.close(self._fds.popleft())
        self.sock.close()
