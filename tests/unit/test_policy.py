from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.merge import MISSING, merge_job
from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.policy import FIELD_OF_KEY, OnConflict, OnDrift, Policy
from jobboard.core.jobs.resolve import EXTEND
from jobboard.source.schema import schema

A, B, C = 1, 2, 3
PAIRS = [
    Policy(on_drift, on_conflict)
    for on_drift, on_conflict in product(get_args(OnDrift), get_args(OnConflict))
    if Policy(on_drift, on_conflict).contradiction is None
]
pairs = st.sampled_from(PAIRS)

specs = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from([A, B, C]),
        "schedule": st.sampled_from([{"every": 1}, {"every": 2}]),
        "tags": st.sets(st.sampled_from("abcd"), min_size=1).map(sorted),
        "env": st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), min_size=1),
    },
)


@pytest.mark.parametrize(
    ("three", "keep", "revert", "exact"),
    [
        # drift: only live moved
        ((A, B, A), B, A, A),
        ((A, MISSING, A), MISSING, A, A),
        ((MISSING, B, MISSING), B, B, MISSING),
        # only the file moved, and both moved alike: no policy has a say
        ((A, A, B), B, B, B),
        ((A, A, MISSING), MISSING, MISSING, MISSING),
        ((MISSING, MISSING, B), B, B, B),
        ((A, B, B), B, B, B),
        ((A, MISSING, MISSING), MISSING, MISSING, MISSING),
    ],
)
@pytest.mark.parametrize("field", ["timeout", "schedule", "env.A"])
def test_every_kind_of_drift_under_every_policy(
    field: str, three: tuple[Any, Any, Any], keep: Any, revert: Any, exact: Any
) -> None:
    base, live, file = three
    expected = {"keep": keep, "revert": revert, "exact": exact, "fail": keep}
    for on_drift in get_args(OnDrift):
        merged = merge_job(
            _spec(field, base), _spec(field, live), _spec(field, file), Policy(on_drift=on_drift)
        )
        assert merged.spec == _spec(field, expected[on_drift]), on_drift
        is_drift = file == base != live
        assert bool(merged.forbidden) is (on_drift == "fail" and is_drift)
        assert bool(merged.drift) is (is_drift and expected[on_drift] != file)


def _spec(field: str, value: Any) -> dict[str, Any]:
    if value is MISSING:
        return {}
    name, _, key = field.partition(".")
    if key:
        return {name: {key: str(value)}}
    return {name: {"every": value} if name == "schedule" else value}


@pytest.mark.parametrize(
    ("on_conflict", "expected"), [("fail", None), ("file", C), ("live", B)], ids=["fail", "file", "live"]
)
@pytest.mark.parametrize("field", ["timeout", "schedule", "env.A"])
def test_every_kind_of_conflict_under_every_policy(field: str, on_conflict: Any, expected: Any) -> None:
    merged = merge_job(
        _spec(field, A), _spec(field, B), _spec(field, C), Policy(on_conflict=on_conflict), "ops/x"
    )
    assert bool(merged.conflicts) is (expected is None)
    if expected is not None:
        assert merged.spec == _spec(field, expected)
        assert merged.base == _spec(field, C)
        assert bool(merged.drift) is (expected == B)


def test_a_set_under_every_policy() -> None:
    base, live, file = {"tags": ["a", "b"]}, {"tags": ["b", "live"]}, {"tags": ["a", "b", "file"]}
    expected: dict[OnDrift, list[str]] = {
        "keep": ["b", "file", "live"],
        "revert": ["a", "b", "file", "live"],
        "exact": ["a", "b", "file"],
        "fail": ["b", "file", "live"],
    }
    for on_drift, tags in expected.items():
        policy = Policy(on_drift=on_drift)
        merged = merge_job(base, live, file, policy)
        assert merged.spec == {"tags": tags}, on_drift
        assert bool(merged.drift) is (on_drift != "exact")
        assert bool(merged.forbidden) is (on_drift == "fail")


def test_live_after_a_conflict_is_drift_that_fails_from_the_next_time_on() -> None:
    policy = Policy("fail", "live")
    merged = merge_job({"timeout": A}, {"timeout": B}, {"timeout": C}, policy)
    assert not merged.forbidden
    assert merge_job(merged.base, merged.spec, {"timeout": C}, policy).forbidden


@given(specs, specs, specs, pairs)
def test_a_second_merge_changes_nothing_under_every_pair(
    base: Any, live: Any, file: Any, policy: Policy
) -> None:
    merged = merge_job(base, live, file, policy)
    if merged.conflicts:
        return
    again = merge_job(merged.base, merged.spec, file, policy)
    assert again.spec == merged.spec
    assert again.base == merged.base
    assert all(field.verdict == "keep" for field in again.fields)


@given(specs, specs, specs, pairs)
def test_a_field_that_only_the_file_changed_takes_the_file_under_every_pair(
    base: Any, live: Any, file: Any, policy: Policy
) -> None:
    merged = merge_job(base, live, file, policy)
    for name in ("timeout", "schedule"):
        if live.get(name) == base.get(name):
            assert merged.spec.get(name) == file.get(name)
    if policy.on_drift == "exact" and not merged.conflicts:
        assert merged.spec == file
    if policy.on_drift in ("keep", "fail") and file == base:
        assert merged.spec == live


def test_a_field_has_its_own_policy_and_a_flag_wins_over_it() -> None:
    board = Policy.of_layers(
        [{"on_drift": "keep", "fields": {"timeout": {"on_drift": "revert"}, "cron": {"on_conflict": "file"}}}]
    )
    assert (board.drift_at("timeout"), board.drift_at("priority")) == ("revert", "keep")
    assert (board.conflict_at("schedule"), board.conflict_at("timeout")) == ("file", "fail")
    flagged = board.by_flag("exact", None)
    assert (flagged.drift_at("timeout"), flagged.drift_at("env.A")) == ("exact", "exact")
    assert flagged.conflict_at("schedule") == "file"


def test_one_conflict_can_be_forced() -> None:
    policy = Policy().by_flag(None, None, frozenset({"ops/x:env.A"}))
    assert policy.conflict_at("env.A", "ops/x") == "file"
    assert policy.conflict_at("env.B", "ops/x") == "fail"
    assert policy.conflict_at("env.A", "ops/y") == "fail"


@pytest.mark.parametrize("on_drift", ["revert", "exact"])
def test_what_keeps_and_takes_back_contradicts_itself(on_drift: Any) -> None:
    assert Policy(on_drift, "live").contradiction == on_drift
    assert Policy.of_layers(
        [{"fields": {"timeout": {"on_drift": on_drift, "on_conflict": "live"}}}]
    ).contradiction
    assert Policy(on_drift, "file").contradiction is None
    assert Policy("keep", "live").contradiction is None


def test_the_schema_gives_a_policy_to_every_key_of_a_job() -> None:
    job = set(schema()["$defs"]["job"]["properties"]) - {EXTEND, "for_each", "name"}
    named = set(schema()["properties"]["reconcile"]["properties"]["fields"]["properties"])
    assert named == job
    assert {FIELD_OF_KEY.get(key, key) for key in named} <= set(FIELDS)


def test_a_higher_layer_wins_over_what_lies_below() -> None:
    project = {"on_drift": "revert", "fields": {"timeout": {"on_conflict": "file"}}}
    environment = {"on_conflict": "file", "fields": {"cron": {"on_drift": "fail"}}}
    board = {"on_drift": "exact", "fields": {"timeout": {"on_drift": "keep"}}}
    below = Policy.of_layers([project, environment])
    assert (below.drift_at("queue"), below.conflict_at("queue")) == ("revert", "file")
    assert below.drift_at("schedule") == "fail"
    whole = Policy.of_layers([project, environment, board])
    assert whole.drift_at("timeout") == "keep"
    # What the board says of every field wins over what the environment says of one.
    assert whole.drift_at("schedule") == whole.drift_at("queue") == "exact"
    assert whole.by_flag("fail", None).drift_at("timeout") == "fail"
    assert Policy.of_layers([]) == Policy()
