"""Jobs that run after several others: one run for each nominal, once all parents have ended as asked."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, Engine

from jobboard.core.times.instant import format_instant
from jobboard.store.calls.wire import pack
from jobboard.store.runs.joins import read_joins
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.project import Project

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000
AT = "2020-09-13T12:26:40Z"
SPEC: dict[str, Any] = {"after": ["b/x", "b/y", "b/z"]}


@pytest.fixture
def engine(store: Store) -> Engine:
    """A root, three jobs after it, and a join of the three."""
    built = Engine(store)
    built.worker()
    built.define("b/root", schedule={"every": MINUTE}, overlap="allow")
    for name in "xyz":
        built.define(f"b/{name}", after=["b/root"], overlap="allow")
    built.define("b/join", **SPEC)
    built.define("b/last", after=["b/join"])
    return built


def _branch(engine: Engine, nominal: int = T0) -> dict[str, Any]:
    """Fire the root and end it; the runs of its dependents, by name."""
    engine.fired("b/root", nominal)
    (root,) = [run for run in engine.reserve() if run.address == "b/root"]
    engine.finish(root)
    return {run.address.partition("/")[2]: run for run in engine.reserve()}


def _said(engine: Engine, address: str) -> list[tuple[str, str]]:
    return [(record["state"], record.get("reason", "")) for record in engine.last(address)]


@pytest.mark.parametrize("order", list(permutations("xyz")))
def test_the_last_parent_runs_it_once_whatever_the_order(engine: Engine, order: tuple[str, ...]) -> None:
    runs = _branch(engine)
    for name in order[:-1]:
        engine.finish(runs[name])
        assert engine.reserve() == []
        assert fsck.check(engine.store) == []
    engine.finish(runs[order[-1]])
    join = engine.reserve_one()
    assert (join.run_id, join.trigger) == (f"b/join@{AT}", "after")
    assert not engine.client.exists(engine.store.key("joins", "b/join"))
    engine.finish(join)
    assert engine.reserve_one().run_id == f"b/last@{AT}"
    assert fsck.check(engine.store) == []


@pytest.mark.parametrize("bad", "xyz")
def test_the_first_that_fails_decides_it_once(engine: Engine, bad: str) -> None:
    runs = _branch(engine)
    for name in "xyz":
        engine.finish(runs[name], "failed" if name == bad else "ok")
    assert engine.reserve() == []
    assert _said(engine, "b/join") == [("skipped", f"after: b/{bad} failed")]
    assert engine.last("b/join")[0]["count"] == 1
    assert _said(engine, "b/last") == [("skipped", "after: b/join skipped")]
    assert not engine.client.exists(engine.store.key("joins", "b/join"))


def test_nominals_are_joined_each_with_its_own(engine: Engine) -> None:
    early, late = _branch(engine), _branch(engine, T0 + MINUTE)
    for runs, name in ((early, "x"), (late, "y"), (late, "z"), (early, "y"), (late, "x")):
        engine.finish(runs[name])
    join = engine.reserve_one()
    assert join.nominal_ms == T0 + MINUTE
    waiting = read_joins(engine.store, {"b/join": SPEC})["b/join"]
    assert [(join.nominal_ms, join.missing) for join in waiting] == [(T0, ("b/z",))]
    engine.finish(join)
    engine.finish(early["z"])
    assert T0 in [run.nominal_ms for run in engine.reserve()]


def test_a_parent_that_is_passed_over_passes_it_over(engine: Engine) -> None:
    engine.hold("job:b/y", 0)
    runs = _branch(engine)
    assert sorted(runs) == ["x", "z"]
    assert _said(engine, "b/join") == [("skipped", "after: b/y skipped")]
    for run in runs.values():
        engine.finish(run)
    assert engine.reserve() == []
    assert len(engine.last("b/join")) == 1


@pytest.mark.parametrize(
    ("on", "verdict", "runs"),
    [
        ("finished", "ok", True),
        ("finished", "failed", True),
        ("failed", "failed", True),
        ("failed", "ok", False),
    ],
)
def test_an_edge_says_how_its_parent_has_to_end(engine: Engine, on: str, verdict: Word, runs: bool) -> None:
    engine.define("b/alarm", after=["b/x"], on={"b/x": on})
    engine.define("b/join", after=["b/x", "b/y"], on={"b/y": on})
    branch = _branch(engine)
    engine.finish(branch["y"], verdict)
    engine.finish(branch["x"])
    reserved = {run.address for run in engine.reserve()}
    assert ("b/join" in reserved) == runs
    assert ("b/alarm" in reserved) == (on == "finished")
    if on == "failed":
        assert _said(engine, "b/alarm") == [("skipped", "after: b/x ok")]


def test_a_run_that_never_was_is_no_failure(engine: Engine) -> None:
    engine.define("b/alarm", after=["b/root"], on={"b/root": "failed"})
    engine.hold("job:b/root", 0)
    engine.fire("b/root", T0)
    assert _said(engine, "b/alarm") == [("skipped", "after: b/root held")]


def test_a_lost_run_is_a_failure(engine: Engine) -> None:
    engine.define("b/root", schedule={"every": MINUTE}, on_lost="fail")
    engine.define("b/alarm", after=["b/root"], on={"b/root": "failed"})
    engine.fired("b/root", T0)
    engine.reserve_one()
    engine.runs.lost("w1")
    engine.worker("w2")
    assert [run.address for run in engine.reserve("w2")] == ["b/alarm"]


def test_very_many_nominals_are_looked_at_again_in_pages(engine: Engine) -> None:
    many = 250
    for n in range(many):
        nominal = T0 + n * MINUTE
        entry = {"nominal": nominal, "ends": {"b/x": "ok", "b/y": "ok"}, "family": False, "by": False}
        engine.client.hset(engine.store.key("joins", "b/join"), format_instant(nominal), pack(entry))
    engine.define("b/join", after=["b/x", "b/y"], overlap="allow")
    engine.settle("b/join", before=SPEC["after"], after=["b/x", "b/y"])
    for made in (100, 200, many):
        engine.runs.tick("s1")
        assert len(engine.members("live", "b/join")) == made
    assert not engine.client.exists(engine.store.key("fanout"), engine.store.key("joins", "b/join"))


def test_a_parent_that_it_no_longer_runs_after_keeps_it_waiting_no_more(engine: Engine) -> None:
    runs = _branch(engine)
    engine.finish(runs["x"])
    engine.finish(runs["y"])
    engine.define("b/join", after=["b/x", "b/y"])
    engine.settle("b/join", before=SPEC["after"], after=["b/x", "b/y"])
    engine.runs.tick("s1")
    assert engine.reserve_one().run_id == f"b/join@{AT}"
    engine.finish(runs["z"])
    assert engine.reserve() == []
    assert not engine.client.exists(engine.store.key("joins", "b/join"))
    assert fsck.check(engine.store) == []


def test_a_join_that_leaves_its_board_waits_for_nothing(engine: Engine) -> None:
    engine.finish(_branch(engine)["x"])
    engine.remove("b/join")
    engine.settle("b/join", before=SPEC["after"], gone="x")
    assert not engine.client.exists(engine.store.key("joins", "b/join"))
    engine.runs.tick("s1")
    assert engine.reserve() == []


def test_by_hand_with_dependents_they_follow_under_one_mark(engine: Engine) -> None:
    engine.define("b/join", after=["b/x", "b/y", "far/away"])
    run_id = engine.runs.start_run("b/root", by="ana", with_dependents=True)
    suffix = run_id.partition("@")[2]
    seen = []
    while reserved := engine.reserve():
        for run in reserved:
            assert run.trigger == "manual"
            seen.append(run.run_id)
            engine.finish(run)
    assert sorted(seen) == [f"b/{name}@{suffix}" for name in ("join", "last", "root", "x", "y", "z")]
    assert engine.last("b/last")[0]["by"] == "ana"


def test_by_hand_with_dependents_a_failure_passes_over_the_rest(engine: Engine) -> None:
    engine.runs.start_run("b/root", by="ana", with_dependents=True)
    engine.finish(engine.reserve_one(), "failed")
    assert [engine.last(f"b/{name}")[0]["state"] for name in ("x", "join", "last")] == ["skipped"] * 3
    assert len(engine.last("b/join")) == len(engine.last("b/last")) == 1
    assert engine.reserve() == []


def test_a_broken_join_is_found_and_mended(engine: Engine) -> None:
    runs = _branch(engine)
    engine.finish(runs["x"])
    key = engine.store.key("joins", "b/join")
    engine.define("b/join", after=["b/x"])
    for parent in ("b/y", "b/z"):
        engine.client.srem(engine.store.key("after", parent), "b/join")
    (problem,) = fsck.check(engine.store)
    assert str(problem) == f"b/join@{AT} waits for parents that have all ended"
    fsck.repair(engine.store)
    engine.runs.tick("s1")
    assert not engine.client.exists(key)
    assert fsck.check(engine.store) == []


def test_a_schedule_that_a_join_of_another_board_goes_by_stays_shared(project: Project) -> None:
    two = 'early: {run: x, cron: "0 2 * * *"}\nlate: {run: x, cron: "0 2 * * *"}'
    project.board("etl", two)
    project.board("report", "all: {run: x, after: [etl/early, etl/late]}")
    project.sync()
    project.board("etl", two.replace("0 2", "0 3", 1))
    refused = project.run("plan", "boards/etl.yaml")
    assert refused.code == 65
    assert "etl/early and etl/late have no schedule in common" in refused.err
    live = project.run("set", "etl/early", "cron=0 3 * * *")
    assert live.code == 64


def test_what_a_join_waits_for_is_told(project: Project, engine: Engine) -> None:
    engine.finish(_branch(engine)["x"])
    said = project.ok("why", "b/join").out
    assert "waiting" in said
    assert "for b/y, b/z of the same nominal" in said


def test_a_join_that_a_live_edit_keeps_apart_is_a_conflict(project: Project) -> None:
    two = 'early: {run: x, cron: "0 2 * * *"}\nlate: {run: x, cron: "0 2 * * *"}\n'
    project.board("etl", two)
    project.sync()
    project.ok("set", "etl/late", "cron=0 3 * * *")
    project.board("etl", two + "all: {run: x, after: [early, late]}")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 3
    told = project.run("plan").out
    assert "etl/all would run after jobs of several schedules: etl/early and etl/late" in told
    project.ok("sync", "--auto-approve", "--on-drift", "revert")
