"""The functions on the server, called as any client would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from jobboard.store.calls import functions

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.calls.connect import Store


Call: TypeAlias = "Callable[..., Any]"


def raw(store: Store, *words: str) -> bytes:
    """The server's reply to one command."""
    client: Any = store.client
    return bytes(client.execute_command(*words))


def caller(store: Store) -> Call:
    """Calls a function of `store`'s namespace; its answer, decoded."""
    functions.install(store)

    def made(name: str, /, **said: Any) -> Any:
        return json.loads(raw(store, "FCALL", f"jobboard_{name}", "1", store.key("meta"), json.dumps(said)))

    return made
