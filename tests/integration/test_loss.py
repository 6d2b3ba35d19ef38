"""A board of some size does not lose many jobs at once unless that is said."""

from __future__ import annotations

import pytest
from kit.project import Project, dump_of


def board(project: Project, jobs: int, *, disabled: int = 0) -> None:
    lines = [f"j{n}: {{run: x{', enabled: false' if n < disabled else ''}}}" for n in range(jobs)]
    project.board("ops", "\n".join(lines))


@pytest.mark.parametrize(("jobs", "disabled"), [(6, 0), (10, 4), (8, 2)])
def test_too_large_a_share_is_refused_and_the_number_lifts_it(
    project: Project, jobs: int, disabled: int
) -> None:
    board(project, 10)
    project.sync()
    before = dump_of(project.store)
    board(project, jobs, disabled=disabled)
    for words in (["plan"], ["sync", "--auto-approve"], ["sync", "--auto-approve", "--allow-destroy", "3"]):
        refused = project.run(*words)
        assert refused.code == 5
        assert "would lose 4 of its 10 jobs, destroyed or disabled" in refused.out
        assert "--allow-destroy 4" in refused.out
    assert dump_of(project.store) == before
    project.sync("--allow-destroy", "4")
    assert project.plan()["empty"]


@pytest.mark.parametrize(("before", "after"), [(10, 7), (9, 1)])
def test_a_few_and_those_of_a_small_board_go_unasked(project: Project, before: int, after: int) -> None:
    board(project, before)
    project.sync()
    board(project, after)
    project.sync()
    assert len(project.live("ops")) == after


def test_a_job_that_was_disabled_already_is_no_loss(project: Project) -> None:
    board(project, 10, disabled=5)
    project.sync()
    board(project, 10, disabled=8)
    project.sync()


def test_a_board_that_empties_is_asked_about_once(project: Project) -> None:
    board(project, 12)
    project.sync()
    project.board("ops", "")
    codes = [refusal["code"] for refusal in project.plan()["boards"][0]["refusals"]]
    assert codes == ["empty"]
    project.sync("--allow-empty")
    assert project.live("ops") == {}
