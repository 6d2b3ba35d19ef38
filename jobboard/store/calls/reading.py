"""Whole hashes and sets, read page by page so that the server is never busy with one of them for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

_PAGE = 1000


def read_set(store: Store, name: str) -> set[bytes]:
    """The members of a set, named as `Store.key` names it.

    Raises:
        errors.StoreUnreachable, errors.StoreRefused: As `Store.read`.
    """
    found: set[bytes] = set()
    cursor = b""
    while cursor != b"0":
        ((cursor, page),) = store.read(("SSCAN", name, cursor or b"0", "COUNT", _PAGE))
        found.update(page)
    return found


def read_hashes(store: Store, *names: str) -> list[dict[bytes, bytes]]:
    """The fields of some hashes, each named as `Store.key` names it; the pages of all come together.

    Raises:
        errors.StoreUnreachable, errors.StoreRefused: As `Store.read`.
    """
    found: list[dict[bytes, bytes]] = [{} for _ in names]
    cursors = dict.fromkeys(range(len(names)), b"0")
    while cursors:
        pages = store.read(*(("HSCAN", names[n], cursor, "COUNT", _PAGE) for n, cursor in cursors.items()))
        for n, (cursor, flat) in zip(list(cursors), pages, strict=True):
            found[n].update(zip(flat[::2], flat[1::2], strict=True))
            cursors[n] = cursor
            if cursor == b"0":
                del cursors[n]
    return found
