"""Fixtures of every test: `server`, `store`, `clock`, `project`, …; and `wait_for_event` in `kit.events`."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from kit.clock import StoreClock
from kit.engine import Engine
from kit.project import Project
from kit.server import Server, fresh_namespace, servers_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jobboard.store.calls.connect import Store

# Lets this process, and the commands it starts, open namespaces whose clock tests move.
os.environ["JOBBOARD_TEST"] = "1"

# A shell that starts us in the background has us, and all we start, ignore the Ctrl-C that some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes says how busy the machine is, and nothing about the program.
settings.register_profile("jobboard", deadline=None)
settings.load_profile("jobboard")

CONFORMANCE = {
    *("test_transitions", "test_fire", "test_reserve", "test_finish", "test_reap", "test_locks"),
    "test_barriers",
    *("test_push", "test_inbox", "test_functions", "test_definitions", "test_fsck"),
    *("test_functions_jobs", "test_functions_runners", "test_functions_library"),
}
"""Modules that run on every server found: what the scripts do must not depend on whose Lua runs them."""

SERVERS = servers_found()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many servers the scripts were tested on."""
    terminalreporter.write_line(f"servers of the conformance suite: {len(SERVERS)}, {', '.join(SERVERS)}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is in `CONFORMANCE` once on each server."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if module in CONFORMANCE and "server" in metafunc.fixturenames and len(SERVERS) > 1:
        metafunc.parametrize("server", SERVERS, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server for this test process, the bundled one unless told; it keeps nothing on disk."""
    name: str | None = getattr(request, "param", None)
    running = Server(binary=SERVERS[name] if name else None)
    yield running
    running.remove()


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """A fresh namespace on that server, whose clock the test may move."""
    from jobboard.store.calls.connect import Store

    with Store(server.url, fresh_namespace()) as opened:
        opened.client.hset(opened.key("meta"), "test", "1")
        yield opened


@pytest.fixture
def clock(store: Store) -> StoreClock:
    """The clock of `store`'s namespace."""
    return StoreClock(store)


@pytest.fixture
def new_project(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], Project]]:
    """Makes projects, each with a folder and a namespace of its own."""
    from jobboard.store.calls.connect import Store

    opened: list[Store] = []

    def new() -> Project:
        store = Store(server.url, fresh_namespace())
        opened.append(store)
        store.client.hset(store.key("meta"), "test", "1")
        return Project(tmp_path / store.namespace, store, monkeypatch, capsys)

    yield new
    for store in opened:
        store.close()


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
