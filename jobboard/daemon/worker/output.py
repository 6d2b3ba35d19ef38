"""What is kept of an attempt's output: its head, its tail, and a count of the rest.

The first 32 KiB, or half of what the job says, are passed on as they come. Of what follows, as much is kept
in a ring and passed on at the end; the bytes between are counted. So output of any length costs the same
memory, and the command never waits for the store. Secrets are masked on the way, also where one is cut in
two by a read.
"""

from __future__ import annotations

import re
from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 32 * 1024

MASK = b"***"
SHORTEST_SECRET_BYTES = 3
"""A shorter value is no secret, and masking every ``1`` would make output unreadable."""

_LINE_BYTES = 8

INSTANT_S = 0.1
"""What comes within this is one piece, and has one time."""

_PIECE_BYTES = 1 << 16
_MOST_PIECES = 1000
"""How many the tail may be in. A tail of more, each of a few bytes, loses its oldest."""


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


class Piece(NamedTuple):
    """A piece of output.

    Attributes:
        content: What was written.
        at_s: When it was read, on the monotonic clock.
        stream: ``stdout`` or ``stderr``, empty where both are one; ``file`` for where it is, in place of it.
    """

    content: bytes
    at_s: float
    stream: str = ""


class Keeper(Protocol):
    """Where output is kept, once secrets in it are masked."""

    @property
    def dropped_bytes(self) -> int:
        """How much of it is not."""

    def keep(self, piece: Piece) -> None:
        """Keep a piece, as far as there is room."""

    def take_head(self) -> list[Piece]:
        """What of it is to be passed on now."""

    def take_tail(self) -> list[Piece]:
        """What is left to be passed on, once there is no more to keep."""


class Capture:
    """The output of one attempt.

    Args:
        secrets: Values to mask in it.
        most_bytes: How much of it to keep, half of that as head and half as tail.
        keeper: Where to keep it instead.

    Attributes:
        read_bytes: How much was written.
        total_bytes: The same, after masking.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        most_bytes: int = HEAD_BYTES + TAIL_BYTES,
        keeper: Keeper | None = None,
    ) -> None:
        self.read_bytes = 0
        self.total_bytes = 0
        self._secrets = tuple(secrets)
        self._maskers: dict[str, Masker] = {}
        self._heard_at_s = 0.0
        self._keeper = keeper or HeadAndTail(most_bytes)

    def feed(self, chunk: bytes, at_s: float = 0.0, stream: str = "") -> None:
        """Take what the command wrote."""
        self.read_bytes += len(chunk)
        self._heard_at_s = at_s
        masker = self._maskers.get(stream)
        if masker is None:
            masker = self._maskers[stream] = Masker(self._secrets)
        self._keep(Piece(masker.feed(chunk), at_s, stream))

    def close(self) -> None:
        """The command will write no more."""
        for stream, masker in self._maskers.items():
            self._keep(Piece(masker.rest(), self._heard_at_s, stream))

    def _keep(self, piece: Piece) -> None:
        if piece.content:
            self.total_bytes += len(piece.content)
            self._keeper.keep(piece)

    @property
    def dropped_bytes(self) -> int:
        """How much of it is not kept."""
        return self._keeper.dropped_bytes

    def take_head(self) -> list[Piece]:
        """What has come since the last call and is to be passed on now."""
        return self._keeper.take_head()

    def take_tail(self) -> list[Piece]:
        """What is left to be passed on, once the command is done."""
        return self._keeper.take_tail()


class HeadAndTail:
    """Keeps the first and the last of it, and counts what falls between.

    Args:
        most_bytes: How much to keep, half of that as head and half as tail.
    """

    def __init__(self, most_bytes: int) -> None:
        self._head: list[Piece] = []
        self._head_room = most_bytes // 2
        self._tail: list[Piece] = []
        self._tail_room = most_bytes - self._head_room
        self._tail_bytes = 0
        self._cut_bytes = 0

    def keep(self, piece: Piece) -> None:
        """Keep a piece, as far as there is room."""
        text, at_s, stream = piece
        if self._head_room:
            first, text = text[: self._head_room], text[self._head_room :]
            self._head.append(Piece(first, at_s, stream))
            self._head_room -= len(first)
        if text:
            self._keep_tail(Piece(text, at_s, stream))

    def _keep_tail(self, piece: Piece) -> None:
        over = len(piece.content) - self._tail_room
        if over >= 0:
            self._cut_bytes += self._tail_bytes + over
            self._tail = [piece._replace(content=piece.content[over:])]
            self._tail_bytes = self._tail_room
            return
        self._tail.append(piece)
        self._tail_bytes += len(piece.content)
        # Cut when it has doubled, not at every byte over.
        if self._tail_bytes > 2 * self._tail_room or len(self._tail) > 4 * _MOST_PIECES:
            self._cut_tail()

    def _cut_tail(self) -> None:
        kept: deque[Piece] = deque()
        room = self._tail_room
        for piece in reversed(joined(self._tail)):
            if room <= 0 or len(kept) == _MOST_PIECES:
                break
            kept.appendleft(piece._replace(content=piece.content[-room:]))
            room -= len(kept[0].content)
        kept_bytes = self._tail_room - max(room, 0)
        self._cut_bytes += self._tail_bytes - kept_bytes
        self._tail, self._tail_bytes = list(kept), kept_bytes

    @property
    def dropped_bytes(self) -> int:
        """How many bytes fell between head and tail."""
        return self._cut_bytes + max(0, self._tail_bytes - self._tail_room)

    def take_head(self) -> list[Piece]:
        """What of the head has come since the last call, to be passed on now."""
        fresh, self._head = joined(self._head), []
        return fresh

    def take_tail(self) -> list[Piece]:
        """The tail, once the command is done; empty where the head held everything."""
        self._cut_tail()
        tail, self._tail, self._tail_bytes = self._tail, [], 0
        return tail


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The same output in fewer pieces: what came at nearly one instant from one stream is one.

    None is larger than `_PIECE_BYTES`, whatever went in.
    """
    together: list[Piece] = []
    for _, like in groupby(pieces, key=lambda piece: (piece.stream, int(piece.at_s / INSTANT_S))):
        first, *more = like
        content = b"".join([first.content, *(piece.content for piece in more)])
        together += (
            first._replace(content=content[at : at + _PIECE_BYTES])
            for at in range(0, len(content), _PIECE_BYTES)
        )
    return together
