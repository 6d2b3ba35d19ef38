from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobboard import errors
from jobboard.cli.github import SUMMARY, add_summary, command
from jobboard.cli.plan_diff import plan_diff, spec_lines
from jobboard.cli.plan_github import plan_annotations
from jobboard.core.model import Definition
from jobboard.core.plan import BoardPlan, Plan, Refusal, plan_jobs
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources
from jobboard.source.files import SourceFile, digest_of
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
    assert list(plan_diff(planned().plan)) == [
        "# conflict: ops/a timeout",
        "# refused: ops/old is protected",
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
