from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.cli.main import main
from jobboard.core.jobs.model import FIELDS, effective
from jobboard.source.files import read
from jobboard.source.loader import load
from jobboard.source.origin import explain
from jobboard.source.projectfile import load_project

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """\
defaults: {timeout: 5m, env: {A: "1", B: "1"}}
profiles:
  q: {queue: slow}
"""
BOARD = """\
board: b
timezone: Europe/Madrid
defaults:
  env: {B: "2"}
  jitter: 1m
profiles:
  nightly:
    cron: "0 2 * * *"
    timeout: 1h
jobs:
  one:
    run: echo
    extend: [nightly, q]
    env: {C: "${var:C:-3}"}
    locks: [db, "3:api"]
  two:
    for_each: [x, y]
    run: echo ${each:key}
    timeout: null
  three:
    extend: nightly
    exec: [a]
    every: 1h
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text(BOARD)
    (tmp_path / "jobboard.yaml").write_text(PROJECT)
    return tmp_path


def origins(root: Path, job: str) -> dict[str, Any]:
    project = load_project(root)
    (board,) = load([read(root / "boards" / "b.yaml", root, project)]).boards
    found = {}
    for value in explain(board, job, project):
        source = value.source
        found[value.path] = None if source is None else (source.layer, source.line)
    return found


def test_every_value_comes_from_the_uppermost_layer_that_says_it(root: Path) -> None:
    found = origins(root, "one")
    assert {path: origin for path, origin in found.items() if origin is not None} == {
        "command": ("job", 12),
        "schedule": ("profile nightly", 8),
        "schedule.cron": ("profile nightly", 8),
        "schedule.timezone": ("board", 2),
        "schedule.jitter": ("board defaults", 5),
        "timeout": ("profile nightly", 9),
        "queue": ("project profile q", 3),
        "env.A": ("project defaults", 1),
        "env.B": ("board defaults", 4),
        "env.C": ("job", 14),
        "locks.api": ("job", 15),
        "locks.db": ("job", 15),
    }


def test_what_is_displaced_is_not_shown(root: Path) -> None:
    found = origins(root, "three")
    assert found["schedule"] == ("job", 23)
    assert "schedule.cron" not in found
    assert "schedule.timezone" not in found


def test_every_field_is_there_with_the_value_in_force(root: Path) -> None:
    (board,) = load([read(root / "boards" / "b.yaml", root, load_project(root))]).boards
    values = {value.path: value.value for value in explain(board, "three", None)}
    for field, known in FIELDS.items():
        # A seed is no board's to say.
        if known.kind != "map" and field != "seed":
            assert values[field] == effective(board.jobs["three"], field)


def test_the_command_shows_what_is_over_what(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--files", "one"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["b/one"].endswith("boards/b.yaml:11")
    assert lines["timeout"].endswith(
        "boards/b.yaml:9:14  profile nightly, over project defaults (jobboard.yaml:1)"
    )
    assert lines["kill_after"].endswith("built in")
    assert main(["explain", "--files", "b/two-y"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["timeout"].endswith("built in, since job two, for_each takes it back (boards/b.yaml:19)")


def test_the_command_says_it_to_programs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--files", "two-x", "boards/b.yaml", "-o", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["job"], said["template"], said["line"]) == ("b/two-x", "two", 16)
    command = next(value for value in said["values"] if value["path"] == "command")
    assert command["source"] == {
        "layer": "job two, for_each",
        "file": "boards/b.yaml",
        "line": 18,
        "column": 10,
        "value": "echo x",
    }


def test_a_job_that_is_not_there_is_refused_with_the_one_that_was_meant(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--files", "thre"]) == 64
    assert "did you mean three?" in capsys.readouterr().err
    (root / "boards" / "c.yaml").write_text("board: c\njobs:\n  one: {run: a}\n")
    assert main(["explain", "--files", "one"]) == 64
    assert "write b/one or c/one" in capsys.readouterr().err
    (root / "boards" / "c.yaml").write_text("board: c\njobs:\n  one: {}\n")
    assert main(["explain", "--files", "b/one"]) == 65


def test_what_holds_for_a_queue_lies_between_project_and_board(root: Path) -> None:
    (root / "jobboard.yaml").write_text(
        "queues:\n"
        '  slow: {kill_after: 1m, nice: 3, timeout: 9h, env: {Q: "1"}, jitter: 5m}\n'
        "  common: {nice: 5}\n" + PROJECT
    )
    found = origins(root, "one")
    assert found["kill_after"] == ("queue slow", 2)
    assert found["env.Q"] == ("queue slow", 2)
    assert found["env.A"] == ("project defaults", 4)
    # The profile and the board have the last word.
    assert found["timeout"] == ("profile nightly", 9)
    assert found["schedule.jitter"] == ("board defaults", 5)
    assert origins(root, "three")["nice"] == ("queue common", 3)
    (board,) = load([read(root / "boards" / "b.yaml", root, load_project(root))]).boards
    assert [board.jobs[job].get("nice") for job in ("one", "three")] == [3, 5]
    assert board.jobs["one"]["env"] == {"A": "1", "B": "2", "C": "3", "Q": "1"}
    assert "kill_after" not in board.jobs["three"]
