from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.store.runs import past
from jobboard.store.runs.queues import Rule, read_rules
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

SLOW = {"command": {"run": "true"}, "queue": "slow"}


@pytest.fixture
def runs(store: Store) -> Runs:
    Story(store).board("ops", {"a": SLOW, "b": SLOW})
    runs = Runs(store)
    runs.hello("w", host="h", pid=1, queues=["slow"], slots=4, lease_ms=60_000, version="0")
    for job in ("ops/a", "ops/b"):
        runs.start_run(job, by="ana")
    return runs


def test_what_waits_for_how_long_and_who_serves_it(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    (queue,) = asked(store, capsys, "queues")["queues"]
    assert (queue["queue"], queue["waiting"], queue["workers"], queue["paused"]) == ("slow", 2, 1, False)
    assert queue["oldest_ms"] >= 0
    assert "slow   2" in told(store, capsys, "queues")


def test_a_limit_is_set_kept_and_taken_away(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "1 at once" in told(store, capsys, "queues", "set", "slow", "--limit", "1")
    assert len(runs.reserve("w", ["slow"], 4)) == 1
    assert "1 at once, 30 in 1m" in told(store, capsys, "queues", "set", "slow", "--rate", "30/1m")
    assert read_rules(store) == {"slow": Rule(1, (30, 60_000))}
    assert "no limit" in told(store, capsys, "queues", "set", "slow", "--unlimited")
    assert len(runs.reserve("w", ["slow"], 4)) == 1


def test_an_aging_is_set_kept_and_taken_away(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "aging 10m" in told(store, capsys, "queues", "set", "slow", "--aging", "10m")
    assert "1 at once, aging 10m" in told(store, capsys, "queues", "set", "slow", "--limit", "1")
    assert "aging 10m" in told(store, capsys, "queues", "set", "slow", "--unlimited")
    (queue,) = asked(store, capsys, "queues")["queues"]
    assert (queue["limit"], queue["aging_ms"]) == (None, 600_000)
    assert "no limit" in told(store, capsys, "queues", "set", "slow", "--aging", "off")
    assert read_rules(store) == {}


def test_a_limit_says_which_queues_beside_have_their_own(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    Story(store).board("etl", {"wasm": {"command": {"runner": "wasm", "with": {}}, "queue": "slow"}})
    runs.start_run("etl/wasm", by="ana")
    out = told(store, capsys, "queues", "set", "slow", "--limit", "1")
    assert out.splitlines()[1].endswith("jobboard queues set slow:wasm.")
    assert asked(store, capsys, "pause", "--queue", "slow")["jobs"] == ["etl/wasm", "ops/a", "ops/b"]


def test_a_held_queue_keeps_its_runs(store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(store, capsys, "pause", "--queue", "slow", "--reason", "vendor")
    assert (said["scope"], said["jobs"], said["in_line"]) == ("queue:slow", ["ops/a", "ops/b"], 2)
    assert runs.reserve("w", ["slow"], 4) == []
    assert "paused" in told(store, capsys, "queues")
    assert "jobboard resume --queue slow" in told(store, capsys, "pause", "--queue", "slow")
    told(store, capsys, "resume", "--queue", "slow")
    assert len(runs.reserve("w", ["slow"], 4)) == 2


def test_what_is_beyond_a_number_is_called_off(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["queues", "trim", "slow", "--keep", "1"]
    assert jobboard(store, *words) == 64
    assert "This calls off 1 run of queue slow" in capsys.readouterr().err
    assert "1 run of queue slow" in told(
        store, capsys, "queues", "trim", "slow", "--keep", "1", "--auto-approve"
    )
    assert [run.address for run in runs.reserve("w", ["slow"], 4)] == ["ops/a"]
    assert past.last_records(store, "ops/b")[0].state == "cancelled"
    assert (
        told(store, capsys, "queues", "trim", "slow", "--keep", "0") == "0 runs of queue slow called off.\n"
    )


def test_what_has_waited_too_long_is_called_off(
    store: Store, clock: StoreClock, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.advance(7_200_000)
    runs.start_run("ops/a", by="ana")
    said = asked(store, capsys, "queues", "trim", "slow", "--older", "1h", "--auto-approve")
    assert [one["outcome"] for one in said["runs"]] == ["cancelled", "cancelled"]
    assert len(past.live_runs(store, "ops/a")) == 1


def test_a_trim_stops_nothing_that_has_started(runs: Runs) -> None:
    run, _ = runs.reserve("w", ["slow"], 4)
    assert runs.cancel(run.run_id, "ana", unstarted=True) == "STARTED"


@pytest.mark.parametrize(
    "words",
    [
        ["trim", "slow"],
        ["trim", "slow", "--keep", "1", "--older", "1h"],
        ["trim", "slow", "--older", "long"],
        ["trim", "slow", "--keep", "-1"],
        ["trim"],
        ["set", "slow"],
        ["set", "slow", "--limit", "0"],
        ["set", "slow", "--rate", "30"],
        ["set", "slow", "--rate", "30/soon"],
        ["set", "slow", "--limit", "1", "--unlimited"],
        ["set", "slow", "--aging", "soon"],
        ["set", "slow", "--aging", "5ms"],
        ["set", "../x", "--limit", "1"],
        ["set"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(store: Store, words: list[str]) -> None:
    assert jobboard(store, "queues", *words) == 64
    assert read_rules(store) == {}


def test_one_queue_is_shown_and_a_typo_says_which_there_are(
    store: Store, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [one["queue"] for one in asked(store, capsys, "queues", "slow")["queues"]] == ["slow"]
    assert jobboard(store, "queues", "slo") == 64
    said = capsys.readouterr().err
    assert "no run has been in a queue slo, and nobody serves it" in said
    assert "did you mean slow?" in said
