"""jobboard: crontab-as-code that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobboard.client import Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    # The client takes the client library of the store, ten times what `jobboard --help` takes to start.
    if name == "Client":
        from jobboard.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
