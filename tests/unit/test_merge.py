from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.merge import merge_job, merge_value, same
from jobboard.core.jobs.policy import Policy

A, B, C = 1, 2, 3


@pytest.mark.parametrize(
    ("base", "live", "file", "verdict", "result"),
    [
        (A, A, A, None, A),
        (A, B, B, "converge", B),
        (None, B, B, "converge", B),
        (A, None, None, "converge", None),
        (A, B, A, "keep", B),
        (A, None, A, "keep", None),
        (None, B, None, "keep", B),
        (A, A, B, "take", B),
        (A, A, None, "take", None),
        (None, None, B, "take", B),
        (A, B, C, "conflict", B),
        (A, None, C, "conflict", None),
        (A, B, None, "conflict", B),
        (None, B, C, "conflict", B),
    ],
)
def test_every_row_of_the_table(base: Any, live: Any, file: Any, verdict: str | None, result: Any) -> None:
    merged = merge_value("timeout", base, live, file)
    if verdict is None:
        assert merged is None
    else:
        assert merged is not None
        assert (merged.verdict, merged.result) == (verdict, result)


def test_one_is_not_true() -> None:
    assert not same({"x": 1}, {"x": True})
    assert not same({"a": [1]}, {"a": [True]})
    assert same({"a": [1]}, {"a": [1]})


def test_a_map_merges_per_key() -> None:
    merged = merge_job(
        {"env": {"A": "1", "B": "1"}},
        {"env": {"A": "2", "B": "1"}},
        {"env": {"A": "1", "B": "3", "C": "4"}},
    )
    assert merged.spec == {"env": {"A": "2", "B": "3", "C": "4"}}
    assert [(f.path, f.verdict) for f in merged.fields] == [
        ("env.A", "keep"),
        ("env.B", "take"),
        ("env.C", "take"),
    ]


def test_the_last_key_of_a_map_takes_the_map_along() -> None:
    assert merge_job({"env": {"A": "1"}}, {"env": {"A": "1"}}, {}).spec == {}


def test_a_set_merges_per_element_and_never_conflicts() -> None:
    merged = merge_job({"tags": ["a", "b"]}, {"tags": ["b", "live"]}, {"tags": ["a", "b", "file"]})
    assert merged.spec == {"tags": ["b", "file", "live"]}
    assert not merged.conflicts


def test_a_schedule_is_one_value() -> None:
    merged = merge_job(
        {"schedule": {"cron": "0 1 * * *"}},
        {"schedule": {"cron": "0 1 * * *", "jitter": 60_000}},
        {"schedule": {"cron": "0 2 * * *"}},
    )
    assert [f.path for f in merged.conflicts] == ["schedule"]


def test_a_field_of_a_newer_version_is_left_alone() -> None:
    merged = merge_job({"#99": 1, "timeout": 1}, {"#99": 2, "timeout": 1}, {"timeout": 5})
    assert merged.spec == {"#99": 2, "timeout": 5}


_values = st.one_of(st.none(), st.sampled_from([A, B, C]))
_sets = st.one_of(st.none(), st.sets(st.sampled_from("abcd"), min_size=1).map(sorted))
_maps = st.one_of(st.none(), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), min_size=1))
_specs = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from([A, B, C]),
        "schedule": st.sampled_from([{"every": 1}, {"every": 2}]),
        "tags": _sets.filter(bool),
        "env": _maps.filter(bool),
    },
)


@given(_specs, _specs, _specs)
def test_what_only_one_side_changed_survives(base: Any, live: Any, file: Any) -> None:
    merged = merge_job(base, live, file)
    if live == base:
        assert merged.spec == file
    if file == base:
        assert merged.spec == live
    for field in ("timeout", "schedule"):
        three = base.get(field), live.get(field), file.get(field)
        if three[1] == three[0]:
            assert merged.spec.get(field) == three[2]
        if three[2] == three[0]:
            assert merged.spec.get(field) == three[1]


@given(_specs, _specs, _specs)
def test_file_and_live_swapped_give_the_same_where_nothing_conflicts(base: Any, live: Any, file: Any) -> None:
    one, other = merge_job(base, live, file), merge_job(base, file, live)
    assert bool(one.conflicts) == bool(other.conflicts)
    if not one.conflicts:
        assert one.spec == other.spec


@given(_specs, _specs, _specs)
def test_a_second_merge_changes_nothing(base: Any, live: Any, file: Any) -> None:
    merged = merge_job(base, live, file)
    if not merged.conflicts:
        again = merge_job(merged.base, merged.spec, file)
        assert again.spec == merged.spec
        assert all(field.verdict == "keep" for field in again.fields)


@pytest.mark.parametrize(("on_conflict", "live"), [("file", C), ("live", B)])
def test_a_conflict_can_be_decided_beforehand(on_conflict: Any, live: int) -> None:
    policy = Policy(on_conflict=on_conflict)
    merged = merge_job({"timeout": A}, {"timeout": B}, {"timeout": C}, policy)
    assert not merged.conflicts
    assert merged.spec == {"timeout": live}
    assert merged.base == {"timeout": C}
