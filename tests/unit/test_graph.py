from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.cli.main import main
from jobboard.core.jobs.graph import as_dot, as_mermaid, as_text, graph_of

if TYPE_CHECKING:
    from pathlib import Path

SPECS: dict[str, Any] = {
    "etl/extract": {"locks": {"db": 2}},
    "etl/load": {"after": ["etl/extract"], "locks": {"db": 2}},
    "etl/check": {"after": ["etl/load"]},
    "etl/report": {"after": ["etl/extract"]},
    "ops/alone": {},
    "ops/then": {"after": ["far/away"]},
}


def test_jobs_stand_below_what_they_run_after() -> None:
    assert list(as_text(graph_of(SPECS))) == [
        "etl/extract",
        "├─ etl/load",
        "│  └─ etl/check",
        "└─ etl/report",
        "far/away  (on no board here)",
        "└─ ops/then",
    ]


def test_locks_are_drawn_when_asked_for() -> None:
    assert list(as_text(graph_of(SPECS, locks=True)))[-3:] == [
        "lock db (2 at once)",
        "├─ etl/extract",
        "└─ etl/load",
    ]


def test_a_job_of_its_own_is_left_out() -> None:
    assert "ops/alone" not in graph_of(SPECS, locks=True).jobs
    assert list(as_text(graph_of({"a/b": {}}))) == []


def test_dot_puts_boards_into_clusters() -> None:
    lines = list(as_dot(graph_of(SPECS, locks=True)))
    assert lines[0] == "digraph jobs {"
    assert '    label="etl";' in lines
    assert '    "far/away" [label="away", style=dashed];' in lines
    assert '  "etl/extract" -> "etl/load";' in lines
    assert '  "etl/load" -> "lock db" [dir=none, style=dotted];' in lines
    assert sum(line.count("{") for line in lines) == sum(line.count("}") for line in lines)


def test_mermaid_numbers_its_nodes() -> None:
    lines = list(as_mermaid(graph_of(SPECS, locks=True)))
    assert lines[:4] == ["flowchart LR", '  subgraph b0["etl"]', '    j0["extract"]', '    j1["load"]']
    assert "  j0 --> j1" in lines
    assert '  l0{{"db (2)"}}' in lines
    assert "  j1 -.- l0" in lines


TIED: dict[str, Any] = {
    "e/a": {},
    "e/b": {"after": ["e/a"]},
    "e/c": {"after": ["e/a"], "on": {"e/a": "failed"}},
    "e/d": {"after": ["e/b", "e/c"], "on": {"e/c": "finished"}},
    "e/e": {"after": ["e/d"]},
    "e/f": {"schedule": {"every": 1}, "needs": {"e/d": {"fresh": "all"}}},
    "e/g": {"after": ["e/f"], "schedule": {"cron": "0 0 * * *"}},
}


def test_what_runs_after_several_is_drawn_whole_once() -> None:
    assert list(as_text(graph_of(TIED))) == [
        "e/a",
        "├─ e/b",
        "│  └─ e/d",
        "│     ├─ e/e",
        "│     └─ e/f  (waits for all)",
        "│        └─ e/g  (once a window)",
        "└─ e/c  (failed)",
        "   └─ e/d  (finished, drawn above)",
    ]


def test_what_is_special_about_an_edge_is_its_label() -> None:
    assert '  "e/a" -> "e/c" [label="failed"];' in as_dot(graph_of(TIED))
    assert '  "e/d" -> "e/f" [label="waits for all", style=dashed];' in as_dot(graph_of(TIED))
    assert '  j3 -.->|"waits for all"| j5' in as_mermaid(graph_of(TIED))


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text("board: b\njobs:\n  x: {run: a}\n  y: {run: a, after: x}\n")
    return tmp_path


def test_the_command_draws_the_boards(boards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph"]) == 0
    assert capsys.readouterr().out == "b/x\n└─ b/y\n"
    assert main(["graph", "-o", "json", "--locks"]) == 0
    assert json.loads(capsys.readouterr().out)["edges"] == [
        {"from": "b/x", "to": "b/y", "kind": "after", "on": "success", "window": False}
    ]
    (boards / "boards" / "b.yaml").write_text("board: b\njobs:\n  x: {run: a}\n")
    assert main(["graph"]) == 0
    assert capsys.readouterr().out == "None of 1 job runs after another.\n"
    (boards / "boards" / "b.yaml").write_text("board: b\njobs:\n  x: {}\n")
    assert main(["graph"]) == 65
