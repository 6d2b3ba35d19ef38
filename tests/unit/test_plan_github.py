from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobboard import errors
from jobboard.cli.github import SUMMARY, add_summary, command
from jobboard.cli.plans.diff import plan_diff, spec_lines
from jobboard.cli.plans.github import plan_annotations
from jobboard.core.jobs.merge import Merged
from jobboard.core.jobs.model import Definition
from jobboard.core.jobs.override import Override
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.plans.refusal import Refusal
from jobboard.core.runs.facts import Hold, Skip
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources
from jobboard.source.digest import digest_of
from jobboard.source.files import SourceFile
from jobboard.source.loader import load

if TYPE_CHECKING:
    from pathlib import Path

BOARD = (
    b"board: ops\njobs:\n  a: {run: x, timeout: 3s}\n  d: {run: x}\n  n: {run: x}\n  z: {run: 'y\n\n  z'}\n"
)
RUN = {"command": {"run": "x"}}


def planned() -> Planned:
    (board,) = load([SourceFile("boards/ops.yaml", BOARD, digest_of(BOARD), shown="boards/ops.yaml")]).boards
    live = {
        "a": Definition(1, 1, 1, {**RUN, "timeout": 2000}, {**RUN, "timeout": 1000}),
        "d": Definition(1, 1, 1, {**RUN, "timeout": 9000}, RUN),
        "old": Definition(1, 1, 1, RUN, RUN),
        "z": Definition(1, 1, 1, RUN, RUN),
    }
    changes, drift, conflicts = plan_jobs("ops", board.jobs, live)
    refusals = (Refusal("protected", "ops/old", "ops/old is protected", "unprotect it"),)
    made = BoardPlan("ops", "boards/ops.yaml", "1.0", changes, drift, conflicts, refusals, 4)
    return Planned(Plan("ns", (made,)), Sources((), (), None), Options(), boards={"ops": board})


def test_each_job_is_annotated_at_its_line_what_is_in_the_way_first() -> None:
    conflict = "timeout: 1s when last applied, 2s in Redis, 3s here"
    edited = "timeout - here, 9s in Redis"
    assert list(plan_annotations(planned(), Around(0))) == [
        "::error file=boards/ops.yaml,line=3,title=ops/a conflicts::" + conflict,
        "::error file=boards/ops.yaml,title=ops/old is guarded::ops/old is protected: unprotect it",
        "::warning file=boards/ops.yaml,title=ops/old would be destroyed::no board declares it",
        "::notice file=boards/ops.yaml,line=6,title=ops/z would change::command x → y ⏎ z",
        "::notice file=boards/ops.yaml,line=4,title=ops/d stays as it was edited live::" + edited,
    ]


def laid_over() -> Around:
    hold = Hold("ana", 0, "a holiday")
    override = Override("timeout", 5000, "slow host", "ana", "cli", 0, None)
    return Around(
        0,
        holds={"tag:nightly": [hold], "board:ops": [hold], "job:ops/d": [hold]},
        skips={"ops/d": Skip(2, "ana", "", 0)},
        overridden={"ops/a": Definition(1, 1, 1, RUN, RUN, (override,))},
    )


def test_what_is_held_passed_over_and_overridden_is_noticed_where_it_is() -> None:
    said = list(plan_annotations(planned(), laid_over()))[-5:]
    assert [line.partition("::")[2].partition("::")[0] for line in said] == [
        "notice file=boards/ops.yaml,title=ops is held",
        "notice file=boards/ops.yaml,line=4,title=ops/d is held",
        "notice title=nightly is held",
        "notice file=boards/ops.yaml,line=4,title=ops/d is passed over",
        "notice file=boards/ops.yaml,line=3,title=ops/a is overridden",
    ]
    assert said[1].endswith('::ops/d is paused (ana: "a holiday")')
    assert "timeout 5s, not nothing" in said[4]


def test_a_diff_says_what_is_no_line_of_a_definition() -> None:
    board = planned().plan.boards[0]
    held = Definition(1, 1, 1, RUN, RUN)
    moved = JobChange("ops/new", "move", held, RUN, RUN, source="ops/was")
    noted = JobChange("ops/d", "record", held, RUN, {}, (Merged("timeout", "converge", 1, 2, 2, 2),))
    away = JobChange("ops/e", "record", None, None, RUN, away={})
    plan = Plan("ns", (replace(board, changes=(moved, noted, away), refusals=(), conflicts=()),))
    assert list(plan_diff(plan, laid_over())) == [
        "# move: ops/was → ops/new",
        "# record: ops/d timeout",
        "# record: ops/e stays away",
        "# drift: ops/d timeout; kept",
        '# held: board ops is paused (ana: "a holiday")',
        '# held: ops/d is paused (ana: "a holiday")',
        '# held: tag nightly is paused (ana: "a holiday")',
        "# skip: ops/d: the next 2 runs are skipped (ana)",
        '# override: ops/a timeout 5s, not nothing (ana: "slow host")',
    ]
    changed = replace(moved, after={**RUN, "timeout": 1000})
    lines = list(plan_diff(Plan("ns", (replace(board, changes=(changed,)),)), Around(0)))
    assert [line for line in lines if line.startswith(("---", "+++"))] == ["--- a/ops/was", "+++ b/ops/new"]


def test_nothing_ends_a_command_early() -> None:
    said = command("notice", "a\nb::c%", title="t,u:v", file="x:y,z.yaml", line=1)
    assert said == "::notice file=x%3Ay%2Cz.yaml,line=1,title=t%2Cu%3Av::a%0Ab::c%25"


def test_a_summary_is_added_to_what_the_step_has_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SUMMARY, raising=False)
    add_summary("nowhere")
    monkeypatch.setenv(SUMMARY, str(tmp_path / "summary"))
    add_summary("one\n")
    add_summary("two\n")
    assert (tmp_path / "summary").read_text() == "one\ntwo\n"
    monkeypatch.setenv(SUMMARY, str(tmp_path))
    with pytest.raises(errors.UsageError, match=SUMMARY):
        add_summary("x")


def test_a_diff_has_each_job_as_it_is_and_as_it_would_be() -> None:
    assert list(plan_diff(planned().plan, Around(0))) == [
        "# conflict: ops/a timeout",
        "# refused: ops/old is protected",
        "# drift: ops/d timeout; kept",
        "--- /dev/null",
        "+++ b/ops/n",
        "@@ -0,0 +1 @@",
        "+command: x",
        "--- a/ops/old",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-command: x",
        "--- a/ops/z",
        "+++ b/ops/z",
        "@@ -1 +1,3 @@",
        "-command: x",
        "+command:",
        "+  y",
        "+  z",
    ]


def test_a_definition_has_a_line_for_each_value() -> None:
    spec: dict[str, Any] = {**RUN, "env": {"B": "2\x1b[31m", "A": "1"}, "schedule": {"every": 60_000}}
    assert spec_lines(spec) == [
        "command: x",
        "schedule:",
        "  every: 60000",
        "env.A: 1",
        "env.B: 2\\u001b[31m",
    ]
    assert spec_lines(None) == []
