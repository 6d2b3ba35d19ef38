"""drift: what was edited live, by whom and when, from the store alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobboard.store.boards import holds

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
HOUR = 3_600_000


@pytest.fixture
def edited(project: Project, clock: StoreClock) -> Project:
    """Two boards, one job edited live at noon, two hours ago, in two values; no file left."""
    clock.set(NOON)
    project.board("ops", "a: {run: x, timeout: 1m, env: {A: '1'}}\nb: {run: x}")
    project.board("quiet", "c: {run: x}")
    project.sync()
    project.ok("set", "a", "timeout=90s", "env.A=2")
    project.path("ops").unlink()
    clock.set(NOON + 2 * HOUR + HOUR // 2)
    return project


def test_nothing_differs(project: Project) -> None:
    said = project.ok("drift")
    assert said.out == "No drift: nothing has been synced here yet.\n"
    project.board("ops", "a: {run: x}")
    project.sync()
    assert project.ok("drift").out == "No drift. Redis holds what was last applied.\n"
    nothing = project.ok("drift", "-o", "json").json
    assert (nothing["drifted"], [board["jobs"] for board in nothing["boards"]]) == (0, [[]])


def test_what_was_edited_by_whom_and_when(edited: Project) -> None:
    said = edited.run("drift")
    assert said.code == 2
    assert said.out.splitlines() == [
        "Board ops  (boards/ops.yaml, revision 1, applied 2h ago)",
        "  . a",
        "        timeout   1m  →  1m30s (ana, cli, 2h ago)",
        "        env.A     1  →  2 (ana, cli, 2h ago)",
        "",
        "Drift: 2 edits of 1 job made live since last applied.",
        (
            "Write it into the boards:  jobboard plan --write-live   or take it back:  "
            "jobboard sync --on-drift revert"
        ),
    ]


def test_as_json(edited: Project) -> None:
    said = edited.run("drift", "ops", "-o", "json")
    assert said.code == 2
    (board,) = said.json["boards"]
    (job,) = board["jobs"]
    assert (board["board"], board["path"], board["revision"]) == ("ops", "boards/ops.yaml", 1)
    assert board["synced_at"].startswith("2026-11-21T12:00:0")
    timeout, _ = job["fields"]
    assert (timeout["path"], timeout["base"], timeout["live"]) == ("timeout", 60_000, 90_000)
    assert (timeout["unit"], timeout["by"], timeout["via"]) == ("ms", "ana", "cli")
    assert timeout["at"].startswith("2026-11-21T12:00:0")
    assert set(said.json) == {"format_version", "namespace", "drifted", "boards", "holds", "overrides"}


def test_as_markdown_and_on_github(edited: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(edited.folder / "summary.md"))
    said = edited.run("drift", "-o", "github", "-o", "markdown=drift.md", "-o", "json=drift.json")
    assert said.code == 2
    assert said.out == (
        "::warning file=boards/ops.yaml,title=ops/a was edited live::"
        "timeout: 1m → 1m30s (ana, cli, 2h ago); env.A: 1 → 2 (ana, cli, 2h ago)\n"
    )
    comment = (edited.folder / "drift.md").read_text()
    assert comment.startswith(
        f"<!-- jobboard:drift:{edited.store.namespace} -->\n### Drift: 2 edits of 1 job"
    )
    assert "        timeout   1m  →  1m30s (ana, cli, 2h ago)\n" in comment
    assert (edited.folder / "summary.md").read_text() == comment
    assert json.loads((edited.folder / "drift.json").read_text())["drifted"] == 1


def test_a_board_that_was_not_asked_for_does_not_count(edited: Project) -> None:
    assert edited.run("drift", "quiet").code == 0
    missing = edited.run("drift", "opps")
    assert missing.code == 64
    assert 'there is no board "opps" in Redis' in missing.err
    assert "did you mean ops?" in missing.err


def test_a_hold_is_shown_and_is_no_drift(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.sync()
    holds.pause(project.store, "job:ops/a", by={"actor": "luis"}, reason="outage", until_ms=None)
    holds.pause(project.store, "job:other/a", by={"actor": "luis"}, reason="outage", until_ms=None)
    said = project.ok("drift")
    assert 'held     ops/a is paused (luis: "outage")' in said.out
    assert "other/a" not in said.out
    (hold,) = project.ok("drift", "-o", "json").json["holds"]
    assert (hold["scope"], hold["by"], hold["reason"]) == ("job:ops/a", "luis", "outage")
    assert hold["since"].endswith("Z")


def test_an_override_is_shown_and_is_no_drift(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}")
    project.sync()
    project.ok("override", "set", "a", "timeout=2m", "--reason", "slow disk")
    said = project.ok("drift")
    assert '  override ops/a  timeout 2m, not 1m (ana: "slow disk")' in said.out
    (override,) = project.ok("drift", "-o", "json").json["overrides"]
    assert (override["job"], override["path"], override["reason"]) == ("ops/a", "timeout", "slow disk")
    assert (override["value"], override["unit"]) == (120_000, "ms")


def test_a_job_removed_by_hand_and_one_brought_back(project: Project) -> None:
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.sync()
    project.board("ops", "b: {run: x}")
    project.sync()
    project.ok("undelete", "ops/a")
    project.ok("rm", "ops/b", "--reason", "a flood")
    said = project.run("drift")
    assert said.code == 2
    assert "  . a\n        is in Redis and not here (ana, cli, " in said.out
    assert "  . b\n        was removed from Redis (ana, cli, " in said.out
    assert ': "a flood"\n' in said.out
    assert "Drift: 2 edits of 2 jobs" in said.out
    annotated = project.run("drift", "-o", "github").out
    assert "title=ops/b was edited live::was removed from Redis (ana, cli, " in annotated


def test_a_board_that_a_rollback_holds_is_shown(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.sync()
    project.board("ops", "a: {run: y}")
    project.sync()
    project.ok("rollback", "1", "--auto-approve")
    assert "  . rolled back by ana to revision 1, and held there" in project.ok("drift").out
    assert project.ok("drift", "-o", "json").json["boards"][0]["held"]["by"] == "ana"


def test_what_a_sync_settles_is_drift_no_more(edited: Project) -> None:
    edited.board("ops", "a: {run: x, timeout: 90s, env: {A: '2'}}\nb: {run: x}")
    edited.sync()
    assert edited.run("drift").code == 0
