"""Workers as people see them; told to stop, and forgotten."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from kit import work
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard import __version__
from jobboard.store.runs import past
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store

JOB: dict[str, Any] = {"command": {"run": "true"}}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": JOB, "b": JOB})
    told_story.worker("web-1.a1", ["common", "slow"])
    return told_story


def test_each_is_shown_with_what_it_serves_and_runs(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.runs.start_run("ops/a", by="ana")
    (run,) = story.reserve("web-1.a1")
    (worker,) = asked(store, capsys, "workers")["workers"]
    assert (worker["worker"], worker["host"], worker["pid"], worker["version"]) == (
        "web-1.a1",
        "web",
        1,
        "0.1.0",
    )
    assert (worker["queues"], worker["slots"], worker["held"]) == (["common", "slow"], 4, 1)
    assert worker["runs"] == [{"run": run.run_id, "state": "running", "queue": "common"}]
    assert "web-1.a1  web   common, slow  1 of 4" in told(store, capsys, "workers")
    assert f"{run.run_id}  running for" in told(store, capsys, "workers", "web-1")


def test_slots_of_a_queues_own_are_shown(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.runs.hello(
        "w2",
        host="h",
        pid=1,
        queues=["common", "slow"],
        slots=4,
        own_slots={"slow": 1},
        lease_ms=60_000,
        version="9",
    )
    assert "common, slow=1" in told(store, capsys, "workers", "w2")
    assert "9 (not " in told(store, capsys, "workers", "w2")
    assert asked(store, capsys, "workers", "w2")["workers"][0]["own_slots"] == {"slow": 1}


def test_where_there_is_none_it_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert "jobboard worker starts one" in told(store, capsys, "workers")


def test_a_worker_that_is_drained_lets_its_runs_end_and_stops(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "gate")
    waits = {"command": {"run": f"echo up; read line < {tmp_path}/gate"}}
    work.board(store, {"first": waits, "next": JOB})
    with work.working(store, tmp_path) as worker:
        run_id = work.start(store, "first")
        work.until(lambda: work.output(store, run_id) == b"up\n")
        assert "takes nothing new" in told(store, capsys, "workers", "drain", worker.id)
        assert asked(store, capsys, "workers")["workers"][0]["state"] == "draining"
        work.until(lambda: worker._draining)
        later = work.start(store, "next")
        (tmp_path / "gate").write_text("go\n")
        assert work.finished(store, run_id)["state"] == "ok"
        work.until(lambda: store.client.zcard(store.key("workers")) == 0)
    assert [run.run_id for run in past.live_runs(store, "ops/next")] == [later]


def test_what_a_forgotten_worker_held_is_lost_at_once(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.runs.start_run("ops/a", by="ana")
    (run,) = story.reserve("web-1.a1")
    assert jobboard(store, "workers", "forget", "web-1") == 64
    assert "gives up web-1.a1 and 1 run of it" in capsys.readouterr().err
    assert "1 run of it lost" in told(store, capsys, "workers", "forget", "web-1", "--auto-approve")
    (again,) = past.live_runs(store, "ops/a")
    assert (again.run_id, again.state, again.lost) == (run.run_id, "queued", 1)
    assert asked(store, capsys, "workers")["workers"] == []
    assert fsck.check(store) == []


def test_a_name_that_two_have_is_not_enough(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.worker("web-1.b2")
    assert jobboard(store, "workers", "drain", "web-1") == 64
    assert "write web-1.a1 or web-1.b2" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["drain"], ["nobody"], ["a", "b"], ["forget", "nobody"]])
def test_what_makes_no_sense_is_a_usage_error(store: Store, words: list[str]) -> None:
    assert jobboard(store, "workers", *words) == 64


def test_another_version_and_a_program_of_another_language_are_told_apart(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, version in (("old.1", "0.0.9"), ("go.1", "function")):
        story.runs.hello(name, host="h", pid=1, queues=["common"], slots=1, lease_ms=60_000, version=version)
    rows = {line.split()[0]: line for line in told(store, capsys, "workers").splitlines() if line}
    assert rows["old.1"].endswith(f"0.0.9 (not {__version__})")
    assert rows["go.1"].endswith("function")
    assert rows["web-1.a1"].endswith(__version__)
    assert "older format" not in "".join(rows.values())
