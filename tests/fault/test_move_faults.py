"""A sync that moves a job with many unfinished runs, killed at every call: they are always the job's."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.clock import StoreClock
from kit.engine import Engine
from kit.made import made
from kit.proxy import Cut, Proxy
from kit.walk import Looking
from kit.zygote import Zygote

from jobboard.store.boards import staging
from jobboard.store.runs import past
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.project import Project
    from kit.proxy import When

    Make = Callable[[], Project]

SYNC = ("sync", "--auto-approve")
RUNS = 200
"""More than two calls tell of their new address; a small set the store gives in one page."""
EIGHT_HOURS = 8 * 3_600_000


@pytest.fixture
def make(new_project: Make) -> Make:
    """Makes projects with many runs of a job that has another address since."""

    def one() -> Project:
        project = new_project()
        project.board("ops", "dump: {run: x, overlap: allow}")
        project.sync()
        engine = Engine.at_work(project.store)
        for _ in range(RUNS):
            engine.runs.start_run("ops/dump", by="ana")
        project.board(
            "ops", "backup: {run: x, overlap: allow}", head="moved:\n  - {from: dump, to: backup}\n"
        )
        return project

    return one


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    with Zygote(tmp_path / "zygote") as running:
        yield running


def killed(project: Project, zygote: Zygote, call: int, when: When) -> bool:
    """Sync in a process that is killed at a call; whether it came so far."""
    behind = Path(project.store.url.removeprefix("unix://"))
    with Proxy(behind, behind.parent, Cut(call, when, zygote.kill)) as proxy:
        environment = {**project.environment(), "JOBBOARD_REDIS_URL": proxy.url}
        zygote.start(*SYNC, cwd=project.folder, environment=environment)
        code, _, err = zygote.go()
        assert code == (-9 if proxy.calls >= call else 0), err
        return proxy.calls >= call


def told(project: Project) -> int:
    """How many of the job's runs are written down under its new address."""
    ids = Engine(project.store).members("live", "ops/backup")
    return [made(project.store, run_id)["job"] for run_id in ids].count("ops/backup")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["asked", "answered"])
def test_its_runs_stay_its_own_and_a_scheduler_tells_the_rest(make: Make, zygote: Zygote, when: When) -> None:
    seen = set()
    for call in count(1):
        project = make()
        if not killed(project, zygote, call, when):
            break
        committed = "backup" in project.live("ops")
        engine = Engine(project.store)
        (reserved,) = engine.reserve(limit=1)
        seen.add((reserved.address, told(project)))
        assert all(problem.kind == "stages" for problem in check(project.store)), call
        with closing(Looking(project.store, name="s1")) as scheduler:
            scheduler.look()
        assert staging.is_drained(project.store)
        job = "ops/backup" if committed else "ops/dump"
        engine.finish(reserved)
        assert [record.run_id for record in past.last_records(project.store, job)] == [reserved.run_id], call
        project.sync()
        assert len(past.live_runs(project.store, "ops/backup")) == told(project) == RUNS - 1, call
        StoreClock(project.store).advance(EIGHT_HOURS)
        staging.collect(project.store)
        assert check(project.store) == [], call
    assert ("ops/dump", 0) in seen
    assert ("ops/backup", RUNS) in seen
    assert any(0 < number < RUNS for _, number in seen)
