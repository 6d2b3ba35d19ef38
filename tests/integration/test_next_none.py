"""Jobs without an instant of their own: what `next` and `prev` say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kit.project import Project

BOARD = """
load: {run: x, cron: "0 5 * * *", timezone: Europe/Madrid}
sales: {run: x, after: load}
stock: {run: x, after: load}
report: {run: x, after: [sales, stock]}
off: {run: x, cron: "0 5 * * *", enabled: false}
after-off: {run: x, after: off}
by-hand: {run: x}
after-hand: {run: x, after: by-hand}
calm: {run: x, delay: 1h}
after-calm: {run: x, after: calm}
over: {run: x, at: 2020-01-01T00:00:00Z}
"""


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("off", "b/off is disabled and does not run: jobboard why b/off"),
        ("after-off", "b/after-off runs after b/off, which is disabled: jobboard why b/off"),
        ("by-hand", "b/by-hand has no schedule: it is run by hand, by jobboard run b/by-hand."),
        ("after-hand", "b/after-hand runs after b/by-hand, which has no schedule: it is run by hand"),
        ("after-calm", "b/after-calm runs after b/calm, whose instants follow from when its runs end."),
        ("over", "Never again: the schedule has come to its end, with 2020-01-01 00:00:00 UTC."),
    ],
)
def test_next_says_why_there_is_none(project: Project, job: str, told: str) -> None:
    project.board("b", BOARD)
    project.sync()
    assert project.ok("next", job).out.startswith(told)
    assert project.ok("next", job, "-o", "json").json == {"fires": []}
    if job != "over":
        assert project.ok("prev", job).out.startswith(told)


def test_a_job_after_others_has_their_nominals(project: Project) -> None:
    project.board("b", BOARD)
    project.sync()
    words = ("report", "-n", "1", "--from", "2026-03-28T12:00:00Z")
    (_, row) = project.ok("next", *words).out.splitlines()
    assert row.split("  ") == [
        "b/report",
        "2026-03-29 05:00:00 +02:00",
        "2026-03-29T03:00:00Z",
        "once b/sales and b/stock have ended",
    ]
    (fire,) = project.ok("prev", *words, "-o", "json").json["fires"]
    assert (fire["nominal"], fire["after"]) == ("2026-03-28T04:00:00Z", ["b/sales", "b/stock"])
    project.ok("pause", "report")
    assert ", held" in project.ok("next", "report", "-n", "1").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("next", "--until", "2020-01-01"), "--until 2020-01-01 lies before now"),
        (
            ("next", "--from", "2027-01-02", "--until", "2027-01-01"),
            "--until 2027-01-01 lies before --from 2027-01-02",
        ),
        (("prev", "--since", "2999-01-01"), "--since 2999-01-01 lies after now"),
    ],
)
def test_a_span_with_nothing_in_it_is_refused(project: Project, words: tuple[str, ...], told: str) -> None:
    outcome = project.run(*words, "--cron", "0 5 * * *")
    assert (outcome.code, told in outcome.err) == (64, True)
