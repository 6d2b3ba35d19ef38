"""A blocking pop that is polled for: one at a time, told of once, and anew after whatever went wrong."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import pytest
from kit.server import Server

from jobboard import errors
from jobboard.store.calls import bell as bell_module
from jobboard.store.calls.bell import Bell
from jobboard.store.calls.connect import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bell(store: Store) -> Iterator[Bell]:
    opened = Bell(store, 20.0)
    yield opened
    opened.close()


def _rings(bell: Bell) -> bool:
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    return bool(poll.poll(30_000))


def test_it_tells_what_was_pushed_the_first_list_first(store: Store, bell: Bell) -> None:
    first, second = store.key("ctl", "w"), store.key("wake", "q")
    store.client.rpush(second, "b")
    store.client.rpush(first, "a")
    for told in ((first, b"a"), (second, b"b")):
        bell.listen([first, second])
        assert _rings(bell)
        assert bell.heard() == told
        assert not bell.waiting


def test_nothing_is_heard_until_something_comes(store: Store, bell: Bell) -> None:
    key = store.key("wake", "q")
    bell.listen([key])
    assert bell.heard() is None
    assert bell.waiting
    store.client.rpush(key, "x")
    assert _rings(bell)
    assert bell.heard() == (key, b"x")


def test_one_pop_is_under_way_however_often_it_is_told_to_listen(store: Store, bell: Bell) -> None:
    key = store.key("wake", "q")
    for _ in range(3):
        bell.listen([key])
    store.client.rpush(key, "x", "y")
    assert _rings(bell)
    assert bell.heard() == (key, b"x")
    assert store.client.lrange(key, 0, -1) == [b"y"]


def test_its_rest_is_over_without_a_sound(store: Store) -> None:
    bell = Bell(store, 0.01)
    bell.listen([store.key("none")])
    assert _rings(bell)
    assert bell.heard() is None
    assert not bell.waiting
    bell.close()
    bell.close()


def test_a_server_that_says_nothing_for_too_long_hangs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Bell(store, 20.0)
    monkeypatch.setattr(bell_module, "_GRACE_S", -20.0)
    bell.listen([store.key("none")])
    assert bell.wait_s() == 0.0
    with pytest.raises(errors.StoreUnreachable, match="it hangs"):
        bell.listen([store.key("none")])
    assert not bell.waiting
    bell.close()


def test_it_learns_that_its_server_is_gone_and_finds_it_again() -> None:
    server = Server()
    try:
        with Store(server.url, "x") as store:
            bell, key = Bell(store, 20.0), store.key("wake", "q")
            bell.listen([key])
            server.kill()
            assert _rings(bell)
            with pytest.raises(errors.StoreUnreachable):
                bell.heard()
            with pytest.raises(errors.StoreUnreachable):
                bell.listen([key])
            server.start()
            store.client.rpush(key, "x")
            bell.listen([key])
            assert _rings(bell)
            assert bell.heard() == (key, b"x")
            bell.close()
    finally:
        server.remove()


def test_what_it_may_not_hear_is_refused(store: Store, bell: Bell) -> None:
    store.client.set(store.key("wake", "q"), "no list")
    bell.listen([store.key("wake", "q")])
    assert _rings(bell)
    with pytest.raises(errors.StoreRefused):
        bell.heard()
    assert not bell.waiting
