"""A live value that is to win a conflict while the policy takes live values back: the way out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.cli.commands.set import parsed
from jobboard.core.jobs.override import laid, value_at
from jobboard.reconcile.contradiction import assignments
from jobboard.reconcile.live import with_keys

if TYPE_CHECKING:
    from kit.project import Project

BOARD = """
a: {run: x, cron: "0 2 * * *", timeout: 30m, env: {A: "1"}, retries: {max: 1}}
b: {run: x, priority: 1}
"""
MOVED = """
a: {run: z, cron: "0 4 * * *", timeout: 1h, env: {A: "3"}, retries: {max: 3}}
b: {run: x, priority: 3}
"""


@pytest.fixture
def contested(project: Project) -> Project:
    """A project whose file and store have both moved from what was applied."""
    project.board("ops", BOARD)
    project.sync()
    project.ok(
        "set", "a", "timeout=2h", "cron=30 3 * * 1-5", "env.A=yes: no", "retries.max=2", "run=echo 'hi' | cat"
    )
    project.ok("set", "b", "priority=")
    project.board("ops", MOVED)
    return project


@pytest.mark.parametrize("on_drift", ["revert", "exact"])
def test_the_commands_it_prints_work_as_they_stand(contested: Project, on_drift: str) -> None:
    flags = ("--on-drift", on_drift, "--on-conflict", "live")
    refused = contested.run("sync", "--auto-approve", *flags)
    assert refused.code == 64
    assert f"--on-drift {on_drift} takes back" in refused.err
    before = {name: dict(job.spec) for name, job in contested.live("ops").items()}
    commands = [
        shlex.split(line) for line in refused.err.splitlines() if line.strip().startswith("jobboard ")
    ]
    assert [words[1:4] for words in commands] == [
        ["override", "set", "ops/a"],
        ["override", "set", "ops/b"],
        ["sync", "--on-conflict", "file"],
    ]
    for words in commands[:2]:
        contested.ok(*words[1:])
    contested.ok(*commands[2][1:], "--auto-approve")
    after = contested.live("ops")
    assert {name: dict(laid(job)) for name, job in after.items()} == before
    assert after["a"].spec["timeout"] == 3_600_000
    assert "No changes." in contested.ok("plan").out
    contested.ok("override", "clear", "a")
    assert laid(contested.live("ops")["a"])["command"] == {"run": "z"}


def test_a_boards_own_policy_is_named(contested: Project) -> None:
    contested.board("ops", MOVED, head="reconcile: {on_drift: revert}\n")
    refused = contested.run("plan", "--on-conflict", "live")
    assert refused.code == 64
    assert "on_drift: revert of board ops takes back" in refused.err
    assert "jobboard override set ops/b priority= --for 24h" in refused.err


def test_without_a_conflict_there_is_nothing_to_lay(project: Project) -> None:
    project.board("ops", BOARD)
    for _ in range(2):
        refused = project.run("plan", "--on-drift", "revert", "--on-conflict", "live")
        assert refused.code == 64
        assert "override set" not in refused.err
        assert "--on-drift keep" in refused.err
        project.sync()


SPEC: dict[str, Any] = {"command": {"run": "x"}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timeout", 90_000),
        ("priority", -3),
        ("queue", "no"),
        ("description", 'yes: it\'s [odd] "text" # really'),
        ("description", " two\nlines "),
        ("env.A", "12"),
        ("env.A", "${env:HOME}/x y"),
        ("limits.memory", 512 << 20),
        ("limits.cpu", 60_000),
        ("locks.db", 3),
        ("command", {"exec": ["a b", "--c=d", ""]}),
        ("schedule", {"cron": "*/5 * * * 1-5", "timezone": "Europe/Madrid", "jitter": 5_000}),
        ("schedule", {"every": 60_000, "start": 1_800_000_000_000, "runs": 3}),
        ("schedule", {"at": [1_800_000_000_000]}),
        ("retries", {"max": 2, "delay": 5_000, "on": [1, "SIGKILL", "timeout"]}),
        ("ok_exit", [0, 3]),
        ("enabled", False),
        ("timeout", None),
        ("schedule", None),
    ],
)
def test_any_value_is_said_so_that_it_is_read_back(path: str, value: Any) -> None:
    words = shlex.split(" ".join(shlex.quote(word) for word in assignments(path, value, board="ops")))
    before = {**SPEC, "timeout": 5, "schedule": {"every": 5_000}}
    assert value_at(with_keys(before, parsed(words), "ops/a"), path) == value
