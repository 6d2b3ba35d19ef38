"""plan --since: what the files' own changes do not explain, marked for whoever reviews those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kit.project import Project

JOBS = """
    a: {run: x, timeout: 1m}
    b: {run: x}
    c: {run: x}
"""


@pytest.fixture
def branch(project: Project) -> Project:
    """A board that was synced from main, on a branch that has just left that."""
    project.board("ops", JOBS)
    project.commit()
    project.sync()
    project.git("checkout", "-q", "-b", "feature")
    return project


def unexplained(project: Project, ref: str = "main") -> dict[str, list[str]]:
    since = project.plan("--since", ref)["since"]
    assert since["ref"] == ref
    return {job["address"]: job["paths"] for job in since["unexplained"]}


def test_what_the_branch_changed_is_explained_committed_or_not(branch: Project) -> None:
    branch.board("ops", "a: {run: x, timeout: 2m}\nc: {run: x}\nnew: {run: y}")
    assert branch.counts() == {"add": 1, "change": 1, "destroy": 1}
    assert unexplained(branch) == {}
    branch.commit()
    assert unexplained(branch) == {}
    assert "explained" not in branch.ok("plan", "--since", "main").out
    assert branch.plan()["since"] is None


def test_what_an_earlier_commit_changed_and_nobody_synced_is_not(branch: Project) -> None:
    branch.git("checkout", "-q", "main")
    branch.board("ops", "a: {run: x, timeout: 2m}\nc: {run: x}\nnew: {run: y}")
    branch.commit()
    branch.git("checkout", "-q", "-b", "later")
    branch.board("ops", "a: {run: x, timeout: 2m, env: {A: '1'}}\nc: {run: z}\nnew: {run: y}")
    assert unexplained(branch) == {"ops/a": ["timeout"], "ops/b": [], "ops/new": []}
    said = branch.ok("plan", "--since", "main").out
    commit = branch.git("rev-parse", "main")[:7]
    assert "~ a              boards/ops.yaml:3   not explained since main: timeout\n" in said
    assert "- b   not explained since main\n" in said
    assert "~ c              boards/ops.yaml:4\n" in said
    summed = f"3 of 4 changes not explained by what the files changed since main ({commit})"
    assert f"{summed}: ops/a, ops/b, ops/new." in said


def test_a_live_edit_that_is_taken_back_is_not(branch: Project) -> None:
    branch.ok("set", "b", "timeout=5m")
    branch.board("ops", JOBS.replace("c: {run: x}", "c: {run: y}"))
    assert unexplained(branch) == {}
    plan = branch.plan("--since", "main", "--on-drift", "exact")
    assert plan["since"]["unexplained"] == [{"address": "ops/b", "paths": ["timeout"]}]


def test_a_changed_project_file_explains_what_it_changes(branch: Project) -> None:
    (branch.folder / "jobboard.yaml").write_text("defaults: {timeout: 9m}\n")
    assert set(branch.counts()) == {"change"}
    assert unexplained(branch) == {}
    branch.commit()
    assert unexplained(branch) == {}
    assert unexplained(branch, "HEAD") == {"ops/b": ["timeout"], "ops/c": ["timeout"]}


def test_a_changed_calendar_explains_what_it_changes(branch: Project) -> None:
    head = "calendars: {off: {ics: off.ics}}\n"
    day = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20271224\nEND:VEVENT\nEND:VCALENDAR\n"
    jobs = "a: {run: x, every: 1h, exclude: off}"
    calendar = branch.folder / "boards" / "off.ics"
    calendar.write_text(day)
    branch.board("cal", jobs, head=head)
    branch.commit()
    branch.sync()
    calendar.write_text(day.replace("20271224", "20271225"))
    assert branch.counts() == {"change": 1}
    assert unexplained(branch, "HEAD") == {}
    branch.commit()
    assert unexplained(branch, "HEAD") == {"cal/a": ["schedule"]}


def test_a_board_whose_file_the_branch_removed_is_explained(branch: Project) -> None:
    branch.path("ops").unlink()
    assert unexplained(branch) == {}
    assert branch.plan("--since", "main", "--prune-board", "ops")["since"]["unexplained"] == []
    branch.commit()
    gone = branch.plan("--since", "HEAD", "--prune-board", "ops")
    assert [job["address"] for job in gone["since"]["unexplained"]] == ["ops/a", "ops/b", "ops/c"]


def test_a_project_in_a_folder_of_its_repository(branch: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    branch.board("ops", JOBS)
    branch.commit()
    assert unexplained(branch, "HEAD") == {}
    inner = branch.folder / "inner"
    (inner / "boards").mkdir(parents=True)
    (inner / "jobboard.yaml").write_text("defaults: {}\n")
    (inner / "boards" / "sub.yaml").write_text("board: sub\njobs:\n  a: {run: x}\n")
    branch.commit()
    monkeypatch.chdir(inner)
    assert unexplained(branch, "HEAD") == {"sub/a": []}
    assert unexplained(branch, "main") == {}


def test_it_is_said_in_every_form(branch: Project) -> None:
    branch.board("ops", JOBS.replace("1m", "2m"))
    branch.commit()
    said = branch.ok("plan", "--since", "HEAD", "-o", "markdown=plan.md", "-o", "github").out
    assert said == (
        "::warning file=boards/ops.yaml,line=3,title=ops/a would change::"
        "timeout 1m → 2m; not explained since HEAD: timeout\n"
    )
    assert "> **1 of 1 change not explained by what" in (branch.folder / "plan.md").read_text()


def test_many_alike_are_told_apart_by_it(branch: Project) -> None:
    jobs = "\n".join(f"j{n}: {{run: x, timeout: 1m}}" for n in range(10))
    branch.board("many", jobs)
    branch.commit()
    branch.sync()
    branch.board("many", jobs.replace("1m", "2m", 5))
    branch.commit()
    branch.board("many", jobs.replace("1m", "2m"))
    said = branch.ok("plan", "--since", "HEAD").out
    assert "~ 5 jobs alike   not explained since HEAD: timeout\n" in said
    assert "~ 5 jobs alike\n" in said


def test_a_ref_that_is_none_is_a_usage_error(branch: Project) -> None:
    unknown = branch.run("plan", "--since", "nowhere")
    assert unknown.code == 64
    assert 'Git knows no commit "nowhere" here' in unknown.err
    assert "fetch-depth: 0" in unknown.err
    branch.git("checkout", "-q", "--orphan", "apart")
    branch.commit("another beginning")
    assert "no commit that both" in branch.run("plan", "--since", "main").err
    assert branch.run("plan", "--since", "--output=x").code == 64
