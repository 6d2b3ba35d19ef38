"""`jobboard up` as a person runs it: one process, Ctrl-C once, Ctrl-C twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from jobboard.settings import Settings, default_namespace
from jobboard.store.calls.connect import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOARD = """\
board: long
jobs:
  nap:
    run: echo started > {flag}; while [ ! -e {go} ]; do sleep 0.02; done
    every: 1s
    runs: 1
    kill_after: 1s
"""


@contextmanager
def up(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, in a project of its own; whose job has started when this is entered."""
    flag, go = folder / "flag", folder / "go"
    os.mkfifo(flag)
    (folder / "boards").mkdir()
    (folder / "boards" / "long.yaml").write_text(BOARD.format(flag=flag, go=go))
    with coming_up(folder) as started:
        # Opening a FIFO waits for the other end: the job's first words.
        assert flag.read_text() == "started\n"
        yield started


@contextmanager
def coming_up(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, as it starts."""
    environ = {**os.environ, "JOBBOARD_HOME": str(folder / "home")}
    started = subprocess.Popen(
        [sys.executable, "-m", "jobboard", "up"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()
        # A killed client leaves its server running; the next one adopts it, and ends it by being the last.
        with open_store(Settings("embedded://", "after", folder / "home", "ana", "cli", folder)):
            pass


def test_it_serves_the_runners_of_the_project_that_are_here(tmp_path: Path) -> None:
    declared = "runners:\n  console: {}\n  own: {exec: [cat]}\n  sql: {}\n"
    (tmp_path / "jobboard.yaml").write_text(declared)
    with up(tmp_path):
        environ = {**os.environ, "JOBBOARD_HOME": str(tmp_path / "home")}
        asked = [sys.executable, "-m", "jobboard", "workers", "-o", "json"]
        said = subprocess.run(asked, cwd=tmp_path, env=environ, check=True, capture_output=True, text=True)
        (worker,) = json.loads(said.stdout)["workers"]
        assert worker["queues"][:3] == ["common", "common:console", "common:own"]


def test_once_it_says_that_it_is_up_the_store_knows_its_scheduler_and_its_worker(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    namespace = default_namespace("embedded://", tmp_path.resolve())
    settings = Settings("embedded://", namespace, tmp_path / "home", "ana", "cli", tmp_path)
    with open_store(settings) as store, coming_up(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Up on embedded")
        assert store.client.zcard(store.key("workers")) == 1
        assert store.client.zcard(store.key("schedulers")) == 1


def read_until(stream: IO[str] | None, words: str) -> str:
    assert stream is not None
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"it never said {words!r}")


def test_the_first_ctrl_c_lets_running_jobs_finish_and_tells_of_them(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        read_until(process.stdout, "Ctrl-C again ends them")
        (tmp_path / "go").touch()
        assert read_until(process.stdout, "long/nap@").split()[1] == "ok"
        read_until(process.stdout, "Down.")
        assert process.wait(20) == 0


def test_the_second_does_not(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        read_until(process.stdout, "Ctrl-C again ends them")
        process.send_signal(signal.SIGINT)
        assert "the worker was stopped" in read_until(process.stdout, " queued ")
        read_until(process.stdout, "Down.")
        assert process.wait(20) == 0
        assert not (tmp_path / "go").exists()


def test_a_try_that_failed_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    board = "board: b\njobs:\n  a: {run: exit 3, every: 1s, runs: 1, retries: {max: 1, delay: 1ms}}\n"
    (tmp_path / "boards" / "b.yaml").write_text(board)
    with coming_up(tmp_path) as process:
        assert read_until(process.stdout, " retry ").endswith("  exit 3; again in 1ms\n")
        assert read_until(process.stdout, " failed ").endswith("  exit 3\n")
