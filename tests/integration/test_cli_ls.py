from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.story import Story

from jobboard.cli.main import main
from jobboard.store.boards import holds
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

HOURLY = {"cron": "0 * * * *"}


@pytest.fixture(autouse=True)
def _here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBBOARD_REDIS_URL", store.url)
    monkeypatch.setenv("JOBBOARD_NAMESPACE", store.namespace)


def job(text: str = "true", **more: Any) -> dict[str, Any]:
    return {"command": {"run": text}, **more}


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["ls", "-o", "json", *words]) == 0
    return [entry["job"] for entry in json.loads(capsys.readouterr().out)["jobs"]]


def test_it_says_how_to_begin_when_there_is_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 0
    said = capsys.readouterr().out
    assert f"namespace {store.namespace}. jobboard sync" in said, "a reader may be in the wrong one"
    assert listed(capsys) == []


def test_it_lists_jobs_with_next_and_last(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(store)
    story.board("ops", {"backup": job(schedule=HOURLY), "report": job(after=["ops/backup"]), "x": job()})
    story.ran("ops/backup", "failed", exit_code=3, reason="exit 3")
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    head, backup, report, by_hand, _, summary = out.splitlines()
    assert head.split() == ["JOB", "NEXT", "LAST", "RUN", "SCHEDULE"]
    assert backup.startswith("ops/backup")
    assert "failed" in backup
    assert "(500ms)" in backup
    assert report.endswith("after ops/backup")
    assert by_hand.endswith("by hand")
    assert summary == "3 jobs, 1 failed last."


def test_it_says_by_whose_clock_times_are(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(store)
    madrid = {**HOURLY, "timezone": "Europe/Madrid"}
    story.board("ops", {"a": job(schedule=madrid), "idle": job()}, due={"a": clocks.now_ms(store)})
    assert main(["ls"]) == 0
    assert capsys.readouterr().out.endswith("2 jobs. Times are by the clock of Europe/Madrid.\n")
    story.ran("ops/idle")
    assert main(["ls"]) == 0
    assert "2 jobs. Times are by each job's own clock: Europe/Madrid, UTC." in capsys.readouterr().out
    assert main(["why", "ops/a"]) == 0
    assert "  Times are by the clock of Europe/Madrid.\n" in capsys.readouterr().out
    assert main(["why", "ops/idle"]) == 0
    assert "clock" not in capsys.readouterr().out


def test_it_says_what_is_past_due_and_was_not_started(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    board = {"a": job(schedule=HOURLY), "b": job(schedule=HOURLY)}
    Story(store).board("ops", board, due={"a": clocks.now_ms(store), "b": 1})
    assert main(["ls"]) == 0
    assert "Past due, and not started: 1. jobboard why ops/b says why.\n" in capsys.readouterr().out


def test_it_filters(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(store)
    story.board("ops", {"a": job(tags=["db"]), "b": job(enabled=False), "good": job(), "bad": job()})
    story.board("etl", {"a": job()})
    story.ran("ops/good")
    story.ran("ops/bad", "failed", reason="exit 1")
    story.runs.start_run("ops/a", by="ana")
    holds.pause(store, "job:ops/good", by={"actor": "ana"}, reason=None, until_ms=None)
    assert listed(capsys, "ops") == ["ops/a", "ops/b", "ops/bad", "ops/good"]
    assert listed(capsys, "a") == ["etl/a", "ops/a"]
    assert listed(capsys, "*d") == ["ops/bad", "ops/good"]
    assert listed(capsys, "--tag", "db") == ["ops/a"]
    assert listed(capsys, "--failed") == ["ops/bad"]
    assert listed(capsys, "--running") == ["ops/a"]
    assert listed(capsys, "--paused") == ["ops/good"]
    assert listed(capsys, "--disabled") == ["ops/b"]
    assert listed(capsys, "--tag", "none") == []


def test_it_marks_what_is_special(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(store)
    story.board("ops", {"past": job(schedule={"at": [1_000]}), "off": job(enabled=False)})
    holds.pause(store, "board:ops", by={"actor": "ana"}, reason=None, until_ms=None)
    assert main(["ls", "-o", "json"]) == 0
    flags = {e["job"]: e["flags"] for e in json.loads(capsys.readouterr().out)["jobs"]}
    assert flags == {"ops/off": ["disabled", "paused"], "ops/past": ["paused", "completed"]}


def test_a_run_under_what_was_held_since_is_still_the_last_run(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(store)
    story.board("ops", {"a": job(schedule=HOURLY)}, due={"a": 1})
    story.ran("ops/a", "failed", reason="exit 1")
    holds.pause(store, "all", by={"actor": "ana"}, reason=None, until_ms=None)
    assert story.fire("ops/a", clocks.now_ms(store) + 1)[0] == "HELD"
    assert listed(capsys, "--failed") == ["ops/a"]


def test_an_unknown_name_names_the_boards(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Story(store).board("ops", {"a": job()})
    assert main(["ls", "opz"]) == 64
    assert "the boards are ops" in capsys.readouterr().err
