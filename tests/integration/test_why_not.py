"""Why there is no run for an instant: every reason there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.walk import Walk, walking

from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

DAY = "2026-03-02"
BOARD = """
load: {run: x, cron: "0 5 * * *", exclude: [2026-03-01, 2026-03-04]}
later: {run: x, cron: "0 5 * * *", exclude: [2026-03-01], on_exclude: defer}
sales: {run: x, after: load}
stock: {run: x, after: load}
report: {run: x, after: [sales, stock]}
often: {run: x, cron: "*/10 * * * *"}
calm: {run: x, delay: 1h}
spread: {run: x, every: 1h, phase: 0, jitter: 50m}
"""


@pytest.fixture
def walk(project: Project, store: Store, clock: StoreClock) -> Iterator[Walk]:
    """A Monday, on which load has run, sales after it, and stock not yet."""
    with walking(store, clock, day=DAY, board="b") as made:
        made.to("2026-03-01T23:00:00Z")
        project.board("b", BOARD)
        project.sync()
        project.ok("pause", "b/stock")
        made.to("05:00:00")
        made.run()
        made.run()
        yield made


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("b/stock@2026-03-02T05:00:00Z", "b/stock did not run for 2026-03-02 05:00:00 UTC: held, paused by"),
        (
            "report@2026-03-02T05:00:00Z",
            "b/report did not run for 2026-03-02 05:00:00 UTC: skipped, after: b/stock skipped.",
        ),
        (
            "report@2026-03-02",
            "b/report has no run for 2026-03-02 00:00:00 UTC, and its instants are those of the jobs before",
        ),
        ("load@2026-03-03T05:00:00Z", "b/load is still to run for 2026-03-03 05:00:00 UTC."),
        (
            "spread@2026-03-03T05:00:00Z",
            "b/spread is still to run for 2026-03-03 05:00:00 UTC, due at 2026-03-03 05:",
        ),
        ("load@2026-03-01", "b/load does not run for 2026-03-01 05:00:00 UTC: its exclude leaves that out."),
        ("load@2026-03-04", "The next that counts is 2026-03-05 05:00:00 UTC."),
        ("later@2026-03-01", "It is put off to 2026-03-02 00:00:00 UTC."),
        ("load@2026-02-27", "b/load has no record of 2026-02-27 05:00:00 UTC. It says what it does since"),
        ("load@2026-02-27", "The oldest record of any job is of 2026-03-02 05:00:00 UTC, and none had to go"),
        ("load@2026-03-02T06:00+01:00", "b/load@2026-03-02T05:00:00Z ended well"),
        ("load@2026-03-02", "b/load@2026-03-02T05:00:00Z ended well"),
        ("load@2026-03-02T05:30", "2026-03-02 05:30:00 UTC is no instant of b/load's schedule."),
        ("load@2026-03-02T05:30", "Nearest are 2026-03-02 05:00:00 UTC and 2026-03-03 05:00:00 UTC."),
        ("calm@2026-03-05", "its instants follow from when its runs end"),
    ],
)
def test_why_there_is_none(project: Project, walk: Walk, asked: str, told: str) -> None:
    assert told in " ".join(project.ok("why", asked).out.split())


def test_one_of_several_that_were_passed_over_says_why(project: Project, walk: Walk) -> None:
    walk.reserve()
    walk.to("05:40:00")
    walk.to("05:50:00")
    said = " ".join(project.ok("why", f"often@{DAY}T05:50").out.split())
    assert (
        "b/often did not run for 2026-03-02 05:50:00 UTC: skipped, overlap: b/often@2026-03-02T05:40:00Z"
        in said
    )


def test_a_nominal_that_waits_for_a_parent_says_for_which(project: Project, walk: Walk) -> None:
    project.ok("resume", "b/stock")
    walk.to("2026-03-03T05:00:00Z")
    walk.run()
    running = walk.reserve()
    walk.end(running["sales@2026-03-03T05:00"])
    said = project.ok("why", "report@2026-03-03T05:00:00Z").out
    assert said.startswith("b/report waits at 2026-03-03 05:00:00 UTC for b/stock of the same nominal.")


def test_what_is_neither_a_run_nor_an_instant_is_refused(project: Project, walk: Walk) -> None:
    outcome = project.run("why", "load@yesterday")
    assert (outcome.code, "there is no run b/load@yesterday" in outcome.err) == (64, True)
    assert project.run("why", "lod@2026-03-02").code == 64


def test_several_runs_of_a_date_are_for_the_person_to_choose_from(project: Project, walk: Walk) -> None:
    walk.to("05:10:00")
    walk.run()
    walk.to("05:20:00")
    walk.run()
    outcome = project.run("why", f"often@{DAY}")
    assert (outcome.code, f"runs of b/often begin with {DAY}" in outcome.err) == (64, True)


def _many(walk: Walk, job: str, count: int) -> None:
    """Run a job by hand so often that nothing else of it is among its last records."""
    for _ in range(count):
        Runs(walk.store).start_run(f"b/{job}", by="ana")
        walk.run()


def test_what_is_no_more_among_the_last_records_is_found_in_the_history(project: Project, walk: Walk) -> None:
    project.ok("pause", "b/often", "--until", f"{DAY}T05:25:00Z")
    walk.to("05:10:00")
    walk.to("05:20:00")
    walk.to("05:30:00")
    walk.run("retry")
    walk.to("05:31:00")
    _many(walk, "often", 21)
    words = {
        text: " ".join(project.ok("why", f"often@{DAY}T{text}").out.split())
        for text in ("05:10", "05:20:00Z", "05:30")
    }
    assert "did not run for 2026-03-02 05:10:00 UTC: held, paused by" in words["05:10"]
    assert "did not run for 2026-03-02 05:20:00 UTC: held, paused by" in words["05:20:00Z"]
    assert words["05:30"].startswith("b/often@2026-03-02T05:30:00Z")
    assert project.run("why", f"often@{DAY}").code == 64


def test_where_no_record_is_kept_it_says_what_was_counted(project: Project, walk: Walk) -> None:
    _many(walk, "load", 20)
    project.store.client.delete(*(project.store.key(name) for name in ("history", "failures")))
    said = " ".join(project.ok("why", f"load@{DAY}T05:00:00Z").out.split())
    nothing = "b/load has no record of 2026-03-02 05:00:00 UTC. No record of any job is kept."
    assert said.startswith(f"{nothing} On that day (UTC) it had 21 ok.")
