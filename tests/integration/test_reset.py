"""A job that is to run so often, counted anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.walk import Walk, walking

from jobboard import Client, errors
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

DAY = "2026-03-02"


@pytest.fixture
def walk(store: Store, clock: StoreClock) -> Iterator[Walk]:
    with walking(store, clock, day=DAY, board="b") as made:
        made.to("00:30:00")
        yield made
        assert fsck.check(store) == []


def test_one_that_has_ended_runs_again_from_then_on(project: Project, walk: Walk) -> None:
    project.board("b", 'few: {run: x, cron: "0 * * * *", runs: 2}\nthen: {run: x, after: few}')
    project.sync()
    for hour in (1, 2):
        walk.to(f"0{hour}:00:00")
        assert walk.run() == [f"few@0{hour}:00"]
        assert walk.run() == [f"then@0{hour}:00"]
    walk.to("05:10:00")
    assert walk.run() == []
    assert "completed" in project.ok("ls").out
    assert project.ok("reset", "few", "--reason", "once more").out == (
        "b/few counts its runs anew, after 2; jobboard next b/few says when.\n"
    )
    assert "completed" not in project.ok("ls").out
    walk.to("05:59:00")
    assert walk.run() == []
    for hour in (6, 7):
        walk.to(f"0{hour}:00:00")
        assert walk.run() == [f"few@0{hour}:00"]
        walk.run()
    walk.to("08:00:00")
    assert walk.run() == []
    assert [state for state, _ in walk.last("few")] == ["ok"] * 4


def test_one_on_its_way_is_due_when_it_was(project: Project, walk: Walk) -> None:
    project.board("b", "few: {run: x, every: 1h, phase: 0, runs: 2}")
    project.sync()
    walk.to("01:00:00")
    walk.run()
    assert project.ok("reset", "b/few", "-o", "json").json == {"job": "b/few", "used": 1}
    assert "nothing was to be cleared" in project.ok("reset", "b/few").out
    for hour in (2, 3):
        walk.to(f"0{hour}:00:00")
        assert walk.run() == [f"few@0{hour}:00"]
    walk.to("04:00:00")
    assert walk.run() == []


def test_a_delay_begins_again_too(project: Project, walk: Walk) -> None:
    project.board("b", "few: {run: x, delay: 10m, runs: 1}")
    project.sync()
    walk.to("00:31:00")
    assert len(walk.run()) == 1
    walk.to("02:00:00")
    assert walk.run() == []
    with Client(walk.store.url, walk.store.namespace) as client:
        assert client.reset("few", reason="again") == 1
        assert client.reset("few") == 0
    walk.to("02:00:30")
    assert len(walk.run()) == 1


def test_what_is_not_counted_cannot_be_reset(project: Project, walk: Walk) -> None:
    project.board("b", "often: {run: x, every: 1h}")
    project.sync()
    outcome = project.run("reset", "often")
    assert (outcome.code, "is not limited to a number of runs" in outcome.err) == (64, True)
    assert project.run("reset", "oftn").code == 64
    with Client(walk.store.url, walk.store.namespace) as client, pytest.raises(errors.UsageError):
        client.reset("often")
