"""Values on their way to scripts and back: msgpack as the server's Lua speaks it.

That Lua has one kind of string. It cannot read msgpack's separate type for bytes, so text and bytes both
travel as strings and come back as text; bytes that are no UTF-8 survive as surrogate escapes, and `as_bytes`
turns what was bytes back into exactly what it was.
"""

from __future__ import annotations

from typing import Any

import msgpack


def pack(value: Any) -> bytes:
    """Encode a value for a script or for a field."""
    packed: bytes = msgpack.packb(value, use_bin_type=False, unicode_errors="surrogateescape")
    return packed


def unpack(raw: bytes) -> Any:
    """Decode what a script answered or a field holds; every string comes back as text."""
    return msgpack.unpackb(raw, raw=False, strict_map_key=False, unicode_errors="surrogateescape")


def as_bytes(text: str | bytes) -> bytes:
    """The bytes that travelled as this text."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
