"""Fixtures of every test: `server`, `store`, `clock`, `project`; and `wait_for_event` in `kit.events`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from kit.clock import StoreClock
from kit.engine import Engine
from kit.project import Project
from kit.server import Server, fresh_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobboard.store.connect import Store

# Lets this process, and the commands it starts, open namespaces whose clock tests move.
os.environ["JOBBOARD_TEST"] = "1"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for this test process; it keeps nothing on disk."""
    running = Server()
    yield running
    running.remove()


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """A fresh namespace on that server, whose clock the test may move."""
    from jobboard.store.connect import Store

    with Store(server.url, fresh_namespace()) as opened:
        opened.client.hset(opened.key("meta"), "test", "1")
        yield opened


@pytest.fixture
def clock(store: Store) -> StoreClock:
    """The clock of `store`'s namespace."""
    return StoreClock(store)


@pytest.fixture
def project(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    """A project with an empty ``boards`` folder, syncing to `store`."""
    return Project(tmp_path / "project", store, monkeypatch, capsys)


@pytest.fixture
def engine(store: Store) -> Engine:
    """The run path of `store`, driven by hand."""
    return Engine(store)
