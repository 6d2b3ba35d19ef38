"""Making a job that is on no board the one a file declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project

SAME = "dump: {exec: ['true'], every: 5m}\nother: {run: y}"
DIFFERS = "dump: {exec: ['true'], every: 9m}\nother: {run: y}"


def due_of(project: Project) -> dict[str, float]:
    pairs: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
    return {member.decode(): score for member, score in pairs}


@pytest.fixture
def loose(project: Project) -> Project:
    """A project with a job of no board, and none synced."""
    project.ok("put", "dump", "every=5m", "--", "true")
    return project


def test_an_equal_job_is_adopted_and_nothing_else_is_written(loose: Project) -> None:
    due = due_of(loose)["loose/dump"]
    loose.board("ops", SAME)
    said = loose.ok("adopt", "dump", "ops/dump").out
    assert "& loose/dump → dump" in said
    assert "loose/dump is ops/dump now. Revision 1." in said
    assert due_of(loose) == {"ops/dump": due}
    assert set(loose.live("ops")) == {"dump"}
    assert not loose.live("ops")["dump"].drifted
    assert loose.live("loose") == {}
    assert check(loose.store) == []
    assert loose.counts() == {"add": 1}
    loose.sync()
    assert loose.plan()["empty"]


def test_into_a_board_that_is_there_already(loose: Project) -> None:
    loose.board("ops", "other: {run: y}")
    loose.sync()
    loose.board("ops", SAME.replace("y}", "z}"))
    loose.ok("adopt", "loose/dump", "ops/dump")
    assert loose.spec("ops/other")["command"] == {"run": "y"}
    assert loose.counts() == {"change": 1}
    assert check(loose.store) == []


def test_one_that_differs_is_a_conflict_with_ways_out_that_work(loose: Project) -> None:
    loose.board("ops", DIFFERS)
    refused = loose.run("adopt", "dump", "ops/dump")
    assert refused.code == 3
    assert loose.live("ops") == {}
    (line,) = [line for line in refused.out.splitlines() if "take the file:" in line]
    loose.ok(*line.split("jobboard ")[1].split())
    assert loose.spec("ops/dump")["schedule"] == {"every": 540_000}
    assert check(loose.store) == []


def test_what_is_in_redis_may_stay_as_drift(loose: Project) -> None:
    loose.board("ops", DIFFERS)
    loose.ok("adopt", "dump", "ops/dump", "--on-conflict", "live")
    assert loose.spec("ops/dump")["schedule"]["every"] == 300_000
    assert "dump.schedule" in loose.run("plan").out


def test_a_plan_that_meets_a_job_of_that_name_says_how(loose: Project) -> None:
    loose.board("ops", SAME)
    (line,) = [line for line in loose.run("plan").out.splitlines() if "jobboard adopt" in line]
    loose.ok(*line.split("jobboard ")[1].split())
    assert set(loose.live("ops")) == {"dump"}
    assert "jobboard adopt" not in loose.run("plan").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["never", "ops/dump"], "there is no job loose/never"),
        (["dump", "ops/never"], "no file declares ops/never"),
        (["dump", "dump"], "'dump' is not BOARD/JOB"),
        (["ops/dump", "ops/dump"], "ops/dump would be on board ops"),
    ],
)
def test_what_is_not_there_is_not_adopted(loose: Project, words: list[str], message: str) -> None:
    loose.board("ops", SAME)
    refused = loose.run("adopt", *words)
    assert refused.code == 64
    assert message in refused.err


def test_a_place_that_is_taken_stays_so(loose: Project) -> None:
    loose.board("ops", SAME)
    loose.sync()
    refused = loose.run("adopt", "dump", "ops/dump")
    assert refused.code == 64
    assert "ops/dump is in Redis already, beside loose/dump" in refused.err


def test_for_programs(loose: Project) -> None:
    loose.board("ops", SAME)
    assert loose.ok("adopt", "dump", "ops/dump", "-o", "json").json == {
        "source": "loose/dump",
        "job": "ops/dump",
        "outcome": "adopted",
        "revision": 1,
        "fields": [],
    }
