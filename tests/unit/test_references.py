from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.source.references import BadReference, fill_in, interpolated, variables_used

VALUES = {"A": "one", "N": 5, "T": True, "F": 1.5, "EMPTY": ""}


def filled(text: Any, variables: dict[str, Any] | None = None) -> Any:
    root = {"key": text}
    assert fill_in(root, VALUES if variables is None else variables) == []
    return root["key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${var:A}", "one"),
        ("a${var:A}b${var:N}c", "aoneb5c"),
        ("${var:N}", 5),
        ("${var:T} ${var:F}", "true 1.5"),
        ("${var:NONE:-x y}", "x y"),
        ("${var:NONE:-}", ""),
        ("${var:EMPTY:-x}", ""),
        ("$${var:A}", "${var:A}"),
        ("$${var:A} ${var:A}", "${var:A} one"),
        ("${env:A} $${env:A} $HOME ${HOME}", "${env:A} $${env:A} $HOME ${HOME}"),
        (["${var:A}", {"in": "${var:N}"}], ["one", {"in": 5}]),
    ],
)
def test_a_reference_becomes_what_it_stands_for(text: Any, value: Any) -> None:
    assert filled(text) == value


def test_keys_are_left_alone() -> None:
    assert filled({"${var:A}": 1}) == {"${var:A}": 1}


def test_what_is_shared_is_filled_in_once() -> None:
    shared = {"run": "$${var:A} ${var:A}"}
    root = {"x": shared, "y": shared}
    assert fill_in(root, VALUES) == []
    assert root["x"] == {"run": "${var:A} one"}
    assert root["x"] is root["y"]


def test_an_unknown_variable_is_said_with_the_one_that_was_meant() -> None:
    root = {"jobs": {"j": {"run": "echo ${var:REGOIN}"}}}
    (fault,) = fill_in(root, {"REGION": "eu"})
    assert (fault.path, fault.offset) == (("jobs", "j", "run"), 5)
    assert fault.hint == 'Did you mean "REGION"?'
    assert root["jobs"]["j"]["run"] == "echo ${var:REGOIN}"


def test_a_list_stands_only_alone() -> None:
    assert interpolated("${each:value}", "each", lambda _: [1]) == [1]
    with pytest.raises(BadReference, match="a list"):
        interpolated("x ${each:value}", "each", lambda _: [1])


@given(st.text(st.sampled_from("${}var:EACHNAME-x ")))
def test_no_text_is_more_than_refused(text: str) -> None:
    root = {"key": text}
    faults = fill_in(root, VALUES)
    assert faults or "${var:A}" not in root["key"] or "$${var:A}" in text


def test_the_names_a_file_refers_to_are_found_in_its_bytes() -> None:
    raw = b"a: ${var:B} ${var:A:-x} $${var:C} ${var:B} ${env:D}\n# ${var:E}"
    assert variables_used(raw) == ["A", "B", "C", "E"]
    assert variables_used(b"a: $var") == []
