"""Holds: who stopped what from firing, since when, until when, and why.

A hold is judged by nominal (`lua/include/held.lua`): a nominal inside a hold is decided `held`, whenever a
scheduler comes to it. No sync touches a hold, so no deploy ends one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.runs.facts import Hold
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store


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
    """Every hold that has not ended, by scope. Uses read commands only."""
    (found,) = read_hashes(store, store.key("holds"))
    scopes = {scope.decode(): map(_hold, unpack(packed)) for scope, packed in sorted(found.items())}
    lasting = {scope: [hold for hold in holds if _lasts(hold, now_ms)] for scope, holds in scopes.items()}
    return {scope: holds for scope, holds in lasting.items() if holds}


def _hold(stored: Mapping[str, Any]) -> Hold:
    return Hold(stored["by"], stored["at"], stored.get("reason") or "", stored.get("until") or None)


def _lasts(hold: Hold, now_ms: int) -> bool:
    return hold.until_ms is None or hold.until_ms > now_ms
