"""What is kept of an attempt's output: its head, its tail, and a count of the rest.

The first 32 KiB are passed on as they come. Of what follows, the last 32 KiB are kept in a ring and passed
on at the end; the bytes between are counted. So output of any length costs the same memory, and the command
never waits for the store. Secrets are masked on the way, also where one is cut in two by a read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 32 * 1024

MASK = b"***"
SHORTEST_SECRET_BYTES = 3
"""A shorter value is no secret, and masking every ``1`` would make output unreadable."""

_LINE_BYTES = 8


class Masker:
    """Puts `MASK` in place of secrets in a stream of bytes.

    Args:
        secrets: The values to mask. A value of several lines is masked line by line as well, where a line is
            long enough to be told from ordinary text.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        values: set[str] = set()
        for secret in secrets:
            stripped = secret.strip()
            values.update(line for line in stripped.splitlines() if len(line) >= _LINE_BYTES)
            values.add(stripped)
        encoded = {value.encode("utf-8", "surrogateescape") for value in values}
        # The longest first, so that a secret that begins with another is masked whole.
        self._secrets = sorted((v for v in encoded if len(v) >= SHORTEST_SECRET_BYTES), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets))) if self._secrets else None
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be passed on after `chunk`; an end that may begin a secret is held back."""
        if self._pattern is None:
            return chunk
        text = self._held + chunk
        keep_from = self._unsure(text)
        passed: list[bytes] = []
        at = 0
        for match in self._pattern.finditer(text):
            if match.start() >= keep_from:
                break
            passed += (text[at : match.start()], MASK)
            at = match.end()
        keep_from = max(at, keep_from)
        passed.append(text[at:keep_from])
        self._held = text[keep_from:]
        return b"".join(passed)

    def _unsure(self, text: bytes) -> int:
        """Where the earliest end of `text` begins that is the beginning of a secret, and not all of it."""
        longest = len(self._secrets[0])
        for start in range(max(0, len(text) - longest + 1), len(text)):
            end = text[start:]
            if any(len(secret) > len(end) and secret.startswith(end) for secret in self._secrets):
                return start
        return len(text)

    def rest(self) -> bytes:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, b""
        return held if self._pattern is None else self._pattern.sub(MASK, held)


class Capture:
    """The output of one attempt.

    Args:
        secrets: Values to mask in it.

    Attributes:
        read_bytes: How much was written.
        total_bytes: The same, after masking.
        dropped_bytes: How much of that was neither passed on nor is in the tail.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.read_bytes = 0
        self.total_bytes = 0
        self._masker = Masker(secrets)
        self._head: list[bytes] = []
        self._head_room = HEAD_BYTES
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._cut_bytes = 0

    def feed(self, chunk: bytes) -> None:
        """Take what the command wrote."""
        self.read_bytes += len(chunk)
        self._keep(self._masker.feed(chunk))

    def close(self) -> None:
        """The command will write no more."""
        self._keep(self._masker.rest())

    def _keep(self, text: bytes) -> None:
        if not text:
            return
        self.total_bytes += len(text)
        if self._head_room:
            first, text = text[: self._head_room], text[self._head_room :]
            self._head.append(first)
            self._head_room -= len(first)
        if text:
            self._keep_tail(text)

    def _keep_tail(self, text: bytes) -> None:
        if len(text) >= TAIL_BYTES:
            self._cut_bytes += self._tail_bytes + len(text) - TAIL_BYTES
            self._tail, self._tail_bytes = [text[-TAIL_BYTES:]], TAIL_BYTES
            return
        self._tail.append(text)
        self._tail_bytes += len(text)
        # Cut when it has doubled, not at every byte over.
        if self._tail_bytes > 2 * TAIL_BYTES:
            self._cut_tail()

    def _cut_tail(self) -> None:
        joined = b"".join(self._tail)
        kept = joined[-TAIL_BYTES:]
        self._cut_bytes += len(joined) - len(kept)
        self._tail, self._tail_bytes = [kept] if kept else [], len(kept)

    @property
    def dropped_bytes(self) -> int:
        """How many bytes fell between head and tail."""
        return self._cut_bytes + max(0, self._tail_bytes - TAIL_BYTES)

    def take_head(self) -> bytes:
        """What of the head has come since the last call, to be passed on now."""
        fresh = b"".join(self._head)
        self._head.clear()
        return fresh

    def take_tail(self) -> bytes:
        """The tail, once the command is done; empty where the head held everything."""
        self._cut_tail()
        tail = b"".join(self._tail)
        self._tail, self._tail_bytes = [], 0
        return tail
