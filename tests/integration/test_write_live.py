"""`plan --write-live`: what was edited live stands in the board files afterwards."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from jobboard import clock
from jobboard.reconcile.live import edit_job
from jobboard.source.files import SourceFile
from jobboard.source.loader import load

if TYPE_CHECKING:
    from kit.project import Project

BOARD = """\
# The night.
board: ops
timezone: Europe/Madrid

defaults: {timeout: 10m, env: {LANG: C}}   # for all

profiles:
  nightly:
    cron: "5 4 * * *"
    tags: [night]

jobs:
  # Everything, every night.
  backup:
    extend: nightly
    run: |
      set -e
      backup all
    env:
      # Where to.
      TARGET: "disk one"

  rotate: {run: rotate, every: 1h, tags: [logs, disk], env: {KEEP: "7"}}   # small

  report:
    exec: [report, --all]
    after: backup
    retries:
      max: 3
      delay: 30s   # be kind
    labels:
      team: ops

  last:
    run: x
"""


def test_live_values_stand_in_the_file_and_drift_is_over(project: Project) -> None:
    project.path("ops").write_text(BOARD)
    project.sync()
    project.ok("set", "ops/rotate", "timeout=20m", "env.KEEP=9")
    project.ok("set", "ops/backup", "env.LANG=", "run=backup some")
    planned = project.ok("plan", "--write-live")
    assert "Wrote 4 live values into boards/ops.yaml:" in planned.err
    assert "  ops/backup  env.LANG" in planned.err
    assert "drift" not in planned.out
    written = project.path("ops").read_text()
    assert (
        'rotate: {run: rotate, every: 1h, tags: [logs, disk], env: {KEEP: "9"}, timeout: 20m}   # small'
        in (written)
    )
    assert written.startswith("# The night.\nboard: ops\n")
    assert project.counts() == {"record": 2}
    project.sync()
    assert project.counts() == {}
    assert project.spec("ops/backup")["command"] == {"run": "backup some"}


def test_what_cannot_be_written_is_said_and_the_rest_is(project: Project) -> None:
    board = "board: ops\njobs:\n  each: {for_each: [a, b], run: x}\n  c: {run: x}\n"
    project.path("ops").write_text(board)
    project.sync()
    project.ok("set", "ops/each-a", "timeout=1m")
    project.ok("set", "ops/c", "timeout=2m")
    planned = project.run("plan", "--write-live")
    assert planned.code == 1
    assert (
        "not written: ops/each-a timeout: each-a is one of the jobs that for_each makes of each"
        in planned.err
    )
    assert project.path("ops").read_text() == board.replace("c: {run: x}", "c: {run: x, timeout: 2m}")
    assert "each-a.timeout" in planned.out


def test_a_conflict_and_a_file_that_changed_are_left_to_a_person(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}")
    project.sync()
    project.ok("set", "ops/a", "timeout=2m", "queue=slow")
    project.board("ops", "a: {run: x, timeout: 3m}")
    planned = project.run("plan", "--write-live")
    assert planned.code == 3
    assert "{run: x, timeout: 3m, queue: slow}" in project.path("ops").read_text()


def test_a_job_that_was_removed_is_taken_out_by_hand(project: Project) -> None:
    path = project.board("ops", "a: {run: x}\nb: {run: x}")
    project.sync()
    project.ok("rm", "ops/a", "--reason", "gone")
    before = path.read_text()
    planned = project.run("plan", "--write-live")
    assert planned.code == 1
    assert "ops/a job: the job was removed from Redis: take it out of the file by hand" in planned.err
    assert path.read_text() == before


def test_without_drift_nothing_is_written(project: Project) -> None:
    path = project.board("ops", "a: {run: x}")
    project.sync()
    before = path.stat().st_mtime_ns
    assert "Nothing was edited live" in project.ok("plan", "--write-live", "-o", "json").err
    assert path.stat().st_mtime_ns == before


def test_a_wrong_board_is_not_touched(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "timeout=1m")
    path = project.board("ops", "a: {run: x, tiemout: 1h}")
    before = path.read_bytes()
    assert project.run("plan", "--write-live").code == 65
    assert path.read_bytes() == before


EDITS: dict[str, list[Any]] = {
    "timeout": ["1m", "1h30m", None],
    "run": ["true", "a: b", "- x", "one\ntwo\n", "tab\there", "# no comment", 'it\'s "so"'],
    "every": ["1m", "36h"],
    "cron": ["@hourly", "1 2 * * 3", "H 2 * * *"],
    "priority": [5, -1, None],
    "queue": ["slow", None],
    "enabled": [False, True],
    "tags": [["a", "b"], ["night"], None],
    "labels.team": ["on", "1", "null", None],
    "labels.x/y": ["z"],
    "env.LANG": ["de_DE.UTF-8", None],
    "env.TARGET": ["", " spaced ", "${HOME}/x", None],
    "env.KEEP": ["08", "true", None],
    "retries.max": [0, 9],
    "retries.delay": ["45s"],
    "retries": [None, {"max": 2, "on": [75, "timeout"]}],
    "ok_exit": [[0, 3], None],
    "locks": [["disk"], {"disk": 2, "net": 1}, None],
    "description": ["äöü ✓", "two\nlines", None],
    "limits": [{"memory": "512M", "cpu": "1h"}, None],
}


def blocks(text: str) -> dict[str, str]:
    """By job the lines that are its; what stands above the jobs under an empty name."""
    found: dict[str, list[str]] = {"": []}
    for line in text.splitlines():
        if line.startswith("  ") and line[2].isalpha() and "jobs:" in found[""]:
            found[line.strip().partition(":")[0]] = []
        found[list(found)[-1]].append(line)
    return {job: "\n".join(lines).rstrip() for job, lines in found.items()}


@pytest.mark.parametrize("seed", range(25))
def test_random_live_edits_are_written_and_nothing_else_moves(project: Project, seed: int) -> None:
    chance = random.Random(seed)
    path = project.path("ops")
    path.write_text(BOARD)
    project.sync()
    live = project.live("ops")
    edited = set()
    for _ in range(chance.randint(1, 8)):
        job, key = chance.choice(sorted(live)), chance.choice(sorted(EDITS))
        if job == "report" and key in ("every", "cron"):
            continue
        value = chance.choice(EDITS[key])
        done = edit_job(
            project.store,
            f"ops/{job}",
            {key: value},
            by={"actor": "ana", "via": "cli", "host": "h", "reason": None},
            now_ms=clock.now_ms(),
        )
        edited |= {job} if done.fields else set()
    wanted = {job: definition.spec for job, definition in project.live("ops").items()}
    planned = project.run("plan", "--write-live")
    assert planned.code == 0, planned.err
    after = path.read_text()
    assert project.ok("lint").code == 0
    assert all(not board["drift"] for board in project.plan()["boards"])
    (board,) = load([SourceFile("boards/ops.yaml", after.encode(), "")]).boards
    assert board.jobs == wanted
    before, now = blocks(BOARD), blocks(after)
    assert list(now) == list(before)
    assert {job for job in before if now[job] != before[job]} <= edited
