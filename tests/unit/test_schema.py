from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobboard.core.jobs.value import READERS
from jobboard.core.names import NAME_PATTERN
from jobboard.core.rules import RULES
from jobboard.core.times.duration import parse_duration
from jobboard.source import misfit
from jobboard.source.schema import (
    check_board,
    check_keys,
    check_project,
    is_valid,
    job_schema,
    project_schema,
    schema,
    schema_text,
)
from jobboard.source.syntax import decode, parse
from jobboard.source.text import Text

CORPUS = Path(__file__).parent.parent / "corpus"
JOB_KEYS = schema()["$defs"]["job"]["properties"]
# Keys that are resolved before a job's fields are read.
WRITTEN_OUT = {"extend", "for_each", "name"}


def verdicts(board: Any) -> tuple[bool, bool]:
    return is_valid(board), misfit.Reference(schema()).is_valid(board)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads(schema_text()) == schema()


def test_the_schema_names_exactly_the_keys_that_are_read() -> None:
    assert set(JOB_KEYS) == set(READERS) | WRITTEN_OUT
    assert set(schema()["$defs"]["profile"]["properties"]) == set(READERS)
    assert set(schema()["properties"]["defaults"]["properties"]) < set(READERS)


def test_the_schema_of_a_project_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(project_schema())
    assert set(project_schema()["properties"]["lint"]["properties"]) == set(RULES)
    assert project_schema()["properties"]["defaults"] == schema()["properties"]["defaults"]
    for example in project_schema()["examples"]:
        assert check_project(example) == []


def keys_of(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, value in node.get("properties", {}).items():
        found.append((f"{path}/{name}", value))
        found += keys_of(value, f"{path}/{name}")
    for name, value in node.get("$defs", {}).items():
        found += keys_of(value, f"{path}#{name}")
    return found


@pytest.mark.parametrize(("path", "node"), keys_of(project_schema()) + keys_of(schema()))
def test_every_key_is_described_with_an_example_that_holds(path: str, node: dict[str, Any]) -> None:
    if path.startswith(("/reconcile/fields/", "#environment/reconcile/fields/")):
        assert node == {"$ref": "#/$defs/policy"}
        return
    if path.startswith(("/defaults/", "#profile/")):
        assert node["$ref"].rpartition("/")[2] == path.rpartition("/")[2]
        return
    assert node["description"].endswith(".")
    assert node["examples"]
    alone = {"$schema": schema()["$schema"], "$defs": project_schema()["$defs"], **node}
    for example in node["examples"]:
        misfit.Reference(alone).validate(example)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_both_validators_give_one_verdict_on_the_corpus(path: Path) -> None:
    text = decode(path.read_bytes())
    if isinstance(text, Text):
        root = parse(text).root
        fast, reference = verdicts(root)
        assert fast == reference
        assert fast == (check_board(root) == [])


WORDS = ["5m", "1h30m", "PT5S", "5 minutes", "skip", "db", "3:db", "0:db", "a b", "a\n", "75-78", "0"]
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(WORDS)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["minutes", "max", "on", "delay", "A", "a-b", "db"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
JOBS = st.dictionaries(st.sampled_from([*JOB_KEYS, "colour"]), VALUES, max_size=5)
BOARDS = st.fixed_dictionaries(
    {},
    optional={
        "board": SCALARS,
        "jobs": st.dictionaries(st.sampled_from(["a", "b.c", "", "../x", "a\n"]), JOBS | VALUES) | VALUES,
        "defaults": JOBS | VALUES,
        "timezone": SCALARS,
        "colour": SCALARS,
    },
)


@settings(max_examples=300)
@given(BOARDS | VALUES)
def test_both_validators_give_one_verdict_on_anything(board: Any) -> None:
    fast, reference = verdicts(board)
    assert fast == reference
    faults = check_board(board)
    assert bool(faults) != fast
    assert all(fault.message and fault.severity == "error" for fault in faults)


@settings(max_examples=200)
@given(JOBS)
def test_both_validators_give_one_verdict_on_a_job(job: dict[str, Any]) -> None:
    assert bool(check_keys(job)) != misfit.Reference(job_schema()).is_valid(job)


DURATION = schema()["$defs"]["duration"]


@settings(max_examples=300)
@given(st.from_regex(DURATION["pattern"], fullmatch=True) | st.text("0123456789.wdhms PTp", max_size=9))
def test_the_pattern_of_a_duration_refuses_nothing_that_is_one(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError:
        return
    assert text != text.strip(" ") or misfit.Reference(DURATION).is_valid(text)


def test_names_follow_the_one_grammar() -> None:
    for node in (
        schema()["properties"]["board"],
        schema()["properties"]["jobs"]["propertyNames"],
    ):
        assert node["pattern"] == f"^{NAME_PATTERN}$"
    assert JOB_KEYS["queue"]["pattern"] == f"^@?{NAME_PATTERN}$"


def test_a_thousand_faults_are_all_found() -> None:
    jobs = {f"job-{n}": {"run": "x", "retires": n} for n in range(1000)}
    assert len(check_board({"board": "b", "jobs": {**jobs, "good": {"run": "x"}}})) == 1000
