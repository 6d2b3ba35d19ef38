from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.store.boards import holds
from jobboard.store.calls import clocks
from jobboard.store.runs import listing, past, walking

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

HOURLY = {"cron": "0 * * * *"}


def job(**more: Any) -> dict[str, Any]:
    return {"command": {"run": "true"}, **more}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": job(schedule=HOURLY), "b": job(), "gpu": job(queue="gpu")}, due={"a": 1})
    return told_story


def test_without_any_run_it_says_where_to_look(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(store, capsys, "runs") == "No run yet. jobboard ls lists the jobs.\n"
    assert told(store, capsys, "runs", "--state", "ok") == "No such run. jobboard ls lists the jobs.\n"
    assert "jobboard why ops/b" in told(store, capsys, "runs", "b")


def test_live_runs_come_first_then_the_newest(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = story.ran("ops/a"), story.ran("ops/b", "failed", exit_code=3, reason="exit 3")
    queued = story.runs.start_run("ops/gpu", by="ana")
    said = asked(store, capsys, "runs")
    assert [run["run"] for run in said["runs"]] == [queued, second, first]
    assert [run["state"] for run in said["runs"]] == ["queued", "failed", "ok"]
    assert said["runs"][1]["reason"] == "exit 3"
    assert said["runs"][1]["exit"] == 3
    assert said["runs"][1]["duration_ms"] == 500
    assert said["complete"] is True
    lines = told(store, capsys, "runs").splitlines()
    assert lines[0].split() == ["STATE", "RUN", "AT", "(UTC)", "TOOK", "WHY"]
    assert lines[1].endswith("queue gpu")
    assert lines[2].endswith("500ms  exit 3")


def test_nominals_passed_over_are_rows_with_reason_and_count(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    holds.pause(store, "job:ops/a", by={"actor": "luis"}, reason="vendor", until_ms=None)
    now_ms = clocks.now_ms(store)
    for n in (1, 2):
        story.fire("ops/a", now_ms + n, next_due_ms=1)
    (row,) = asked(store, capsys, "runs", "a")["runs"]
    assert (row["state"], row["reason"], row["count"]) == ("held", "paused by luis: vendor", 2)
    assert row["run"] is None
    assert "held 2 times" in told(store, capsys, "runs")


def test_states_and_jobs_narrow_it_down(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    ok, failed = story.ran("ops/a"), story.ran("ops/a", "failed", reason="exit 1")
    other, queued = story.ran("ops/b", "failed", reason="exit 1"), story.runs.start_run("ops/gpu", by="ana")

    def found(*words: str) -> list[str]:
        return [run["run"] for run in asked(store, capsys, "runs", *words)["runs"]]

    assert found("--state", "failed") == [other, failed]
    assert found("--state", "ok", "--state", "failed") == [other, failed, ok]
    assert found("a", "--state", "failed") == [failed]
    assert found("--state", "queued") == [queued]
    assert found("-n", "2") == [queued, other]
    assert found("gpu", "--state", "lost") == []


def test_since_takes_a_span_or_an_instant(
    store: Store, story: Story, clock: StoreClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/a")
    clock.advance(3 * 3_600_000)
    young = story.ran("ops/b")
    for since in ("2h", "PT2H"):
        assert [r["run"] for r in asked(store, capsys, "runs", "--since", since)["runs"]] == [young]
    assert asked(store, capsys, "runs", "--until", "2999-01-01")["runs"] != []
    assert jobboard(store, "runs", "--since", "2999-01-01") == 64
    assert "--since: 2999-01-01 is yet to come" in capsys.readouterr().err
    assert jobboard(store, "runs", "--since", "soon") == 64
    assert "neither a span nor an instant" in capsys.readouterr().err


def test_it_says_how_far_it_looked(store: Store, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(past.KEPT_BY_JOB + 3):
        story.ran("ops/a")
    assert "Looked back to" in told(store, capsys, "runs", "-n", "4")
    assert asked(store, capsys, "runs", "-n", "4")["complete"] is False
    said = asked(store, capsys, "runs", "a", "-n", "50")
    assert len(said["runs"]) == past.KEPT_BY_JOB + 3
    assert said["complete"] is True


def test_a_state_there_is_none_of_names_those_there_are(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobboard(store, "runs", "--state", "flying") == 64
    assert "running" in capsys.readouterr().err


def test_a_live_run_tells_what_it_waits_for(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.board("etl", {"load": job(locks={"db": 1}), "retry": job()})
    story.worker()
    for address in ("etl/load", "etl/load", "etl/retry"):
        story.runs.start_run(address, by="ana")
    for run in story.reserve():
        if run.address == "etl/retry":
            story.finish(run, "retry", delay_ms=3_600_000, reason="exit 9")
    out = told(store, capsys, "runs")
    assert "on web-1" in out
    assert "for lock db" in out
    assert "until" in out
    assert "exit 9" in out


def test_board_worker_and_group_narrow(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(store)
    for board in ("ops", "shop"):
        story.board(board, {"a": {"command": {"run": "true"}}})
    ran = {board: story.ran(f"{board}/a", "failed", reason=f"exit {len(board)}") for board in ("ops", "shop")}
    for words in (["--board", "shop"], ["--group", "exit 4"]):
        assert [run["run"] for run in asked(store, capsys, "runs", *words)["runs"]] == [ran["shop"]]
    assert len(asked(store, capsys, "runs", "--worker", "web-1")["runs"]) == 2
    assert asked(store, capsys, "runs", "--worker", "web-2")["runs"] == []
    assert told(store, capsys, "runs", "--group", "none").startswith("No such run")


def test_queue_tag_and_time_narrow(
    store: Store, story: Story, clock: StoreClock, capsys: pytest.CaptureFixture[str]
) -> None:
    story.board(
        "etl", {"a": job(queue="slow", tags=["acme"]), "b": job(schedule=HOURLY, tags=["acme"])}, due={"b": 1}
    )
    story.runs.start_run("etl/a", by="ana")
    story.worker(queues=["slow"])
    (run,) = story.reserve(queues=["slow"])
    story.finish(run)
    clock.advance(3_600_000)
    young, waiting = story.ran("ops/b"), story.runs.start_run("etl/a", by="ana")
    holds.pause(store, "tag:acme", by={"actor": "luis"}, reason=None, until_ms=None)
    story.fire("etl/b", clocks.now_ms(store) + 1)

    def found(*words: str) -> list[str]:
        return [run["run"] or run["state"] for run in asked(store, capsys, "runs", *words)["runs"]]

    assert found("--queue", "slow") == [waiting, run.run_id]
    assert found("--queue", "slow", "--state", "queued") == [waiting]
    assert found("--queue", "common") == [young]
    assert found("--tag", "acme") == [waiting, "held", run.run_id]
    assert found("--until", "30m") == [run.run_id]
    assert found("ops/a", "--until", "30m") == []
    assert found("etl/a", "--until", "30m") == [run.run_id]
    assert found("--since", "2h", "--until", "30m", "--tag", "db") == []
    assert told(store, capsys, "runs", "--tag", "db").startswith("No such run")


def test_an_end_of_the_span_is_where_the_walk_begins(
    story: Story, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.ran("ops/a")
    ids = store.client.xinfo_stream(store.key("history"))["last-generated-id"].decode()
    at_ms = int(ids.partition("-")[0])
    monkeypatch.setattr(walking, "_LATEST_MS", 0)
    found = walking.walk(store, lambda _: True, limit=9, until_ms=at_ms - 1)
    assert (found.looked_at, found.complete) == (0, True)
    assert walking.walk(store, lambda _: True, limit=9, until_ms=at_ms + 1).looked_at == 1


def test_it_says_among_how_many_live_runs_it_looked(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        story.runs.start_run("ops/gpu", by="ana")
    monkeypatch.setattr(listing, "_LIVE_LOOKED_AT", 1)
    assert "Looked at 1 of 3 runs that are not over." in told(
        store, capsys, "runs", "--board", "ops", "-n", "1"
    )


def test_where_there_is_none_it_says_what_is_not_there(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    none = "No such run. jobboard ls lists the jobs.\n"
    assert told(store, capsys, "runs", "--board", "ops") == none
    said = told(store, capsys, "runs", "--board", "opps", "--queue", "gpus", "--tag", "db")
    assert said == (
        f"{none}There is no board opps: did you mean ops?\n"
        "No run has been in a queue gpus, and nobody serves it.\n"
        "No job has the tag db.\n"
    )
