"""Queues that let nothing go at the moment, and why: a hold, a limit that is reached, a rate that is used up.

The script that hands runs out judges the same (`allowance.lua`); here it is told. Uses read commands only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.runs.facts import Closed
from jobboard.core.scope import scopes_of_queue
from jobboard.store.boards.holds import read_holds
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.store.calls.connect import Store


def read_closed(store: Store, now_ms: int, queues: Iterable[str]) -> dict[str, Closed]:
    """Those of the queues that let nothing go, and why."""
    names = sorted(set(queues))
    if not names:
        return {}
    held = read_holds(store, now_ms)
    (rules,) = store.read(("HMGET", store.key("limits"), *names))
    found: dict[str, Closed] = {}
    for name, packed in zip(names, rules, strict=True):
        scope = next((scope for scope in scopes_of_queue(name) if scope in held), None)
        if scope is not None:
            found[name] = Closed(scope, held[scope][0])
        elif packed is not None:
            # An empty map comes back from a script as an empty list.
            closed = _limited(store, now_ms, name, dict(unpack(packed)))
            found.update({name: closed} if closed is not None else {})
    return found


def _limited(store: Store, now_ms: int, queue: str, rule: Mapping[str, Any]) -> Closed | None:
    running, used_to = store.read(("SCARD", store.key("active", queue)), ("HGET", store.key("pace"), queue))
    if rule.get("limit") and running >= rule["limit"]:
        return Closed(limit=int(rule["limit"]))
    if rule.get("rate"):
        opens_at_ms = float(used_to or 0) - rule["span_ms"] + rule["span_ms"] / rule["rate"]
        return Closed(opens_at_ms=int(opens_at_ms)) if opens_at_ms > now_ms else None
    return None
