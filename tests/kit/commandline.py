"""The real command line, in this process, on a test's store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard.cli.main import main

if TYPE_CHECKING:
    import pytest

    from jobboard.store.calls.connect import Store


def jobboard(store: Store, *words: str) -> int:
    """Run a command line as ana; its exit code."""
    return main([*words, "--redis", store.url, "--namespace", store.namespace, "--as", "ana"])


def asked(store: Store, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command that succeeds says as JSON."""
    assert jobboard(store, *words, "-o", "json") == 0
    return json.loads(capsys.readouterr().out)


def told(store: Store, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that succeeds says to people, on standard output."""
    assert jobboard(store, *words) == 0
    return capsys.readouterr().out
