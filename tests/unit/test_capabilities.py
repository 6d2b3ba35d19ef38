"""Every capability names its tests, on every surface, or says why there is none."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobboard import Client
from jobboard.cli.main import COMMANDS

TESTS = Path(__file__).parents[1]
SURFACES = ("board", "command", "client", "redis")
SEEDS = {"brooce", "qless", "albrow/jobs", "debrouwere/jobs", "cronq"}
TABLE: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((TESTS / "capabilities.yaml").read_text())
CAPABILITIES = {name: row for group in TABLE.values() for name, row in group.items()}


METHODS = {
    **{command: [command] for command in ("push", "put", "create", "undelete", "depend", "stats", "events")},
    **{command: [command] for command in ("runs", "why", "incidents", "pause", "resume", "cancel")},
    **{command: [command] for command in ("reschedule", "tag", "track", "untrack", "destroy")},
    "run": ["start", "wait"],
    "rm": ["remove"],
    "ls": ["jobs"],
    "show": ["job", "run"],
    "logs": ["output", "follow"],
    "inbox": ["inboxes", "rejected", "sort_out"],
    "queues": ["queues", "limit", "trim"],
    "workers": ["workers", "drain", "forget"],
    "locks": ["locks", "break_lock"],
    "skip-next": ["skip_next"],
    "reset": ["reset"],
    "set": ["edit"],
    "override": ["override", "clear_override"],
    "retry": ["retry", "retry_all"],
    "config": ["config", "configure"],
}
"""What a program calls where a person types a command."""
FOR_PEOPLE = {
    **dict.fromkeys(("init", "lint", "fmt", "schema", "explain", "graph", "adopt"), "it is about files"),
    **dict.fromkeys(("plan", "sync", "watch", "diff", "rollback", "release"), "boards are files and synced"),
    **dict.fromkeys(("history", "drift", "blame"), "it is about what was synced"),
    **dict.fromkeys(("next", "prev", "simulate", "test"), "it is about files, in virtual time"),
    **dict.fromkeys(("up", "scheduler", "worker", "demo"), "it is a process of its own"),
    **dict.fromkeys(("doctor", "fsck", "functions", "redis-cli"), "it is for who runs the store"),
    "progress": "from inside a job it is jobboard.job.progress",
}
"""Commands that no program has a method for, and why."""


@cache
def named_in(file: str) -> set[str]:
    """The tests of a file, wherever it lies, without their ``test_``."""
    (path,) = TESTS.glob(f"*/{file}.py")
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return {node.name.removeprefix("test_") for node in functions if node.name.startswith("test_")}


@pytest.mark.parametrize("name", CAPABILITIES)
def test_every_cell_names_a_test_that_there_is_or_a_reason(name: str) -> None:
    row = CAPABILITIES[name]
    assert list(row) == ["seeds", *SURFACES]
    for surface in SURFACES:
        file, named, test = row[surface].partition("::")
        if named:
            assert test in named_in(file), f"{surface}: there is no test {row[surface]}"
        else:
            word, _, reason = row[surface].partition(": ")
            assert word in ("no", "not yet")
            assert len(reason.split()) >= 3, f"{surface}: {row[surface]} is no reason"


def test_no_capability_stands_there_twice() -> None:
    assert len(CAPABILITIES) == sum(map(len, TABLE.values()))


def test_every_capability_is_tested_on_some_surface() -> None:
    untested = [name for name, row in CAPABILITIES.items() if not any("::" in row[s] for s in SURFACES)]
    assert untested == []


def test_every_seed_is_answered() -> None:
    seeds = [seed for row in CAPABILITIES.values() for seed in row["seeds"]]
    assert set(seeds) == SEEDS


def test_the_readme_names_every_method_of_the_client() -> None:
    readme = (TESTS.parent / "README.md").read_text()
    section = readme.partition("### From Python")[2].partition("\n### ")[0]
    methods = {name for name in dir(Client) if not name.startswith("_")} - {"close"}
    assert {name for name in methods if f"`{name}`" not in section} == set()


def test_every_command_is_a_method_of_the_client_or_for_people() -> None:
    assert METHODS.keys() | FOR_PEOPLE.keys() == COMMANDS.keys()
    assert not METHODS.keys() & FOR_PEOPLE.keys()
    assert [name for names in METHODS.values() for name in names if not hasattr(Client, name)] == []
