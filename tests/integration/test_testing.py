"""What users test their jobs with: a job run once, and what it reports; no server anywhere."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from jobboard import errors, testing
from jobboard.report import progress

if TYPE_CHECKING:
    from pathlib import Path

BOARD = """\
board: shop
jobs:
  prints: {run: 'echo "$JOBBOARD_JOB $JOBBOARD_NOMINAL $JOBBOARD_ATTEMPT"; cat', timeout: 20s}
  after-another: {run: "true", after: elsewhere/job}
  fails: {run: exit 3, retries: {max: 1, on: [3]}}
  defers: {run: exit 75}
  hangs: {run: "echo on; trap 'exit 5' TERM; sleep 60 & wait", timeout: 300ms}
  stubborn: {run: "trap '' TERM; echo on; while :; do sleep 1; done", timeout: 200ms, kill_after: 200ms}
  leaves: {run: "sleep 60 & echo done"}
  absent: {exec: [no-such-program]}
  secret: {run: echo $S, env: {S: "${env:SHOP_SECRET}"}}
  calls:
    call: handlers:build
    with: {region: eu}
  breaks: {call: "handlers:breaks"}
"""
HANDLERS = """\
import os, sys
from jobboard.job import Failed, current, progress

def build(region):
    for percent in range(0, 101, 5):
        progress(percent, region)
    print(current().nominal.isoformat(), sys.stdin.read(), os.environ["HOME"] is not None)

def breaks():
    raise Failed("the disk is full", group="disk", exit_code=4)
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "handlers.py").write_text(HANDLERS)
    path = tmp_path / "boards" / "shop.yaml"
    path.write_text(BOARD)
    return path


def test_a_command_runs_as_a_worker_would_run_it(board: Path) -> None:
    result = testing.run(board, "prints", nominal="2026-03-29T01:00:00Z", payload="hello", attempt=2)
    assert (result.ok, result.exit, result.reason) == (True, 0, "")
    assert result.text == "shop/prints 2026-03-29T01:00:00Z 2\nhello"


def test_a_nominal_may_be_a_datetime_with_a_zone(board: Path) -> None:
    nominal = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert "2026-03-29T01:00:00Z" in testing.run(board, "prints", nominal=nominal).text
    with pytest.raises(ValueError, match="has no zone"):
        testing.run(board, "prints", nominal=nominal.replace(tzinfo=None))


def test_the_verdict_is_the_one_a_worker_comes_to(board: Path) -> None:
    assert testing.run(board, "fails").verdict == "retry"
    last = testing.run(board, "fails", attempt=2)
    assert (last.verdict, last.reason) == ("failed", "exit 3")
    assert testing.run(board, "defers").verdict == "defer"


@pytest.mark.parametrize(("job", "code", "signal"), [("hangs", 5, None), ("stubborn", None, "SIGKILL")])
def test_a_timeout_ends_a_command(board: Path, job: str, code: int | None, signal: str | None) -> None:
    result = testing.run(board, job)
    assert result.reason.startswith("timeout after ")
    assert (result.exit, result.signal, result.text) == (code, signal, "on\n")


def test_what_a_command_leaves_behind_keeps_nobody_waiting(board: Path) -> None:
    assert testing.run(board, "leaves").text == "done\n"


def test_a_program_that_is_not_there_fails_in_words(board: Path) -> None:
    result = testing.run(board, "absent")
    assert (result.verdict, result.exit) == ("failed", 127)
    assert result.reason == "exit 127: command not found: no-such-program"


def test_references_come_from_the_environment_of_the_test(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert testing.run(board, "secret").reason == "${env:SHOP_SECRET} is not set where the worker runs"
    monkeypatch.setenv("SHOP_SECRET", "hush")
    assert testing.run(board, "secret").text == "hush\n"


def test_what_other_boards_hold_is_not_asked_for(board: Path) -> None:
    assert testing.run(board, "after-another").ok


@pytest.mark.parametrize("in_process", [False, True])
def test_a_function_is_called_and_its_reports_are_kept(board: Path, in_process: bool) -> None:
    nominal = "2026-03-29T01:00:00Z"
    result = testing.run(board, "calls", nominal=nominal, payload={"a": 1}, in_process=in_process)
    assert result.ok, result.text
    assert result.text == '2026-03-29T01:00:00+00:00 {"a": 1} True\n'
    assert [report.percent for report in result.reports] == list(range(0, 101, 5))
    assert {report.text for report in result.reports} == {"eu"}


@pytest.mark.parametrize("in_process", [False, True])
def test_a_function_that_fails_says_why(board: Path, in_process: bool) -> None:
    result = testing.run(board, "breaks", in_process=in_process)
    assert (result.verdict, result.exit) == ("failed", 4)
    assert (result.failure, result.group) == ("the disk is full", "disk")
    assert result.reason == "exit 4: the disk is full"


def test_only_a_function_can_be_called_here(board: Path) -> None:
    with pytest.raises(errors.UsageError, match="only a job that calls a function"):
        testing.run(board, "prints", in_process=True)


def test_variables_and_environments_of_the_project_count(board: Path, tmp_path: Path) -> None:
    (tmp_path / "jobboard.yaml").write_text("variables: {WHO: you}\nqueues: {common: {env: {Q: queue}}}\n")
    board.write_text("board: shop\njobs:\n  greet: {run: 'echo ${var:WHO} $Q'}\n")
    assert testing.run(board, "greet").text == "you queue\n"
    assert testing.run(board, "greet", variables={"WHO": "me"}).text == "me queue\n"


def test_what_is_wrong_is_said_as_everywhere(board: Path) -> None:
    with pytest.raises(errors.UsageError, match='there is no job "prnts" on shop'):
        testing.run(board, "prnts")
    board.write_text("board: shop\njobs:\n  a: {}\n")
    with pytest.raises(errors.InvalidBoards):
        testing.run(board, "a")


def test_a_recorder_hears_this_process_and_those_it_starts() -> None:
    assert not progress(1)
    with testing.record() as recorder:
        for percent in range(50):
            assert progress(percent)
        assert len(recorder.reports) == 50
        command = "from jobboard.report import progress; progress(text='child', failure='no', group='g')"
        subprocess.run([sys.executable, "-c", command], check=True)
    assert recorder.reports[-1] == testing.Report(None, "child")
    assert (recorder.failure, recorder.group) == ("no", "g")
    assert not progress(1)
