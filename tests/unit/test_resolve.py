from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.model import FIELDS, Spec
from jobboard.core.jobs.resolve import Resolver, resolve_assignment, resolve_job
from jobboard.store.boards.codec import decode_spec, encode_spec


def spec_of(raw: dict[str, Any], **board: Any) -> Spec:
    spec, faults = resolve_job({"run": "true", **raw}, board="b", name="j", **board)
    assert faults == []
    return spec


def messages(raw: dict[str, Any], **board: Any) -> list[str]:
    return [fault.message for fault in resolve_job(raw, board="b", name="j", **board)[1]]


def test_the_same_meaning_is_the_same_spec() -> None:
    one = spec_of({"timeout": "60s", "tags": ["b", "a"], "locks": "2:x", "after": "p"})
    other = spec_of(
        {"timeout": {"minutes": 1}, "tags": ["a", "b", "a"], "locks": {"x": 2}, "after": ["b/p"]},
        timezone="Europe/Madrid",
    )
    assert one == other
    assert encode_spec(one) == encode_spec(other)


def test_a_lock_listed_twice_is_one_lock() -> None:
    assert spec_of({"locks": ["db", "api", "db"]}) == spec_of({"locks": ["api", "db"]})
    assert spec_of({"locks": ["2:db", "2:db"]})["locks"] == {"db": 2}


def test_moving_a_value_into_defaults_changes_nothing() -> None:
    keys: dict[str, Any] = {"timeout": "5m", "env": {"A": "1"}, "retries": {"max": 2}, "jitter": "1m"}
    assert spec_of({"every": "1h", **keys}) == spec_of({"every": "1h"}, defaults=keys)


def test_what_logs_say_that_is_built_in_is_left_out() -> None:
    said = {"split": False, "max_size": "64K", "on_success": "keep"}
    assert spec_of({"logs": said}) == spec_of({})
    defaults = {"logs": {"split": True, "on_success": "discard", "keep": "7d"}}
    assert spec_of({"logs": {"split": False}}, defaults=defaults)["logs"] == {
        "keep": 7 * 86_400_000,
        "on_success": "discard",
    }


def test_other_sizes_are_built_in_for_output_in_files() -> None:
    assert spec_of({"logs": {"to": "files", "max_size": "16M"}})["logs"] == {"to": "files"}
    defaults = {"logs": {"max_size": "64K"}}
    assert spec_of({"logs": {"to": "files"}}, defaults=defaults)["logs"] == {
        "max_size": 65_536,
        "to": "files",
    }
    assert spec_of({"logs": {"to": "redis"}}, defaults=defaults) == spec_of({})


def test_null_takes_a_value_back_to_what_is_built_in() -> None:
    defaults = {"timeout": "5m", "env": {"A": "1", "B": "2"}, "queue": "slow", "jitter": "1m"}
    own = {"timeout": None, "env": {"A": None}, "queue": None, "every": "1h", "jitter": None}
    assert spec_of(own, defaults=defaults) == spec_of({"every": "1h", "env": {"B": "2"}})


def test_a_default_jitter_is_for_jobs_with_a_schedule() -> None:
    assert "schedule" not in spec_of({}, defaults={"jitter": "1m"})
    assert spec_of({"after": "p"}, defaults={"jitter": "1m"})["after"] == ["b/p"]


def test_faults_of_defaults_are_said_once_and_under_defaults() -> None:
    resolver = Resolver("b", {"timeout": "soon"}, "Nowhere")
    assert [fault.path for fault in resolver.faults] == [("defaults", "timeout"), ("timezone",)]
    assert resolver.job("a", {"run": "x", "cron": "0 0 * * *"})[1] == []


def test_local_times_are_in_the_jobs_zone_else_the_boards() -> None:
    madrid = spec_of({"at": "2026-07-01 12:00"}, timezone="Europe/Madrid")
    tokyo = spec_of({"at": "2026-07-01 12:00", "timezone": "Asia/Tokyo"}, timezone="Europe/Madrid")
    reset = spec_of({"at": "2026-07-01 12:00", "timezone": None}, timezone="Europe/Madrid")
    assert [s["schedule"]["at"][0] - reset["schedule"]["at"][0] for s in (madrid, tokyo)] == [
        -2 * 3_600_000,
        -9 * 3_600_000,
    ]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "no command"),
        ({"run": "a", "exec": ["b"]}, "one command"),
        ({"run": "a", "cron": "0 0 * * *", "at": "2026-01-01"}, "one schedule"),
        ({"run": "a", "for": "1h"}, "without a schedule"),
        ({"run": "a", "every": "1h", "for": "1h"}, "needs"),
        ({"run": "a", "every": "1h", "phase": "2h"}, "not below"),
        ({"run": "a ${env:X}"}, "not resolved in a command"),
        ({"exec": ["a", "${file:/x}"]}, "not resolved in a command"),
        ({"run": "a", "locks": ["2:x", "3:x"]}, "two capacities"),
        ({"run": "a", "retries": {"max": 1, "on": "SIGNOPE"}}, "not an exit code"),
        ({"run": "a", "timezone": "Nowhere", "every": "1h"}, "no time zone"),
        ({"run": "a", "env": {"JOBBOARD_X": "1"}}, "not yours"),
        ({"run": "a", "timeout": "0s"}, "longer than nothing"),
    ],
)
def test_what_makes_no_sense_is_said(raw: dict[str, Any], words: str) -> None:
    (message,) = messages(raw)
    assert words in message


def test_every_fault_of_a_job_comes_at_once() -> None:
    raw = {
        "run": " ",
        "cron": "x",
        "timeout": "y",
        "retries": {"delay": "z", "max": 1, "on": ["?"]},
        "after": "-",
    }
    assert len(messages(raw)) == 7


@pytest.mark.parametrize(
    ("key", "value", "field", "result"),
    [
        ("timeout", "5m", "timeout", 300_000),
        ("timeout", None, "timeout", None),
        ("queue", "common", "queue", None),
        ("env.LANG", "C", "env", {"A": "1", "LANG": "C"}),
        ("env.A", None, "env", None),
        ("retries.max", 5, "retries", {"max": 5, "delay": 1000}),
        ("retries.delay", None, "retries", {"max": 3}),
        ("retries.delay", "10s", "retries", {"max": 3}),
        ("locks.db", 2, "locks", {"db": 2}),
        ("cron", "@daily", "schedule", {"cron": "0 0 * * *", "start": 1_767_225_600_000, "jitter": 1000}),
        ("every", "1h", "schedule", {"every": 3_600_000, "start": 1_767_225_600_000, "jitter": 1000}),
        ("every", None, "schedule", None),
        ("after", "p", "schedule", None),
        ("after", "p", "after", ["b/p"]),
        ("start", "2026-01-02", "schedule", {"every": 60_000, "start": 1_767_312_000_000, "jitter": 1000}),
        ("exec", ["a"], "command", {"exec": ["a"]}),
        ("enabled", False, "enabled", False),
    ],
)
def test_a_live_edit_sets_one_key(key: str, value: Any, field: str, result: Any) -> None:
    before = spec_of(
        {
            "every": "1m",
            "start": "2026-01-01",
            "jitter": "1s",
            "timeout": "1m",
            "env": {"A": "1"},
            "retries": {"max": 3, "delay": "1s"},
        }
    )
    after, faults = resolve_assignment(key, value, before, board="b", name="j")
    assert faults == []
    assert after.get(field) == result
    assert {k: v for k, v in after.items() if k not in (field, "schedule", "after")} == {
        k: v for k, v in before.items() if k not in (field, "schedule", "after")
    }


@pytest.mark.parametrize(
    ("key", "value"), [("colour", "red"), ("colour", None), ("timeout.x", 1), ("cron", "x"), ("phase", "1s")]
)
def test_a_live_edit_that_makes_no_sense_is_a_fault(key: str, value: Any) -> None:
    before = spec_of({"every": "1m", "start": "2026-01-01"})
    assert resolve_assignment(key, value, before, board="b", name="j")[1]


def test_a_live_edit_keeps_the_zone_and_what_it_does_not_know() -> None:
    before = {**spec_of({"cron": "0 2 * * *", "timezone": "Asia/Tokyo"}), "#99": "later"}
    after, faults = resolve_assignment(
        "cron", "0 3 * * *", before, board="b", name="j", timezone="Europe/Madrid"
    )
    assert faults == []
    assert after["schedule"] == {"cron": "0 3 * * *", "timezone": "Asia/Tokyo"}
    assert after["#99"] == "later"
    utc = spec_of({"cron": "0 2 * * *"})
    assert resolve_assignment("timeout", "1m", utc, board="b", name="j", timezone="Europe/Madrid")[0] == {
        **utc,
        "timeout": 60_000,
    }


SPANS = st.integers(1, 10**9).map(lambda ms: f"{ms}ms")
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
JOBS = st.fixed_dictionaries(
    {
        "run": st.text(
            st.characters(exclude_characters="\0${", exclude_categories=["Cs"]), min_size=1
        ).filter(str.strip)
    },
    optional={
        "timeout": SPANS,
        "kill_after": SPANS,
        "tags": st.lists(NAMES),
        "locks": st.dictionaries(NAMES, st.integers(1, 9)),
        "env": st.dictionaries(NAMES, st.text(max_size=5).map(lambda text: text.replace("\0", ""))),
        "priority": st.integers(-1000, 1000),
        "enabled": st.booleans(),
        "ok_exit": st.lists(st.integers(0, 255), min_size=1),
        "retries": st.fixed_dictionaries({"max": st.integers(1, 9)}, optional={"delay": SPANS}),
        "every": SPANS,
        "queue": NAMES,
    },
)


@given(JOBS)
def test_a_spec_is_canonical(raw: dict[str, Any]) -> None:
    spec = spec_of(raw)
    assert decode_spec(encode_spec(spec)) == spec
    assert set(spec) <= set(FIELDS)
    for name, value in spec.items():
        assert value not in (FIELDS[name].default, None)
    # Setting what is there already changes nothing.
    for key, value in raw.items():
        assert resolve_assignment(key, value, spec, board="b", name="j") == (spec, [])


@given(JOBS, JOBS)
def test_defaults_are_the_same_as_writing_them_out(defaults: dict[str, Any], own: dict[str, Any]) -> None:
    below = {key: value for key, value in defaults.items() if key not in ("run", "every")}
    written = {**below, **own}
    for name in ("locks", "env"):
        if name in below and name in own:
            written[name] = {**below[name], **own[name]}
    assert spec_of(own, defaults=below) == spec_of(written)


@pytest.mark.parametrize(
    ("raw", "schedule"),
    [
        ({"cron": ["@daily"]}, {"cron": "0 0 * * *"}),
        (
            {"cron": ["30 4 * * 6", "0 2 * * *", "@daily", "0 0 * * *"]},
            {"cron": ["0 0 * * *", "0 2 * * *", "30 4 * * 6"]},
        ),
        ({"cron": "@daily", "seconds": True}, {"cron": "0 0 0 * * *", "seconds": True}),
        ({"cron": "0 0 * * *", "seconds": False}, {"cron": "0 0 * * *"}),
        ({"cron": "0 0 * * 1", "days": "and"}, {"cron": "0 0 * * 1"}),
        ({"cron": "0 0 1 * 1", "days": "or"}, {"cron": "0 0 1 * 1"}),
        ({"cron": "0 0 1 * 1", "days": "and"}, {"cron": "0 0 1 * 1", "days": "and"}),
        ({"cron": "0 0 */2 * 1", "days": "or"}, {"cron": "0 0 */2 * 1", "days": "or"}),
    ],
)
def test_what_says_nothing_is_left_out_of_a_cron_schedule(
    raw: dict[str, Any], schedule: dict[str, Any]
) -> None:
    spec = spec_of(raw)
    assert spec["schedule"] == schedule
    assert resolve_assignment("tags", ["x"], spec, board="b", name="j")[0]["schedule"] == schedule


@pytest.mark.parametrize(
    ("raw", "path", "told"),
    [
        ({"cron": ["0 0 * * *", "61 * * * *"]}, ("cron", 1), "61 is no minute"),
        ({"cron": ["0 0 * * *", "0 0 0 * * *"]}, ("cron", 1), "five fields, not 6"),
        ({"cron": "0 0 */2 * 1"}, ("cron",), "begins with"),
        ({"cron": "0 0 * * *", "seconds": True}, ("cron",), "six fields, not 5"),
        ({"every": "1m", "seconds": True}, ("seconds",), 'means nothing without "cron"'),
        ({"at": "2026-01-01", "days": "and"}, ("days",), 'means nothing without "cron"'),
    ],
)
def test_what_a_cron_schedule_is_refused_for(raw: dict[str, Any], path: tuple[Any, ...], told: str) -> None:
    (fault,) = resolve_job({"run": "true", **raw}, board="b", name="j")[1]
    assert fault.path == path
    assert told in fault.message


def test_another_kind_of_schedule_takes_over_nothing_that_is_cron_s() -> None:
    before = spec_of({"cron": "@daily", "seconds": True})
    after, faults = resolve_assignment("every", "1h", before, board="b", name="j")
    assert (after["schedule"], faults) == ({"every": 3_600_000}, [])
