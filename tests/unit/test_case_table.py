"""Every way in which a base, a live and a file value can agree, for every kind of field and every policy.

What is expected stands in the tables below and is computed nowhere.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from jobboard.core.jobs.merge import merge_job
from jobboard.core.jobs.policy import Policy

TABLE = """
base live file | keep revert exact fail | what it is
-    -    -    | -    -      -     -    | nothing
A    A    A    | A    A      A     A    | nothing
-    -    B    | B    B      B     B    | the file's change
A    A    B    | B    B      B     B    | the file's change
A    A    -    | -    -      -     -    | the file's change
-    B    B    | B    B      B     B    | the same change on both sides
A    B    B    | B    B      B     B    | the same change on both sides
A    -    -    | -    -      -     -    | the same change on both sides
-    B    -    | B    B      -     !    | drift
A    B    A    | B    A      A     !    | drift
A    -    A    | -    A      A     !    | drift
-    B    C    | ?    ?      ?     ?    | a conflict
A    B    C    | ?    ?      ?     ?    | a conflict
A    B    -    | ?    ?      ?     ?    | a conflict
A    -    C    | ?    ?      ?     ?    | a conflict
"""
ELEMENTS = """
base live file | keep revert exact fail
0    0    0    | 0    0      0     0
1    1    1    | 1    1      1     1
0    0    1    | 1    1      1     1
1    1    0    | 0    0      0     0
0    1    1    | 1    1      1     1
1    0    0    | 0    0      0     0
0    1    0    | 1    1      0     !
1    0    1    | 0    1      1     !
"""
VALUES: dict[str, dict[str, Any]] = {
    "timeout": {"A": 1_000, "B": 2_000, "C": 3_000},
    "enabled": {"A": False, "B": True, "C": 0},
    "schedule": {"A": {"every": 60_000}, "B": {"cron": "0 3 * * *"}, "C": {"every": 60_000, "runs": 1}},
    "retries": {"A": {"max": 1}, "B": {"max": 2}, "C": {"max": 1, "delay": 5}},
    "command": {"A": {"run": "x"}, "B": {"exec": ["x"]}, "C": {"run": "y"}},
    "env.K": {"A": "1", "B": "2", "C": ""},
    "locks.L": {"A": 1, "B": 2, "C": 3},
}
DRIFT = ("keep", "revert", "exact", "fail")
CONFLICT = ("fail", "file", "live")
PAIRS = [
    (drift, conflict)
    for drift, conflict in product(DRIFT, CONFLICT)
    if conflict != "live" or drift not in ("revert", "exact")
]


def rows(table: str) -> list[list[str]]:
    return [line.partition(" | what")[0].replace("|", " ").split() for line in table.strip().splitlines()[1:]]


def spec_with(path: str, value: Any) -> dict[str, Any]:
    """A definition that says this, and something beside it that no case is about."""
    name, _, key = path.partition(".")
    rest: dict[str, Any] = {"queue": "q", "env": {"OTHER": "o"}}
    if value is None:
        return rest
    return {**rest, name: {**rest.get(name, {}), key: value} if key else value}


def policy(on_drift: Any, on_conflict: Any) -> Policy:
    return Policy(on_drift, on_conflict)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("path", VALUES)
@pytest.mark.parametrize("row", rows(TABLE), ids=lambda row: "".join(row[:3]))
def test_one_value(row: list[str], path: str, pair: tuple[str, str]) -> None:
    on_drift, on_conflict = pair
    values = {"-": None, **VALUES[path]}
    base, live, file = (spec_with(path, values[sign]) for sign in row[:3])
    expected = row[3 + DRIFT.index(on_drift)]
    merged = merge_job(base, live, file, policy(*pair))
    if expected == "!":
        # It stands in the way, and stays.
        assert [field.path for field in merged.forbidden] == [path]
        assert merged.spec == live
        return
    assert not merged.forbidden
    if expected == "?":
        assert bool(merged.conflicts) is (on_conflict == "fail")
        if on_conflict == "fail":
            assert [field.path for field in merged.conflicts] == [path]
            return
        expected = row[2] if on_conflict == "file" else row[1]
    assert not merged.conflicts
    assert merged.spec == spec_with(path, values[expected])
    assert merged.base == file
    again = merge_job(
        merged.base, merged.spec, file, policy("keep" if on_drift == "fail" else on_drift, "fail")
    )
    assert (again.spec, again.conflicts) == (merged.spec, ())


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("row", rows(ELEMENTS), ids=lambda row: "".join(row[:3]))
def test_one_element_of_a_set(row: list[str], pair: tuple[str, str]) -> None:
    def tagged(sign: str) -> dict[str, Any]:
        return {"queue": "q", "tags": ["other", "t"] if sign == "1" else ["other"]}

    base, live, file = map(tagged, row[:3])
    expected = row[3 + DRIFT.index(pair[0])]
    merged = merge_job(base, live, file, policy(*pair))
    assert not merged.conflicts
    assert bool(merged.forbidden) is (expected == "!")
    assert merged.spec == (live if expected == "!" else tagged(expected))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("row", rows(TABLE), ids=lambda row: "".join(row[:3]))
def test_a_field_of_a_newer_version_stays_as_it_is(row: list[str], pair: tuple[str, str]) -> None:
    base, live, file = (spec_with("#99", {"-": None}.get(sign, sign)) for sign in row[:3])
    merged = merge_job(base, live, file, policy(*pair))
    assert merged.spec == live
    assert not merged.conflicts


@pytest.mark.parametrize("path", VALUES)
@pytest.mark.parametrize("row", rows(TABLE), ids=lambda row: "".join(row[:3]))
def test_the_sides_may_be_swapped_where_nothing_conflicts(row: list[str], path: str) -> None:
    values = {"-": None, **VALUES[path]}
    base, live, file = (spec_with(path, values[sign]) for sign in row[:3])
    one, other = merge_job(base, live, file), merge_job(base, file, live)
    assert bool(one.conflicts) is bool(other.conflicts)
    if not one.conflicts:
        assert one.spec == other.spec
