"""The store's clock as seen through answers that take a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobboard.daemon.scheduler.storeclock import StoreClock

START = 1_800_000_000_000


def test_it_knows_nothing_before_the_first_answer() -> None:
    clock = StoreClock()
    assert not clock.known
    clock.observe(START, 10.0, 10.0)
    assert clock.known


def test_a_quick_answer_among_slow_ones_decides() -> None:
    clock = StoreClock()
    clock.observe(START + 400, 10.0, 10.8)
    clock.observe(START + 1_001, 11.0, 11.002)
    clock.observe(START + 1_900, 11.5, 12.3)
    assert round(clock.until_s(START + 2_000, 11.9), 3) == 0.099


def test_it_tells_microseconds_apart() -> None:
    clock = StoreClock()
    assert clock.observe(START + 0.75, 10.0, 10.0) == START
    assert round(clock.until_s(START + 1, 10.0), 5) == 0.00025


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    clock = StoreClock()
    clock.observe(START, 10.0, 10.0)
    clock.observe(START + 3_600_000, 10.1, 10.1)
    assert round(clock.until_s(START + 3_600_000 + 500, 10.1), 3) == 0.5


def test_effective_now_never_goes_back() -> None:
    clock = StoreClock()
    assert clock.observe(START, 1.0, 1.0) == START
    assert clock.observe(START - 5_000, 2.0, 2.0) == START
    assert clock.observe(START + 1, 3.0, 3.0) == START + 1


@given(
    offset_ms=st.integers(0, 1_000),
    trips=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=100),
)
def test_what_takes_the_shortest_way_arrives_at_the_instant(
    offset_ms: int, trips: list[tuple[int, int]]
) -> None:
    clock, mine_ms = StoreClock(), 5_000
    for there_ms, back_ms in trips:
        sent_ms = mine_ms
        mine_ms += there_ms + back_ms
        clock.observe(START + offset_ms + sent_ms + there_ms, sent_ms / 1000, mine_ms / 1000)
    due = START + offset_ms + mine_ms + 60_000
    asleep_ms = clock.until_s(due, mine_ms / 1000) * 1000
    least_ms = min(there for there, _ in trips[-64:])
    assert abs(asleep_ms + least_ms - 60_000) < 0.01
