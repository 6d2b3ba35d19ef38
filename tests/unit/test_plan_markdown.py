from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobboard.cli.markdown import LIMIT, code, fenced, folding
from jobboard.cli.plans.jsonform import plan_json
from jobboard.cli.plans.markdown import PlanMarkdown, marker
from jobboard.core.diagnostic import Diagnostic
from jobboard.core.jobs.model import Definition
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.plans.refusal import Refusal
from jobboard.core.runs.facts import Hold
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_795_262_400_000  # Saturday, 2026-11-21T12:00:00Z
STORE = "embedded, namespace ns"
RUN = {"command": {"run": "x"}}


def board(name: str, file: Mapping[str, Any], live: Mapping[str, Definition], **more: Any) -> BoardPlan:
    changes, drift, conflicts = plan_jobs(name, file, live)
    made = BoardPlan(name, f"boards/{name}.yaml", "1.0", changes, drift, conflicts, jobs=len(file))
    return replace(made, **more)


def planned(*boards: BoardPlan) -> Planned:
    return Planned(Plan("ns", boards), Sources((), (), None), Options())


def said(what: Planned, around: Around | None = None, **more: Any) -> str:
    return PlanMarkdown(what, around or Around(NOW), STORE, **more).text()


def rescheduled(jobs: int, name: str = "ops") -> BoardPlan:
    live = {
        f"job-{n}": Definition(1, 1, 1, spec, spec)
        for n in range(jobs)
        for spec in [{**RUN, "schedule": {"cron": f"{n % 60} 2 * * *"}}]
    }
    file = {job: {**RUN, "schedule": {"cron": f"{n % 60} 3 * * *"}} for n, job in enumerate(live)}
    return board(name, file, live)


def test_no_changes_is_said_all_the_same_and_can_be_found() -> None:
    text = said(planned(board("ops", {"a": RUN}, {"a": Definition(1, 1, 1, RUN, RUN)})))
    assert text.splitlines()[0] == marker("ns") == "<!-- jobboard:plan:ns -->"
    assert "### No changes. Redis matches the job boards." in text
    assert "```" not in text


def test_each_board_is_a_block_of_the_lines_of_the_text() -> None:
    other = {"command": {"run": "y"}}
    text = said(planned(board("ops", {"new": RUN}, {"old": Definition(1, 1, 1, other, other)})))
    assert "### Plan: 1 to add, 0 to change, 1 to destroy\n" in text
    assert (
        "<details open><summary><b>ops</b> · boards/ops.yaml</summary>\n\n"
        "```diff\n+ new   by hand\n- old\n```\n\n</details>\n"
    ) in text


def test_what_stands_in_the_way_comes_first() -> None:
    quiet = board("a", {"new": RUN}, {})
    refusals = (Refusal("empty", "b", "message", "way out"),)
    held = Definition(1, 1, 1, {**RUN, "timeout": 2}, {**RUN, "timeout": 1})
    guarded = board("b", {"j": {**RUN, "timeout": 3}, "new": RUN}, {"j": held}, refusals=refusals)
    text = said(planned(quiet, guarded))
    assert "> **A sync would write none of it: 1 conflict and 1 guard in the way.**" in text
    places = [text.index(part) for part in ("! conflict j.timeout", "! message", "+ new", "<b>a</b>")]
    assert places == sorted(places)
    assert "| <code>b</code> | 1 |  |  |  |  | 2 |" in text


def test_holds_warnings_and_a_simulation_fold_away() -> None:
    hold = Hold("luis", NOW, "vendor\n```\n# outage")
    what = planned(board("ops", {"a": RUN}, {}))
    what = replace(what, warnings=(Diagnostic("warning", "boards/ops.yaml", 3, 5, "odd", rule="odd"),))
    text = said(what, Around(NOW, holds={"all": [hold]}), simulated="Simulated: 24h\n")
    for part in ("Holds and overrides", "Warnings", "Simulation"):
        assert f"<summary>{part}</summary>" in text
    assert "boards/ops.yaml:3:5  warn  odd" in text
    assert not re.search("^# outage", text, re.MULTILINE)


def test_five_thousand_changed_jobs_fit_and_the_rest_is_counted() -> None:
    text = said(planned(rescheduled(5_000)))
    assert 0.9 * LIMIT < len(text) <= LIMIT
    (shown,) = re.findall(r"\*\*([\d,]+) of 5,000 changes are shown", text)
    assert text.count("\n~ job-") == int(shown.replace(",", "")) > 400
    # Cut between two jobs: the last one shown has both its lines.
    last = text[: text.index("\n```\n\n</details>")].splitlines()[-2:]
    assert last[0].startswith("~ job-")
    assert last[1].strip().startswith("schedule ")
    assert text.count("```") == 4
    assert text.count("<details") == text.count("</details>")
    whole = planned(rescheduled(5_000))
    assert len(json.dumps(plan_json(whole, Around(NOW)))) > 10 * LIMIT


def test_many_boards_fit_too() -> None:
    text = said(planned(*(rescheduled(20, f"board-{n}") for n in range(400))))
    assert len(text) <= LIMIT
    assert "of 8,000 changes are shown" in text
    assert "and 380 more boards" in text


def test_a_job_too_long_for_all_others_is_cut() -> None:
    script = {"command": {"run": "\n".join(f"echo {n} {'x' * 80}" for n in range(2_000))}}
    was = Definition(1, 1, 1, RUN, RUN)
    text = said(planned(board("ops", {"a": script, "b": {**RUN, "timeout": 1}}, {"a": was, "b": was})))
    assert len(text) < 10_000
    assert re.search(r"… 1,\d+ more lines", text)
    assert "~ b" in text
    assert "changes are shown" not in text


NASTY = st.text(st.sampled_from("`|<>&\n\r\x1b[31m#*_@]\u202e\u2028 a"), max_size=60) | st.integers(
    1, 100
).map(lambda n: "`" * n)


@settings(max_examples=60)
@given(st.lists(NASTY.filter(str.strip), min_size=1, max_size=8), st.integers(2_000, 20_000))
def test_nothing_a_board_says_leaves_its_place(texts: list[str], limit: int) -> None:
    live = {f"j{n}": Definition(1, 1, 1, RUN, RUN) for n in range(len(texts))}
    file = {f"j{n}": {"command": {"run": text}, "env": {"A": text}} for n, text in enumerate(texts)}
    hold = Hold(texts[0], NOW, texts[-1])
    text = said(planned(board("ops", file, live)), Around(NOW, holds={"all": [hold]}), limit=limit)
    assert len(text) <= limit
    assert all(character.isprintable() or character == "\n" for character in text)
    outside, fence = [], ""
    for line in text.split("\n"):
        if not fence and (opening := re.match("`{3,}", line)):
            fence = opening[0]
        elif fence and line == fence:
            fence = ""
        elif not fence:
            outside.append(line)
    assert not fence
    assert all(re.match(r"$|<!-- |### |<code>|</?details|\*\*\d", line) for line in outside)


@pytest.mark.parametrize("text", ["`", "a|b", "<b>", "*x*", "@ana", "a\nb", "&amp;", "[x](y)"])
def test_code_in_a_line_ends_nothing(text: str) -> None:
    inner = code(text).removeprefix("<code>").removesuffix("</code>")
    assert not set(inner) & set("`|<>*@[]()\n")


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert fenced(["`" * 500]).startswith("`" * 20 + "\n" + "`" * 19 + "…")
    assert fenced(["````"]).startswith("`````\n")
    assert fenced([], "diff") == "```diff\n\n```\n"
    assert folding("s", "b\n") == "<details><summary>s</summary>\n\nb\n\n</details>\n"
