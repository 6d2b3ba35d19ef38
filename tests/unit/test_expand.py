from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.source import expand as expanding
from jobboard.source.expand import Expansion, expand
from jobboard.source.files import SourceFile
from jobboard.source.loader import load

NOW_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z
TEMPLATE = """\
board: b
jobs:
  plain: {run: a}
  each:
    for_each: [x, y]
    run: b ${each:key}
    every: 1h
"""


def expanded(**jobs: Any) -> Expansion:
    return expand({"board": "b", "jobs": jobs})


def test_each_item_of_a_list_declares_a_job_in_its_place() -> None:
    result = expanded(
        first={"run": "1"}, each={"for_each": ["a", 2], "run": "${each:value}"}, last={"run": "3"}
    )
    assert result.root["jobs"] == {
        "first": {"run": "1"},
        "each-a": {"run": "a"},
        "each-2": {"run": 2},
        "last": {"run": "3"},
    }
    assert result.templates == {"each-a": "each", "each-2": "each"}


def test_a_maps_values_are_reached_by_their_fields() -> None:
    each = {"a": {"host": {"name": "h"}, "tags": ["t"]}}
    result = expanded(each={"for_each": each, "run": "${each:value.host.name}", "tags": "${each:value.tags}"})
    assert result.root["jobs"] == {"each-a": {"run": "h", "tags": ["t"]}}


def test_a_template_may_give_its_own_name_to_one_job() -> None:
    result = expanded(each={"for_each": ["each"], "name": "${each:key}", "run": "x"})
    assert list(result.root["jobs"]) == ["each"]
    assert result.faults == []


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ({"e": {"for_each": ["a", "a"], "run": "x"}}, "declared twice"),
        ({"e": {"for_each": ["a"], "run": "x"}, "e-a": {"run": "y"}}, "declared twice"),
        ({"e": {"for_each": ["a", "b"], "name": "same", "run": "x"}}, "declared twice"),
        (
            {
                "e": {"for_each": ["a"], "name": "x", "run": "x"},
                "f": {"for_each": ["a"], "name": "x", "run": ""},
            },
            'also by "e"',
        ),
        ({"e": {"for_each": ["../a"], "run": "x"}}, "cannot name a job"),
        ({"e": {"for_each": ["a"], "name": 5, "run": "x"}}, "must be text"),
        ({"e": {"for_each": ["a"], "name": "${each:nope}", "run": "x"}}, "means nothing"),
        ({"e": {"for_each": ["a"], "run": "${each:value.x}"}}, 'has no "x"'),
        ({"e": {"run": "${each:key}"}}, 'nothing without "for_each"'),
    ],
)
def test_what_cannot_be_declared_is_said(jobs: dict[str, Any], words: str) -> None:
    (fault,) = expanded(**jobs).faults
    assert words in fault.message


def test_no_template_declares_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanding, "LIMIT", 3)
    result = expanded(e={"for_each": list(range(5)), "run": "x"})
    assert len(result.root["jobs"]) == 3
    assert "more than 3 jobs" in result.faults[0].message


def test_a_declared_job_stands_where_its_template_does() -> None:
    (board,) = load([SourceFile("b.yaml", TEMPLATE.encode(), "d")], NOW_MS).boards
    assert {name: board.line_of(name) for name in board.jobs} == {"plain": 3, "each-x": 4, "each-y": 4}
    assert board.position("each-y", ("run",)) == (6, 10)


def test_a_fault_of_a_template_is_said_once() -> None:
    text = TEMPLATE + "    timeout: soon\n    colour: red\n"
    result = load([SourceFile("b.yaml", text.encode(), "d")], NOW_MS)
    said = [(diagnostic.line, diagnostic.message) for diagnostic in result.diagnostics]
    assert said == [
        (8, "'soon' is no duration"),
        (9, 'unknown key "colour" in job "each"'),
    ]


KEYS = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)


@given(KEYS)
def test_writing_jobs_out_by_hand_means_the_same(keys: list[str]) -> None:
    template = (
        f"board: b\njobs:\n  j:\n    for_each: [{', '.join(keys)}]\n    run: r ${{each:key}}\n    every: 1h\n"
    )
    lines = "".join(f"  j-{key}: {{run: r {key}, every: 1h}}\n" for key in keys)
    by_hand = f"board: b\njobs:\n{lines}" if keys else "board: b\njobs: {}\n"
    one, other = (
        load([SourceFile("b.yaml", t.encode(), "d")], NOW_MS).boards[0].jobs for t in (template, by_hand)
    )
    assert one == other
