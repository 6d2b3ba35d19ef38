"""Due instants that were worked out with older time zone data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.walk import Walk, walking

from jobboard.core.jobs.meaning import zone_version
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.reconcile.live import read_job
from jobboard.store.boards.retiming import heed_zone_data
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

HOUR = 3_600_000
BOARD = """
local: {run: x, cron: "30 2 * * *", timezone: Europe/Madrid, jitter: 10m}
utc: {run: x, cron: "30 2 * * *"}
often: {run: x, every: 1h, phase: 0}
each: {run: x, delay: 1h, timezone: Europe/Madrid}
off: {run: x, cron: "30 2 * * *", timezone: Europe/Madrid, enabled: false}
"""


@pytest.fixture
def walk(store: Store, clock: StoreClock) -> Iterator[Walk]:
    with walking(store, clock, day="2026-03-02", board="b") as made:
        made.to("00:30:00")
        yield made
        assert fsck.check(store) == []


def _due(store: Store) -> dict[str, int]:
    rows: Any = store.client.zrange(store.key("sched"), 0, -1, withscores=True)
    return {address.decode(): int(due) for address, due in rows}


def _as_of_old(store: Store, *moved: str) -> dict[str, int]:
    """Have jobs due an hour late, as data of years ago would; what was right."""
    right = _due(store)
    for address in moved:
        store.client.zadd(store.key("sched"), {address: right[address] + HOUR})
    store.client.hset(store.key("meta"), "zonedata", "2011a")
    return right


def _known(store: Store) -> str:
    raw = store.client.hget(store.key("meta"), "zonedata")
    assert isinstance(raw, bytes)
    return raw.decode()


def test_newer_data_move_what_hangs_on_a_zone_and_nothing_else(
    project: Project, store: Store, walk: Walk
) -> None:
    project.board("b", BOARD)
    project.sync()
    right = _as_of_old(store, "b/local", "b/utc", "b/often", "b/each")
    assert heed_zone_data(store, "2026a") == 1
    moved = {address: due - right[address] for address, due in _due(store).items()}
    assert moved == {"b/local": 0, "b/utc": HOUR, "b/often": HOUR, "b/each": HOUR}
    assert _known(store) == "2026a"
    assert heed_zone_data(store, "2026a") is None


def test_older_data_move_nothing(project: Project, store: Store, walk: Walk) -> None:
    project.board("b", BOARD)
    project.sync()
    _as_of_old(store, "b/local")
    late = _due(store)
    assert heed_zone_data(store, "2010z") is None
    assert (_due(store), _known(store)) == (late, "2011a")


def test_a_namespace_that_knows_of_none_is_taken_as_it_is(project: Project, store: Store, walk: Walk) -> None:
    project.board("b", BOARD)
    project.sync()
    before = _due(store)
    store.client.hdel(store.key("meta"), "zonedata")
    assert heed_zone_data(store, "2026a") is None
    assert (_due(store), _known(store)) == (before, "2026a")


def test_what_changed_meanwhile_is_left_alone(project: Project, store: Store, walk: Walk) -> None:
    project.board("b", BOARD)
    project.sync()
    right = _due(store)
    epoch = read_job(store, "b/local").epoch
    stale = [
        ["b/local", epoch + 1, right["b/local"], 5],
        ["b/local", epoch, right["b/local"] + 1, 5],
        ["b/gone", epoch, 1, 5],
        ["b/off", epoch, 1, 5],
    ]
    assert store.call("retime", entries=stale, version="") == ["OK", 0]
    assert _due(store) == right


def test_a_scheduler_that_comes_with_newer_data_fires_in_time(
    project: Project, store: Store, clock: StoreClock
) -> None:
    with walking(store, clock, day="2026-03-02", board="b") as before:
        before.to("00:30:00")
        project.board("b", 'local: {run: x, cron: "30 2 * * *", timezone: Europe/Madrid}')
        project.sync()
        assert _known(store) == zone_version()
        _as_of_old(store, "b/local")
    with walking(store, clock, day="2026-03-02", board="b") as after:
        after.to("01:30:00")
        assert after.run() == ["local@01:30"]
        assert format_instant(_due(store)["b/local"]) == "2026-03-03T01:30:00Z"
        assert parse_instant("2026-03-03T02:30:00", "Europe/Madrid") == _due(store)["b/local"]
    assert _known(store) == zone_version()
