"""explain: where values come from, and what Redis lays over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kit.project import Project


@pytest.fixture(autouse=True)
def _synced(project: Project) -> None:
    project.board(
        "ops", "a: {run: x, every: 1h, timeout: 10m, priority: 3, env: {TOKEN: s3cret}}\nb: {run: x}"
    )
    project.sync()


def below(project: Project, *words: str) -> str:
    """What stands below the values."""
    return project.ok("explain", "a", *words).out.partition("\n\n")[2]


def test_where_redis_lays_nothing_over_it_nothing_is_said(project: Project) -> None:
    assert below(project) == ""
    found: Any = project.ok("explain", "a", "-o", "json").json["in_redis"]
    assert found["present"]
    assert (found["overrides"], found["drift"], found["holds"], found["skip"]) == ([], [], [], None)


def test_overrides_live_edits_and_holds_are_shown_with_who_and_why(project: Project) -> None:
    project.ok("override", "set", "ops/a", "timeout=5m", "--for", "1h", "--reason", "slow disk")
    project.ok(
        "override", "set", "ops/a", "env.TOKEN=other", "--until", "2099-01-01T00:00Z", "--reason", "leak"
    )
    project.ok("set", "ops/a", "priority=9")
    project.ok("pause", "ops/a", "--reason", "audit", "--for", "2h")
    project.ok("pause", "--all", "--reason", "move")
    project.ok("skip-next", "ops/a", "--reason", "once")
    said = project.ok("explain", "a").out
    lines = {line.split()[0]: line for line in said.splitlines() if line}
    assert "10m   (overridden)" in lines["timeout"]
    assert "3   (edited live)" in lines["priority"]
    assert "(overridden)" in lines["env.TOKEN"]
    over = below(project)
    assert over.startswith(f"In Redis, namespace {project.store.namespace}\n")
    assert "override    timeout is 5m, not 10m until " in over
    assert '(ana: "slow disk")' in over
    assert '(ana: "leak")' in over
    assert "s3cret" not in over
    assert "other" not in over
    assert "edited      priority is 9, the board says 3 (ana, cli, just now)" in over
    assert '"audit"' in over
    assert "jobboard resume ops/a" in over
    assert '"move"' in over
    assert "skip-next ops/a --clear" in over
    told: Any = project.ok("explain", "a", "-o", "json").json
    units = {value["path"]: value["unit"] for value in told["values"]}
    assert (units["timeout"], units["priority"]) == ("ms", None)
    found = told["in_redis"]
    assert [override["path"] for override in found["overrides"]] == ["env.TOKEN", "timeout"]
    assert [field["path"] for field in found["drift"]] == ["priority"]
    assert {hold["scope"] for hold in found["holds"]} == {"job:ops/a", "all"}
    assert found["skip"]["reason"] == "once"


def test_one_that_redis_does_not_hold_is_said_to_be_that(project: Project) -> None:
    project.board("ops", "a: {run: x}\nc: {run: x}")
    assert "does not hold this job: jobboard sync" in project.ok("explain", "c").out
    assert project.ok("explain", "c", "-o", "json").json["in_redis"]["present"] is False


def test_files_alone_need_no_redis(project: Project) -> None:
    elsewhere = ("--redis", "redis://127.0.0.1:1/0")
    assert project.ok("explain", "a", "--files", *elsewhere).err == ""
    alone = project.ok("explain", "a", *elsewhere)
    assert "what Redis lays over this job is not known: no answer from redis://127.0.0.1:1/0" in alone.err
    assert "timeout" in alone.out
    assert project.ok("explain", "a", "-o", "json", *elsewhere).json["in_redis"] is None


def test_an_embedded_store_that_nobody_used_is_not_started_for_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBBOARD_REDIS_URL", "embedded://")
    assert "does not hold this job" in project.ok("explain", "a").out
    assert not (project.folder / "home").exists()


def test_a_board_is_told_to_be_one(project: Project) -> None:
    refused = project.run("explain", "ops")
    assert refused.code == 64
    assert "ops is a board: name one of its jobs, as in ops/a" in refused.err


def test_show_means_boards_too(project: Project) -> None:
    project.sync()
    assert "there is no job or board opps\n          did you mean ops?" in project.run("show", "opps").err
