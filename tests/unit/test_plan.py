from __future__ import annotations

from typing import Any

from jobboard.core.jobs.model import Definition
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.plans.refusal import empty_refusal, protected_refusals


def held(spec: dict[str, Any], base: dict[str, Any] | None = None) -> Definition:
    return Definition(1, 1, 1, spec, spec if base is None else base)


RUN = {"command": {"run": "true"}}


def test_each_action() -> None:
    changes, drift, conflicts = plan_jobs(
        "ops",
        {
            "new": RUN,
            "same": RUN,
            "moved": {**RUN, "timeout": 2},
            "edited": RUN,
            "settled": {**RUN, "timeout": 9},
        },
        {
            "same": held(RUN),
            "moved": held({**RUN, "timeout": 1}),
            "gone": held(RUN),
            "edited": held({**RUN, "timeout": 5}, RUN),
            "settled": held({**RUN, "timeout": 9}, RUN),
        },
    )
    assert [(c.address, c.action) for c in changes] == [
        ("ops/gone", "destroy"),
        ("ops/moved", "change"),
        ("ops/new", "add"),
        ("ops/settled", "record"),
    ]
    assert [d.address for d in drift] == ["ops/edited"]
    assert conflicts == ()


def test_a_conflict_names_the_three_values() -> None:
    _, _, conflicts = plan_jobs(
        "ops", {"x": {**RUN, "timeout": 3}}, {"x": held({**RUN, "timeout": 2}, {**RUN, "timeout": 1})}
    )
    (field,) = conflicts[0].fields
    assert (field.path, field.base, field.live, field.file) == ("timeout", 1, 2, 3)


def test_the_digest_is_of_content_alone() -> None:
    def made(timeout: int, version: str) -> Plan:
        changes, drift, conflicts = plan_jobs("ops", {"x": {**RUN, "timeout": timeout}}, {})
        return Plan("ns", (BoardPlan("ops", "ops.yaml", version, changes, drift, conflicts),))

    assert made(1, "7.0").digest == made(1, "8.3").digest
    assert made(1, "7.0").digest != made(2, "7.0").digest


def test_only_a_moved_schedule_moves_the_schedule() -> None:
    cron = {**RUN, "schedule": {"cron": "0 1 * * *"}}
    changes, _, _ = plan_jobs(
        "ops",
        {"a": {**cron, "timeout": 1}, "b": {**RUN, "schedule": {"cron": "0 2 * * *"}}},
        {"a": held(cron), "b": held(cron)},
    )
    assert [c.moves_schedule for c in changes] == [False, True]


def test_protection_is_read_from_the_store() -> None:
    changes, _, _ = plan_jobs("ops", {}, {"x": held({**RUN, "protected": True}), "y": held(RUN)})
    assert [r.subject for r in protected_refusals(changes)] == ["ops/x"]


def test_a_board_never_silently_empties() -> None:
    refusal = empty_refusal("ops", 14, 0)
    assert refusal is not None
    assert "--allow-empty" in refusal.way_out
    assert empty_refusal("ops", 0, 0) is None
    assert empty_refusal("ops", 14, 1) is None
