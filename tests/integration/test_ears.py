"""When a worker listens for new runs, and when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.work import board, finished, start, until, working

from jobboard.daemon.worker.listen import Ears
from jobboard.store.runs.pushes import Parcel, push

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store

NOTHING = {"command": {"run": "true"}}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Ears, str]]:
    """Gets the ears, and the key they have heard something by, each time they have."""
    found: list[tuple[Ears, str]] = []
    take = Ears._take

    def taking(self: Ears, key: str, element: bytes) -> None:
        take(self, key, element)
        found.append((self, key))

    monkeypatch.setattr(Ears, "_take", taking)
    return found


def test_a_busy_worker_is_not_told_to_listen_for_what_it_has_no_room_for(
    store: Store, tmp_path: Path, heard: list[tuple[Ears, str]]
) -> None:
    runs = 30
    push(store, [Parcel("push/noop", NOTHING) for _ in range(runs)], by="test")
    with working(store, tmp_path, slots=1):
        until(lambda: not store.client.scard(store.key("live", "push/noop")), 20)
    # Each end but the last brings the next run with it, and so no room.
    assert len([key for _, key in heard if key.startswith(store.key("ctl", ""))]) < runs / 2


def test_a_worker_listens_again_after_a_pause(
    store: Store, tmp_path: Path, heard: list[tuple[Ears, str]]
) -> None:
    board(store, {"next": NOTHING})
    with working(store, tmp_path) as worker:
        assert finished(store, start(store, "next"))["state"] == "ok"
        worker.pause()
        until(lambda: not worker._clerk.has_room)
        heard.clear()
        store.client.rpush(store.key("wake", "common"), b"1")
        until(lambda: heard)
        # What it was told of is gone: another worker was quicker.
        store.client.delete(store.key("wake", "common"))
        worker.go_on()
        assert finished(store, start_when_heeded(store, heard[0][0]))["state"] == "ok"


def start_when_heeded(store: Store, ears: Ears) -> str:
    """A run that is started once the ears listen to every queue."""
    until(lambda: not ears._deaf_to)
    return start(store, "next")
