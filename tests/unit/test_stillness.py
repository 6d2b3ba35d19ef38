"""When something has stayed the same for long enough."""

from __future__ import annotations

from jobboard.daemon.watcher.stillness import STILL_MS, Stillness


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def test_what_stays_is_reached_in_its_time_and_what_differs_begins_anew() -> None:
    clock = Hand()
    stillness = Stillness(clock)
    assert not stillness.is_due
    assert not stillness.reached({"ops": "a"})
    clock.now_ms = STILL_MS - 1
    assert not stillness.reached({"ops": "a"})
    assert not stillness.reached({"ops": "b"})
    clock.now_ms += STILL_MS - 1
    assert not stillness.is_due
    clock.now_ms += 1
    assert stillness.is_due
    assert stillness.reached({"ops": "b"})


def test_what_returns_has_not_stayed() -> None:
    clock = Hand()
    stillness = Stillness(clock)
    stillness.reached({"ops": "a"})
    stillness.reached({"ops": "b"})
    clock.now_ms = STILL_MS
    assert not stillness.reached({"ops": "a"})


def test_each_file_is_waited_for_by_itself() -> None:
    clock = Hand()
    stillness = Stillness(clock)
    stillness.reached({"ops": "a"})
    clock.now_ms = STILL_MS - 1
    assert not stillness.reached({"ops": "a", "etl": "a"})
    assert not stillness.reached({"ops": "a"})  # the other is no longer in doubt
    clock.now_ms += 1
    assert stillness.reached({"ops": "a"})
    assert not stillness.reached({"ops": "a", "etl": "a"})


def test_nothing_is_waited_for_where_nothing_is_in_doubt() -> None:
    stillness = Stillness(Hand())
    assert stillness.reached({})
    assert not stillness.is_due


def test_a_wait_that_ended_is_not_due() -> None:
    clock = Hand()
    stillness = Stillness(clock)
    stillness.reached({"ops": "a"})
    clock.now_ms = STILL_MS
    stillness.end()
    assert not stillness.is_due
    assert not stillness.reached({"ops": "a"})
