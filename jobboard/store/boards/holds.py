"""Holds: who stopped what from firing, since when, until when, and why.

A hold is judged by nominal (`lua/include/held.lua`): a nominal inside a hold is decided `held`, whenever a
scheduler comes to it. No sync touches a hold, so no deploy ends one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store

Hold = dict[str, Any]


def pause(
    store: Store, scope: str, *, by: Mapping[str, Any], reason: str | None, until_ms: int | None
) -> int:
    """Put a hold on ``job:ADDRESS``, ``board:NAME``, ``tag:NAME`` or ``all``; the store's time then."""
    _, now_ms = store.call(
        "pause",
        scope=scope,
        by=dict(by),
        reason=reason or "",
        expires=until_ms if until_ms is not None else False,
    )
    return int(now_ms)


def resume(store: Store, scope: str, *, by: Mapping[str, Any]) -> int:
    """End the holds of one scope, and of that scope only; how many there were."""
    tag, *rest = store.call("resume", scope=scope, by=dict(by))
    return int(rest[0]) if tag == "OK" else 0


def read_holds(store: Store, now_ms: int) -> dict[str, list[Hold]]:
    """Every hold that has not ended, by scope: {by, at, reason, until}. Uses read commands only."""
    (found,) = read_hashes(store, store.key("holds"))
    scopes = {scope.decode(): unpack(packed) for scope, packed in found.items()}
    lasting = {scope: [h for h in holds if not _ended(h, now_ms)] for scope, holds in sorted(scopes.items())}
    return {scope: holds for scope, holds in lasting.items() if holds}


def _ended(hold: Hold, now_ms: int) -> bool:
    until: int | None = hold.get("until")
    return until is not None and until <= now_ms
