from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.cli.plans.text import PlanText
from jobboard.cli.screen import Screen, moment
from jobboard.core.jobs.model import Definition
from jobboard.core.jobs.policy import Policy
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.runs.record import Record
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources
from jobboard.store.views.bystanders import Bystander

if TYPE_CHECKING:
    from jobboard.core.jobs.policy import OnConflict

NOW = 1_795_262_400_000  # Saturday, 2026-11-21T12:00:00Z
DAY = 86_400_000
RUN = {"command": {"run": "x"}}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def held(spec: dict[str, Any], base: dict[str, Any] | None = None) -> Definition:
    return Definition(1, 1, 1, spec, spec if base is None else base)


def planned(
    file: dict[str, Any], live: dict[str, Definition], *, on_conflict: OnConflict = "fail", **board: Any
) -> Planned:
    changes, drift, conflicts = plan_jobs("ops", file, live, Policy(on_conflict=on_conflict))
    made = BoardPlan("ops", "boards/ops.yaml", "1.0", changes, drift, conflicts, jobs=len(file))
    plan = Plan("ns", (replace(made, **board),))
    return Planned(plan, Sources((), (), None), Options(on_conflict=on_conflict))


def said(what: Planned, around: Around | None = None, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    PlanText(Screen(stream), what, around or Around(NOW), "embedded, namespace ns").write()
    return stream.getvalue()


def test_no_changes_is_one_line() -> None:
    assert said(planned({"a": RUN}, {"a": held(RUN)})) == "No changes. Redis matches the job boards.\n"


def test_a_change_of_each_kind() -> None:
    cron = {**RUN, "schedule": {"cron": "0 2 * * *"}}
    text = said(
        planned(
            {
                "new": {**RUN, "after": ["ops/b"]},
                "hand": RUN,
                "b": {**RUN, "schedule": {"cron": "0 3 * * *"}},
            },
            {"old": held({**RUN, "timeout": 1}), "b": held(cron)},
        )
    )
    assert text.splitlines() == [
        "Board ops  (boards/ops.yaml) → embedded, namespace ns",
        "  ~ b   next: Sun 22 Nov 03:00 UTC (was 02:00)",
        "        schedule   at 02:00 every day (UTC)  →  at 03:00 every day (UTC)",
        "  + hand   by hand",
        "  + new   after ops/b",
        "  - old",
        "",
        f"Plan: 2 to add, 1 to change, 1 to destroy.   digest {text.split()[-1]}",
    ]


def test_what_is_alike_is_shown_once_with_every_name() -> None:
    live = {f"j{n}": held({**RUN, "timeout": 1000}) for n in range(30)}
    text = said(planned({name: {**RUN, "timeout": 2000} for name in live}, live))
    assert "  ~ 30 jobs alike\n        timeout    1s  →  2s\n" in text
    assert text.count("timeout") == 1
    assert all(name in text.replace(",", " ").split() for name in live)
    three = dict(list(live.items())[:3])
    assert said(planned({name: {**RUN, "timeout": 2000} for name in three}, three)).count("timeout") == 3


def test_long_values_are_shown_by_line() -> None:
    before = {"command": {"run": "set -e\none\ntwo\nthree\n"}}
    after = {"command": {"run": "set -e\none\n2\nthree\n"}}
    text = said(planned({"a": after}, {"a": held(before)}))
    assert "        command\n            one\n          - two\n          + 2\n            three\n" in text


def test_values_that_read_alike_are_shown_in_full() -> None:
    before = {**RUN, "schedule": {"every": 60_000, "phase": 1}}
    after = {**RUN, "schedule": {"every": 60_000, "phase": 2}}
    text = said(planned({"a": after}, {"a": held(before)}))
    assert "          - phase: 1\n          + phase: 2\n" in text


def test_runs_that_a_change_touches() -> None:
    live = {name: held(RUN) for name in "ab"}
    queued = Record("ops/a", "queued", NOW, revision=41)
    running = Record("ops/b", "running", NOW, revision=41)
    ended = Record("ops/b", "failed", NOW, ended_at_ms=NOW - DAY)
    around = Around(
        NOW,
        bystanders={
            "ops/a": Bystander((queued, queued)),
            "ops/b": Bystander((running, queued), ended),
        },
    )
    text = said(planned({"a": {"command": {"run": "y"}}}, live), around)
    assert "  ~ a   2 queued runs keep revision 41\n" in text
    assert (
        "  - b   last run Fri 20 Nov 12:00 UTC failed   1 running run will finish   1 queued run called off\n"
        in text
    )


def test_a_destroyed_job_that_was_edited_live_says_so() -> None:
    around = Around(NOW, edits={"ops/a": {"timeout": {"actor": "ana", "via": "cli", "at": NOW}}})
    text = said(planned({}, {"a": held({**RUN, "timeout": 1}, RUN)}), around)
    assert "  - a   edited in Redis since: timeout\n" in text


def test_many_that_start_together_are_worth_a_word() -> None:
    jobs = {f"j{n}": {**RUN, "schedule": {"cron": "0 3 * * *"}, "timeout": n + 1} for n in range(12)}
    text = said(planned(jobs, {}))
    assert "12 of these jobs start together, Sun 22 Nov 03:00 UTC; jitter would spread them." in text
    assert "Runs per day of these jobs: 0 → 12." in text


@pytest.mark.parametrize(("every", "words"), [(1000, "0 → 86,400"), (84 * 3_600_000, "0 → 0.3")])
def test_runs_a_day_read_like_numbers(every: int, words: str) -> None:
    assert f"Runs per day of these jobs: {words}." in said(
        planned({"a": {**RUN, "schedule": {"every": every}}}, {})
    )


def test_a_narrow_terminal_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    what = planned(
        {"backup": {"command": {"run": "pg_dump --all"}, "schedule": {"cron": "0 3 * * *"}}},
        {"backup": held({"command": {"run": "pg_dump"}, "schedule": {"cron": "0 2 * * *"}})},
    )
    narrow, wide = said(what, stream=Terminal()), said(what)
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == wide.split()
    assert "        schedule   at 02:00" in narrow


def test_colour_is_only_a_second_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    what = planned({"a": RUN}, {})
    coloured = said(what, stream=Terminal())
    assert "\x1b[32m  + a" in coloured
    for code in (0, 1, 2, 32):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == said(what)


@pytest.mark.parametrize(
    ("at_ms", "zone", "words"),
    [
        (NOW, None, "Sat 21 Nov 12:00 UTC"),
        (NOW + 5_250, None, "Sat 21 Nov 12:00:05 UTC"),
        (NOW, "Europe/Madrid", "Sat 21 Nov 13:00 +01:00"),
        (NOW + 60 * DAY, None, "Wed 20 Jan 2027 12:00 UTC"),
        (None, None, "-"),
    ],
)
def test_an_instant_is_told_shortly(at_ms: int | None, zone: str | None, words: str) -> None:
    assert moment(at_ms, zone, now_ms=NOW) == words


def test_an_instant_beside_another_of_the_day_is_told_without_it() -> None:
    assert moment(NOW, None, now_ms=NOW, beside_ms=NOW + 3_600_000) == "12:00"
    assert moment(NOW, None, now_ms=NOW, beside_ms=NOW + DAY) == "Sat 21 Nov 12:00 UTC"


def test_what_a_line_of_a_long_value_continues_stands_further_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    command = "first --with=an-option --and=another-one --and=yet-another-one --more"
    changed = planned({"a": {"command": {"run": f"{command} x"}}}, {"a": held({"command": {"run": command}})})
    text = said(changed, stream=Terminal())
    assert "\n          + first --with=an-option" in text
    assert "\n              --" in text
