"""What waits for runs of other jobs, as people see it: in the list, of one job, among its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.walk import Walk, walking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

DAY = "2026-03-02"
LOAD = 'load: {run: x, cron: "0 5 * * *"}\n'
DIAMOND = LOAD + "sales: {run: x, after: load}\nstock: {run: x, after: load}\n"
JOIN = DIAMOND + "report: {run: x, after: [sales, stock]}\n"


@pytest.fixture
def walk(store: Store, clock: StoreClock) -> Iterator[Walk]:
    """A Monday, from an hour before midnight."""
    with walking(store, clock, day=DAY, board="b") as made:
        made.to("2026-03-01T23:00:00Z")
        yield made


def _sync(project: Project, jobs: str) -> None:
    project.board("b", jobs)
    project.sync()


def _row(text: str, job: str) -> str:
    (row,) = [line for line in text.splitlines() if line.startswith(job)]
    return row


def _listed(project: Project, *words: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = project.ok("ls", "-o", "json", *words).json["jobs"]
    return {job["job"]: job for job in jobs}


def test_a_nominal_that_waits_for_a_parent_is_seen_everywhere(project: Project, walk: Walk) -> None:
    _sync(project, JOIN)
    walk.to("05:00:00")
    walk.run()
    running = walk.reserve()
    walk.end(running["sales@05:00"])
    told = project.ok("ls").out
    assert "waiting for b/stock" in _row(told, "b/report")
    assert told.splitlines()[-1] == "4 jobs, 1 with unfinished runs, 1 waiting for others."
    assert _listed(project, "--waiting")["b/report"]["joins"] == [
        {"nominal": f"{DAY}T05:00:00Z", "missing": ["b/stock"]}
    ]
    assert "waiting for b/stock@2026-03-02T05:00:00Z" in _row(project.ok("runs", "report").out, "blocked")
    assert "waiting for b/stock@2026-03-02T05:00:00Z" in project.ok("show", "b/report").out
    (run,) = project.ok("runs", "report", "--state", "blocked", "-o", "json").json["runs"]
    assert (run["run"], run["needs"]) == (None, ["b/stock@2026-03-02T05:00:00Z"])
    every = project.ok("runs", "--state", "blocked", "-o", "json").json
    assert (every["runs"], every["live"]) == ([run], 1)
    assert "waiting for b/stock@2026-03-02T05:00:00Z" in _row(project.ok("runs").out, "blocked")
    assert "more runs are not over" not in project.ok("runs").out + project.ok("runs", "report").out
    walk.end(running["stock@05:00"])
    assert _listed(project, "--waiting") == {}
    assert walk.run() == ["report@05:00"]
    assert project.ok("show", "b/report", "-o", "json").json["joins"] == []


def test_what_waits_for_a_parent_is_narrowed_as_runs_are(project: Project, walk: Walk) -> None:
    tagged = JOIN.replace("[sales, stock]", "[sales, stock], tags: [night]")
    _sync(project, tagged)
    project.board("c", "lone: {run: x}")
    project.sync()
    # What was edited live goes by what it says now.
    project.ok("set", "c/lone", "after=[b/sales, b/stock]", "--reason", "a test")
    walk.to("05:00:00")
    walk.run()
    walk.end(walk.reserve()["sales@05:00"])
    narrowed = (("--board", "b"), ("--tag", "night"), ("--board", "c"), ("--tag", "x"), ("--queue", "common"))
    words = ("runs", "--state", "blocked", "-o", "json")
    listed = [[run["job"] for run in project.ok(*words, *more).json["runs"]] for more in narrowed]
    assert listed == [["b/report"], ["b/report"], ["c/lone"], [], []]


def test_a_run_at_its_gate_says_what_for_in_the_list(project: Project, walk: Walk) -> None:
    gated = 'daily: {run: x, cron: "0 5 * * *", needs: [load, other], overlap: allow}\n'
    _sync(project, LOAD + 'other: {run: x, cron: "0 5 * * *"}\n' + gated)
    walk.to("05:00:00")
    assert "waiting for b/load and 1 more" in _row(project.ok("ls").out, "b/daily")
    assert _listed(project, "--waiting")["b/daily"]["waiting_for"] == [
        "b/load@2026-03-02T05:00:00Z",
        "b/other@2026-03-02T05:00:00Z",
    ]


def test_of_several_runs_those_that_wait_are_counted(project: Project, walk: Walk) -> None:
    hourly = 'hourly: {run: x, cron: "0 * * * *", overlap: allow}\n'
    gate = "{job: hourly, timeout: 5h}"
    _sync(project, hourly + f'after: {{run: x, cron: "1 * * * *", overlap: allow, needs: {gate}}}\n')
    walk.to("00:01:00")
    walk.to("01:01:00")
    assert "2 unfinished, 2 waiting for b/hourly" in _row(project.ok("ls").out, "b/after")
    assert set(_listed(project, "--waiting")) == {"b/after"}


def test_a_window_says_for_what_it_waits(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + "daily: {run: x, after: load, window: day}\n")
    walk.to("05:00:00")
    assert "waiting for b/load" in _row(project.ok("ls", "--waiting").out, "b/daily")


def test_the_next_window_is_told_by_when_its_run_can_start(project: Project, walk: Walk) -> None:
    _sync(
        project,
        LOAD + 'late: {run: x, cron: "30 21 * * *"}\ndaily: {run: x, after: [load, late], window: day}\n',
    )
    walk.to("00:00:10")
    words = ("daily", "-n", "2", "-o", "json")
    said = project.ok("next", "--from", f"{DAY}T12:00:00Z", *words).json["fires"]
    assert [(fire["due"], fire["window"]["start"], fire["window"]["end"]) for fire in said] == [
        (f"2026-03-0{day}T21:30:00Z", f"2026-03-0{day}T00:00:00Z", f"2026-03-0{day + 1}T00:00:00Z")
        for day in (2, 3)
    ]
    # This window is over, as far as its job goes, once the run is made.
    walk.to("21:30:00")
    said = project.ok("next", "--from", f"{DAY}T12:00:00Z", *words).json["fires"]
    assert [fire["due"] for fire in said] == ["2026-03-03T21:30:00Z", "2026-03-04T21:30:00Z"]
    told = project.ok("next", "--from", f"{DAY}T12:00:00Z", "--until", "2026-03-03T21:30:00Z", "daily").out
    (row,) = told.splitlines()[1:]
    assert row.split("  ")[1:] == [
        "2026-03-03 21:30:00 UTC",
        "2026-03-03T21:30:00Z",
        "at the earliest, for the window from 2026-03-03 00:00:00 UTC",
    ]
    gone = project.ok("prev", "--from", f"{DAY}T21:30:00Z", *words).json["fires"]
    assert [fire["due"] for fire in gone] == [f"{DAY}T21:30:00Z", "2026-03-01T21:30:00Z"]
    before = project.ok("prev", "--from", f"{DAY}T21:29:59Z", *words).json["fires"]
    assert before[0]["due"] == "2026-03-01T21:30:00Z"


def test_a_window_that_has_not_begun_is_named_by_its_beginning(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + "daily: {run: x, after: load, window: day}\n")
    assert " from Mon 00:00 " in _row(project.ok("ls").out, "b/daily")
    assert "Next: the window from Mon 00:00, after b/load." in project.ok("why", "daily").out
    walk.to("00:00:10")
    assert " Mon 05:00 " in _row(project.ok("ls").out, "b/daily")


def test_what_else_a_run_waits_for_is_said_in_few_words(project: Project, walk: Walk) -> None:
    locked = 'run: x, cron: "0 5 * * *", locks: db'
    _sync(project, f"first: {{{locked}}}\nthen: {{{locked}, priority: -1}}\n")
    walk.to("05:00:00")
    walk.reserve()
    assert "waiting for lock db" in _row(project.ok("ls").out, "b/then")
    assert _listed(project, "--waiting") == {}
