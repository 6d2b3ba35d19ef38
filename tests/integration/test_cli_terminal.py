"""What a person at a real terminal meets: its width, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import wait_for_event
from kit.story import Story

from jobboard.store.calls import clocks
from jobboard.store.runs import past

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store

JOB: dict[str, Any] = {"command": {"run": "true"}, "schedule": {"cron": "0 * * * *"}}


def command(store: Store, *words: str) -> list[str]:
    return [sys.executable, "-m", "jobboard", *words, "--redis", store.url, "--namespace", store.namespace]


def on_terminal(store: Store, *words: str, columns: int = 60) -> list[str]:
    """The lines a command writes to a terminal of that width."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(command(store, *words), stdout=theirs, env={**environ, "NO_COLOR": "1"}) as process:
        os.close(theirs)
        written = b""
        while piece := _read(ours):
            written += piece
        os.close(ours)
        assert process.wait() == 0
    return written.decode().splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # How Linux says that the other side of a terminal is closed.
        return b""


@pytest.fixture
def story(store: Store) -> Story:
    told = Story(store)
    told.board("ops", {"nightly-report": JOB, "b": JOB}, due={"nightly-report": 1})
    told.ran("ops/b", "failed", reason="exit 3", exit_code=3)
    now_ms = clocks.now_ms(store)
    told.fire("ops/nightly-report", now_ms - 2, next_due_ms=1)
    told.fire("ops/nightly-report", now_ms - 1, next_due_ms=now_ms + 3_600_000)
    return told


@pytest.mark.parametrize("columns", [60, 72, 80])
@pytest.mark.parametrize("what", ["ls", "runs"])
def test_lists_fit_narrow_terminals(store: Store, story: Story, what: str, columns: int) -> None:
    lines = on_terminal(store, what, columns=columns)
    assert max(map(len, lines)) <= columns
    assert any("nightly-report" in line for line in lines)


def test_jobs_keep_their_schedules_on_sixty_columns(store: Store, story: Story) -> None:
    schedule = {"cron": "30 4 * * 1-5", "timezone": "Europe/Madrid"}
    story.board("ops", {"a": {**JOB, "schedule": schedule}}, due={"a": clocks.now_ms(store)})
    assert any(
        line.strip() == "at 04:30 Monday to Friday (Europe/Madrid)" for line in on_terminal(store, "ls")
    )
    (wide,) = [line for line in on_terminal(store, "ls", columns=140) if "04:30 Monday" in line]
    assert wide.startswith("ops/a ")


def test_runs_keep_their_reasons_on_sixty_columns(store: Store, story: Story) -> None:
    for columns in (60, 72, 80):
        assert any("exit 3" in line for line in on_terminal(store, "runs", columns=columns))
    (wide,) = [line for line in on_terminal(store, "runs", columns=140) if "exit 3" in line]
    assert "ops/b@" in wide


@pytest.mark.parametrize("columns", [60, 80])
def test_a_table_too_wide_folds_its_cells_and_loses_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    words = "the quick brown fox jumps over it and back tomorrow"
    board = tmp_path / "boards" / "a-board-of-some-length.yaml"
    board.parent.mkdir()
    board.write_text(f"board: ops\njobs:\n  a: {{run: echo {words}, timeout: 10m}}\n")
    monkeypatch.chdir(tmp_path)
    lines = on_terminal(store, "explain", "ops/a", "--files", columns=columns)
    assert max(map(len, lines)) <= columns
    start = next(n for n, line in enumerate(lines) if line.startswith("command"))
    end = next(n for n, line in enumerate(lines) if line.startswith("timeout"))
    assert all(line.startswith(" " * 10) for line in lines[start + 1 : end])
    told = " ".join(" ".join(lines[start:end]).split())
    assert all(word in told for word in ("command", "quick", "tomorrow"))
    assert "yaml:3:12" in told
    assert "job" in told


@pytest.mark.parametrize("columns", [40, 60])
def test_doctor_and_simulations_fit_narrow_terminals(
    store: Store, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    board = tmp_path / "boards" / "ops.yaml"
    board.parent.mkdir()
    board.write_text('board: ops\njobs:\n  a: {run: x, cron: "*/7 * * * *"}\n')
    monkeypatch.chdir(tmp_path)
    assert max(map(len, on_terminal(store, "doctor", columns=columns))) <= columns
    assert max(map(len, on_terminal(store, "simulate", "--hours", "2", columns=columns))) <= columns


def test_reasons_wrap_beside_their_states(store: Store, story: Story) -> None:
    lines = on_terminal(store, "why", "nightly-report")
    start = next(n for n, line in enumerate(lines) if "skipped" in line)
    assert lines[start + 1].startswith(" " * 20)
    assert max(map(len, lines[start : start + 3])) <= 80


def test_ctrl_c_ends_following_quietly(store: Store, story: Story) -> None:
    story.worker()
    (run,) = story.reserve()
    story.runs.output(run.run_id, run.token, 1, [b"first\n"])
    with subprocess.Popen(
        command(store, "logs", "-f", run.run_id), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        said = process.stderr.read().decode()
    assert said == f"{run.run_id} goes on; jobboard cancel {run.run_id} stops it\n"
    assert past.live_runs(store, run.address)[0].state == "running"


def test_ctrl_c_leaves_a_run_that_was_started_by_hand(store: Store, story: Story) -> None:
    with subprocess.Popen(
        command(store, "run", "-f", "ops/b"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline().decode()
        event = wait_for_event(store, lambda e: e["e"] == "queued" and e["job"] == "ops/b")
        story.worker()
        run = next(run for run in story.reserve() if run.address == "ops/b")
        story.runs.output(run.run_id, run.token, 1, [b"first\n"])
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        said = process.stderr.read().decode()
    assert event["job"] == "ops/b"
    assert "ops/b@" in first or "worker" in first
    assert "goes on; jobboard cancel" in said
