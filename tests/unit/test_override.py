from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.model import Definition
from jobboard.core.jobs.override import (
    Override,
    first_end_ms,
    in_force,
    laid,
    lasting,
    lay,
    paths_of_key,
    periods,
    replaced,
    successors,
    value_at,
)
from jobboard.store.boards.codec import decode_definition, encode_definition

SPEC: dict[str, Any] = {
    "command": {"run": "x"},
    "schedule": {"cron": "0 2 * * *"},
    "timeout": 60_000,
    "env": {"A": "1", "B": "2"},
}


def over(path: str, value: Any, until_ms: int | None = None) -> Override:
    return Override(path, value, "why", "ana", "cli", 5, until_ms)


def job(*overrides: Override) -> Definition:
    return Definition(1, 2, 3, SPEC, SPEC, overrides)


@pytest.mark.parametrize(
    ("override", "moved"),
    [
        (over("timeout", 5), {"timeout": 5}),
        (over("timeout", None), {"timeout": None}),
        (over("env.A", "9"), {"env": {"A": "9", "B": "2"}}),
        (over("env.A", None), {"env": {"B": "2"}}),
        (over("labels.team", "db"), {"labels": {"team": "db"}}),
        (over("schedule", None), {"schedule": None}),
        (over("queue", "slow"), {"queue": "slow"}),
    ],
)
def test_it_lies_on_one_path(override: Override, moved: dict[str, Any]) -> None:
    wanted = {name: value for name, value in {**SPEC, **moved}.items() if value is not None}
    assert lay(SPEC, [override]) == wanted
    assert value_at(lay(SPEC, [override]), override.path) == override.value


def test_an_emptied_map_is_an_absent_one() -> None:
    assert "env" not in lay(SPEC, [over("env.A", None), over("env.B", None)])


def test_a_job_runs_by_the_clock_or_after_others() -> None:
    dependent = {"command": {"run": "x"}, "after": ["ops/a"]}
    assert lay(dependent, [over("schedule", {"every": 5})]) == {
        "command": {"run": "x"},
        "schedule": {"every": 5},
    }
    assert lay(dependent, [over("schedule", None)]) == dependent


def test_a_job_without_any_costs_nothing() -> None:
    assert laid(job()) is in_force(job(), 7) is SPEC
    assert periods(job(), 7) == [(None, SPEC, None)]


def test_it_counts_up_to_its_end() -> None:
    definition = job(over("timeout", 5, 100), over("queue", "slow", 200), over("priority", 9))
    assert first_end_ms(definition.overrides) == 100
    assert [o.path for o in lasting(definition, 99)] == ["timeout", "queue", "priority"]
    assert [o.path for o in lasting(definition, 100)] == ["queue", "priority"]
    assert in_force(definition, 100)["timeout"] == 60_000
    assert [at_ms for at_ms, _ in successors(definition)] == [100, 200]
    assert [(a, e) for a, _, e in periods(definition, 0)] == [(None, 100), (100, 200), (200, None)]
    assert [(a, e) for a, _, e in periods(definition, 150)] == [(None, 200), (200, None)]


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        ("timeout", ["timeout"]),
        ("cron", ["schedule"]),
        ("run", ["command"]),
        ("retries.max", ["retries"]),
        ("env.C", ["env.C"]),
        ("env", ["env.A", "env.B", "env.C"]),
        ("nonsense", ["nonsense"]),
    ],
)
def test_a_key_of_a_board_stands_for_paths(key: str, paths: list[str]) -> None:
    assert paths_of_key(key, SPEC, {**SPEC, "env": {"C": "3"}}) == paths


def test_a_path_has_one_at_most() -> None:
    kept = replaced([over("timeout", 1), over("queue", "a")], [over("timeout", 2)])
    assert kept == (over("queue", "a"), over("timeout", 2))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["timeout", "priority", "env.A", "env.C", "queue"]),
            st.none() | st.integers(0, 99),
            st.none() | st.integers(1, 50),
        ),
        max_size=6,
        unique_by=lambda row: row[0],
    )
)
def test_a_stored_definition_comes_back_whole(rows: list[tuple[str, Any, int | None]]) -> None:
    definition = job(*(over(*row) for row in rows))
    assert decode_definition(encode_definition(definition)) == definition
