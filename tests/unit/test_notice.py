"""What a plan says of a board though nothing stands in its way."""

from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.jobs.model import Definition
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.notice import NAMED, notices


def spec(timeout: int, **more: Any) -> dict[str, Any]:
    return {"command": {"run": "x"}, "timeout": timeout, **more}


def live(jobs: int, **more: Any) -> dict[str, Definition]:
    found = {f"j{n}": spec(1_000, **more) for n in range(jobs)}
    return {job: Definition(1, 1, 1, said, said) for job, said in found.items()}


def said(held: dict[str, Definition], changed: dict[str, dict[str, Any]]) -> list[str]:
    file = {job: changed.get(job, definition.base) for job, definition in held.items()}
    return list(notices(held, plan_jobs("ops", file, held)[0]))


@pytest.mark.parametrize(("jobs", "changed", "told"), [(10, 3, False), (10, 4, True), (9, 9, False)])
def test_many_changes_in_many_ways_are_worth_a_word(jobs: int, changed: int, *, told: bool) -> None:
    found = said(live(jobs), {f"j{n}": spec(2_000 + n) for n in range(changed)})
    assert found == ([f"{changed} of its {jobs} jobs change, in {changed} ways"] if told else [])


def test_what_comes_of_one_default_counts_once() -> None:
    assert said(live(20), {f"j{n}": spec(2_000) for n in range(20)}) == []


def test_what_a_newer_version_wrote_is_told() -> None:
    held = live(NAMED + 2, **{"#99": "new"})
    (found,) = said(held, {})
    assert found == (
        "j0, j1, j2, j3, j4 and 2 more: a newer version wrote fields unknown to this one (#99), which stay"
    )
