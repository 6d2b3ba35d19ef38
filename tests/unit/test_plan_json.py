from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobboard.cli.plans.jsonform import plan_json
from jobboard.core.jobs.model import Definition
from jobboard.core.plans.change import ACTIONS
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.core.plans.refusal import Refusal
from jobboard.core.runs.facts import Hold
from jobboard.reconcile.around import Around
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources

NOW = 1_795_262_400_000  # 2026-11-21T12:00:00Z
if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec

RUN = {"command": {"run": "x"}}


def made(**more: object) -> Planned:
    live = {
        "a": Definition(1, 1, 1, {**RUN, "timeout": 2}, {**RUN, "timeout": 1}),
        "d": Definition(1, 1, 1, {**RUN, "timeout": 9}, RUN),
        "z": Definition(1, 1, 1, RUN, RUN),
    }
    file: dict[str, Spec] = {
        "a": {**RUN, "timeout": 3},
        "d": RUN,
        "n": {**RUN, "schedule": {"cron": "0 13 * * *"}},
    }
    changes, drift, conflicts = plan_jobs("ops", file, live)
    refusals = (Refusal("empty", "ops", "message", "way out"),)
    board = BoardPlan("ops", "boards/ops.yaml", "1.0", changes, drift, conflicts, refusals, 3)
    return Planned(Plan("ns", (board,)), Sources((), (), None), Options())


def test_everything_a_plan_says_is_there() -> None:
    hold = Hold("luis", NOW, "", NOW + 1)
    edit = {"actor": "ana", "via": "cli", "at": NOW}
    value = plan_json(made(), Around(NOW, edits={"ops/d": {"timeout": edit}}, holds={"job:ops/a": [hold]}))
    assert json.loads(json.dumps(value)) == value
    assert value["format_version"] == "1.0"
    assert (value["applyable"], value["empty"]) == (False, False)
    assert value["counts"] == {
        **dict.fromkeys(ACTIONS, 0),
        "add": 1,
        "destroy": 1,
    }
    (board,) = value["boards"]
    added, destroyed = board["changes"]
    assert (added["address"], added["action"], added["before"]) == ("ops/n", "add", None)
    assert added["next_after"] == "2026-11-21T13:00:00Z"
    assert (destroyed["address"], destroyed["after"], destroyed["next_after"]) == ("ops/z", None, None)
    (drift,) = board["drift"][0]["fields"]
    assert drift["edited"] == {"actor": "ana", "via": "cli", "at": "2026-11-21T12:00:00Z"}
    (conflict,) = board["conflicts"][0]["fields"]
    assert (conflict["base"], conflict["live"], conflict["file"]) == (1, 2, 3)
    assert conflict["edited"] is None
    assert board["refusals"][0]["code"] == "empty"
    assert value["holds"]["job:ops/a"][0]["until"] == "2026-11-21T12:00:00.001Z"


@pytest.mark.parametrize("key", ["digest", "namespace", "warnings", "fresh"])
def test_stable_keys(key: str) -> None:
    assert key in plan_json(made(), Around(NOW))
