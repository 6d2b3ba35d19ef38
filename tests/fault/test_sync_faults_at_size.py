"""A sync of ten thousand jobs, killed before and after each of its calls."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from kit.clock import StoreClock
from kit.forkedsync import ForkedSync
from kit.project import Project, dump_of

from jobboard.store.boards import definitions, staging
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

JOBS = 10_000
CHANGED = 600
"""Jobs that the sync changes, enough for several pages of each kind; the others are carried over."""
EIGHT_HOURS = 8 * 3_600_000


def line(number: int, *, changed: bool) -> str:
    """A job as its board says it; every fourth has no schedule."""
    when = "cron: '0 2 1 1 *'" if changed else "cron: '0 1 1 1 *'"
    return (
        f"j{number}: {{run: x, {when}}}" if number % 4 else f"j{number}: {{run: {'y' if changed else 'x'}}}"
    )


@pytest.fixture
def changed(project: Project) -> Project:
    """Ten thousand jobs on three boards, synced; in the files one goes, one comes, and thousands change."""
    project.store.client.hset(project.store.key("meta"), "test", "1")
    project.board("big", "\n".join(line(n, changed=False) for n in range(JOBS - 20)))
    project.board("small", "\n".join(line(n, changed=False) for n in range(20)))
    project.sync()
    jobs = range(1, JOBS - 20 + 1)
    project.board("big", "\n".join(line(n, changed=n < CHANGED) for n in jobs))
    project.board("small", "\n".join(line(n, changed=True) for n in range(20)))
    project.board("new", "\n".join(line(n, changed=True) for n in range(20)))
    return project


def versions(store: Store) -> dict[str, str]:
    return {name: record.version for name, record in definitions.read_boards(store).items()}


def jobs_of(project: Project) -> dict[str, Any]:
    """Every definition there is; instants and numbers apart."""
    return {b: {j: (d.spec, d.base) for j, d in project.live(b).items()} for b in versions(project.store)}


def due_of(store: Store) -> dict[bytes, float]:
    """When each job is due; these are due once a year, so it is the same whenever it was worked out."""
    found: Any = store.client.zrange(store.key("sched"), 0, -1, withscores=True)
    return dict(found)


def put_back(store: Store, dump: dict[str, bytes]) -> None:
    """Make the namespace what it was."""
    with store.client.pipeline() as pipe:
        for key in dump_of(store):
            pipe.unlink(store.key(key))
        for key, value in dump.items():
            pipe.restore(store.key(key), 0, value)
        pipe.execute()


@pytest.mark.timeout(300)
def test_a_sync_of_ten_thousand_jobs_killed_at_any_call(changed: Project) -> None:
    store = changed.store
    start, before = dump_of(store), versions(store)
    old = jobs_of(changed), due_of(store)
    with ForkedSync(changed.folder, changed.environment()) as sync:
        code, calls = sync.apply()
        assert code == 0
        after, due = jobs_of(changed), due_of(store)
        assert calls > JOBS / 1000
        outcomes = []
        for call, when in product(range(1, calls + 3), ("asked", "answered")):
            put_back(store, start)
            code, reached = sync.apply(call, when)
            if code == 0:
                # Scans come in as many pages as it happens, so a sync may have a call more or less.
                assert abs(reached - calls) < 3
                continue
            assert code == -9, (call, when)
            committed = versions(store) != before
            outcomes.append(committed)
            if committed:
                assert jobs_of(changed) == after, (call, when)
                assert all(problem.kind == "stages" for problem in check(store)), (call, when)
            else:
                assert (jobs_of(changed), due_of(store)) == old, (call, when)
                assert sync.apply()[0] == 0
            assert "No changes." in changed.sync().out
            assert staging.is_drained(store)
            assert (jobs_of(changed), due_of(store)) == (after, due), (call, when)
    assert set(outcomes) == {True, False}
    assert len(outcomes) > 2 * (calls - 3)
    StoreClock(store).advance(EIGHT_HOURS)
    staging.collect(store)
    assert check(store) == []
