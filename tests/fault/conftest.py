"""Fixtures of fault tests: a store whose server is the test's own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from kit.server import Server, fresh_namespace

from jobboard.store.calls.connect import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that keeps every write on disk, for the test to kill and start again."""
    one = Server({"appendonly": "yes", "appendfsync": "always"})
    yield one
    one.process.send_signal(signal.SIGCONT)
    one.remove()


@pytest.fixture
def own_store(own_server: Server) -> Iterator[Store]:
    """A fresh namespace on it, whose clock the test may move."""
    with Store(own_server.url, fresh_namespace()) as opened:
        opened.client.hset(opened.key("meta"), "test", "1")
        yield opened
