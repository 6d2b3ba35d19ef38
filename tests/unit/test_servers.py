"""The conformance suite finds the servers there are, and starts each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Server, server_binary, servers_found

from jobboard.store.calls.connect import Store
from jobboard.store.calls.functions import install

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A server of another name and version, which says and does what the bundled one does."""
    binary = tmp_path / "redis-server"
    told = "Redis server v=99.1 sha=00000000:0"
    binary.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "{told}" && exit\nexec {server_binary()} "$@"\n'
    )
    binary.chmod(0o755)
    return binary


def test_the_bundled_server_is_always_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JOBBOARD_TEST_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    ((name, binary),) = servers_found().items()
    assert name.startswith("valkey-")
    assert binary == server_binary()


@pytest.mark.parametrize("variable", ["PATH", "JOBBOARD_TEST_SERVER"])
def test_another_one_is_found_and_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other: Path, variable: str
) -> None:
    monkeypatch.delenv("JOBBOARD_TEST_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv(variable, str(other.parent if variable == "PATH" else other))
    names = list(servers_found())
    assert names[1:] == ["redis-99.1"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    server = Server(binary=servers_found().get("redis-99.1", other))
    try:
        with Store(server.url, "t") as store:
            assert install(store) == "installed"
            functions: Any = store.client
            assert functions.execute_command("FCALL", "jobboard_count", "1", store.key("meta"))
    finally:
        server.remove()


def test_one_that_is_named_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JOBBOARD_TEST_SERVER", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        servers_found()
