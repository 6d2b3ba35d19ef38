"""The verdict over an attempt's end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.model import DEFAULT_RETRIES
from jobboard.core.runs.retry import Verdict, judge, retry_delay_ms


def _judge(spec: dict[str, Any] | None = None, **how: Any) -> Verdict:
    asked: dict[str, Any] = {"attempt": 1, "defers": 0, "exit_code": None, **how}
    return judge(spec or {}, **asked)


def test_success() -> None:
    assert _judge(exit_code=0) == Verdict("ok", 0, "")


def test_a_code_the_job_calls_success() -> None:
    assert _judge({"ok_exit": [0, 3]}, exit_code=3).verdict == "ok"
    assert _judge({"ok_exit": [3]}, exit_code=0).verdict == "failed"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"exit_code": 3}, "exit 3"),
        ({"signal": "SIGKILL"}, "signal SIGKILL"),
        ({"timed_out": True, "signal": "SIGTERM"}, "timeout after 10m"),
        ({}, "not started"),
    ],
)
def test_a_failure_says_in_words_what_happened(how: dict[str, Any], reason: str) -> None:
    assert _judge({"timeout": 600_000}, **how) == Verdict("failed", 0, reason)


def test_a_cancel_wins_over_everything() -> None:
    spec = {"retries": {"max": 3}}
    for how in ({"exit_code": 0}, {"exit_code": 75}, {"exit_code": 1}, {"timed_out": True}):
        assert _judge(spec, cancelled=True, **how).verdict == "cancelled"


def test_exit_75_is_deferred_by_default_and_takes_no_try() -> None:
    assert _judge(exit_code=75, defers=99) == Verdict("defer", 60_000, "exit 75")
    assert _judge(exit_code=75, defers=100).verdict == "failed"


def test_deferring_is_judged_before_success_and_before_retries() -> None:
    spec = {"defer": {"on": [0, 1], "delay": 5_000, "max": 1}, "retries": {"max": 1}}
    assert _judge(spec, exit_code=0).verdict == "defer"
    assert _judge(spec, exit_code=1) == Verdict("defer", 5_000, "exit 1")
    assert _judge(spec, exit_code=1, defers=1).verdict == "retry"


def test_a_run_that_may_be_let_go_is_not_tried_again() -> None:
    spec = {"defer": {"drop": True}, "retries": {"max": 5}}
    assert _judge(spec, exit_code=75) == Verdict("drop", 0, "not now: exit 75")
    assert _judge(spec, exit_code=1).verdict == "retry"
    assert _judge(spec, exit_code=75, cancelled=True).verdict == "cancelled"


def test_a_timeout_is_not_taken_for_the_code_the_dying_process_left() -> None:
    assert _judge({"timeout": 1_000}, timed_out=True, exit_code=0).verdict == "failed"
    assert _judge({"timeout": 1_000}, timed_out=True, exit_code=75).verdict == "failed"


def test_retries_end() -> None:
    spec = {"retries": {"max": 2}}
    verdicts = [_judge(spec, exit_code=1, attempt=attempt).verdict for attempt in (1, 2, 3)]
    assert verdicts == ["retry", "retry", "failed"]


@pytest.mark.parametrize(
    ("how", "covered"),
    [
        ({"exit_code": 7}, True),
        ({"exit_code": 8}, False),
        ({"signal": "SIGSEGV"}, True),
        ({"signal": "SIGTERM"}, False),
        ({"timed_out": True}, True),
        ({}, False),
    ],
)
def test_only_what_the_policy_names_is_retried(how: dict[str, Any], covered: bool) -> None:
    spec = {"retries": {"max": 1, "on": [7, "SIGSEGV", "timeout"]}}
    assert _judge(spec, **how).verdict == ("retry" if covered else "failed")


def test_a_timeout_is_retried_only_where_it_is_named() -> None:
    spec = {"retries": {"max": 1, "on": [7, "SIGTERM"]}}
    assert _judge(spec, timed_out=True, signal="SIGTERM").verdict == "failed"


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ("constant", [10_000, 10_000, 10_000, 10_000]),
        ("linear", [10_000, 20_000, 30_000, 35_000]),
        ("exponential", [10_000, 20_000, 35_000, 35_000]),
    ],
)
def test_delays_grow_up_to_the_cap(backoff: str, delays: list[int]) -> None:
    retries = {**DEFAULT_RETRIES, "backoff": backoff, "max_delay": 35_000}
    assert [retry_delay_ms(retries, attempt, "r") for attempt in (1, 2, 3, 4)] == delays


@given(st.integers(1, 10_000), st.text(), st.integers(0, 60_000))
def test_jitter_is_stable_and_within_its_bound(attempt: int, seed: str, jitter_ms: int) -> None:
    bare = {**DEFAULT_RETRIES, "max_delay": 3_600_000}
    shifted = retry_delay_ms({**bare, "jitter": jitter_ms}, attempt, seed)
    assert 0 <= shifted - retry_delay_ms(bare, attempt, seed) <= jitter_ms
    assert shifted == retry_delay_ms({**bare, "jitter": jitter_ms}, attempt, seed)


def test_jitter_parts_runs_that_failed_together() -> None:
    retries = {**DEFAULT_RETRIES, "jitter": 60_000}
    assert len({retry_delay_ms(retries, 1, f"b/j{i}@now") for i in range(50)}) > 40
