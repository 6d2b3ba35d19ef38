"""A large commit waits for a child of the server that writes its memory to disk, and not for ever."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from kit.project import Project
from kit.server import Server, fresh_namespace

from jobboard.reconcile import applying
from jobboard.store.calls import forks
from jobboard.store.calls.connect import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOWLY = "10000000"
"""Microseconds that the child takes for each key."""


@pytest.fixture
def rewriting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    """A project whose server has begun to rewrite its append-only file, and will not soon be done."""
    with ExitStack() as undo:
        server = Server({"appendonly": "yes"})
        undo.callback(server.remove)
        store = undo.enter_context(Store(server.url, fresh_namespace()))
        project = Project(tmp_path / "project", store, monkeypatch, capsys)
        project.board("ops", "a: {run: x}")
        project.sync()
        store.client.config_set("rdb-key-save-delay", SLOWLY)
        store.client.bgrewriteaof()
        assert forks.child_at_work(store) == "rewrites its append-only file"
        project.board("ops", "a: {run: y}")
        yield project


def test_a_small_one_does_not_wait(rewriting: Project) -> None:
    assert rewriting.sync().err == ""


def test_a_large_one_does_and_says_so(rewriting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def end_it(seconds: float) -> None:
        waited.append(seconds)
        # Without that file there is nothing to rewrite: the server ends its child.
        rewriting.store.client.config_set("appendonly", "no")

    monkeypatch.setattr(applying, "LARGE", 1)
    monkeypatch.setattr("jobboard.store.calls.forks.time", SimpleNamespace(sleep=end_it))
    said = rewriting.sync().err
    assert len(waited) >= 1
    assert "the server rewrites its append-only file, which makes a large commit slow: waiting" in said
    assert "5s at most" in said
    assert "going on" not in said
    assert rewriting.spec("ops/a")["command"] == {"run": "y"}


def test_it_goes_on_where_there_is_no_end_to_it(rewriting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "LARGE", 1)
    monkeypatch.setattr(forks.await_child, "__defaults__", (0.0,))
    assert "the server still rewrites its append-only file; going on" in rewriting.sync().err
    assert rewriting.spec("ops/a")["command"] == {"run": "y"}


def test_whoever_may_not_ask_does_not_wait(rewriting: Project) -> None:
    rewriting.store.client.acl_setuser(
        "plain", enabled=True, passwords=["+p"], commands=["+@all", "-info"], keys=["*"]
    )
    socket = rewriting.store.url.removeprefix("unix://")
    with Store(f"unix://plain:p@{socket}", rewriting.store.namespace) as store:
        assert forks.child_at_work(store) is None
