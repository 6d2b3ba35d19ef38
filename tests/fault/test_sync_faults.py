"""A sync that is killed, cut off or refused, at every point there is."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.clock import StoreClock
from kit.project import Project, dump_of, reset_statistics, write_commands
from kit.proxy import Cut, Proxy
from kit.server import Server
from kit.zygote import Zygote

from jobboard.store.boards import definitions, staging
from jobboard.store.calls.connect import Store
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.proxy import When

    Make = Callable[[], Project]

SYNC = ("sync", "--auto-approve", "--prune-board", "gone")
EIGHT_HOURS = 8 * 3_600_000


@pytest.fixture
def make(new_project: Make) -> Make:
    """Makes projects that have synced once, have a run queued, and now a change of every kind to sync."""

    def one() -> Project:
        project = new_project()
        project.board("gone", "x: {run: x, cron: '0 1 1 1 *'}")
        project.board(
            "ops", "a: {run: x, cron: '0 1 1 1 *'}\nb: {run: x, cron: '0 2 1 1 *'}\nc: {run: x, after: a}"
        )
        project.sync()
        Runs(project.store).start_run("ops/b", by="ana")
        project.path("gone").unlink()
        project.board("ops", "a: {run: y, cron: '0 3 1 1 *'}\nc: {run: x}\nd: {run: x, after: c}")
        project.board("new", "n: {run: x, cron: '0 4 1 1 *'}")
        return project

    return one


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    with Zygote(tmp_path / "zygote") as running:
        yield running


def definitions_of(project: Project) -> dict[str, Any]:
    return {
        board: {job: (d.spec, d.base) for job, d in project.live(board).items()}
        for board in definitions.read_boards(project.store)
    }


def due_set(project: Project) -> dict[str, Any]:
    """What fires and follows: due instants, dependents, queued runs."""
    kept = dump_of(project.store)
    follows = {
        key: project.store.client.smembers(project.store.key(key)) for key in kept if key.startswith("after:")
    }
    due: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
    queued: Any = project.store.client.zcard(project.store.key("queue", "common"))
    return {"due": dict(due), "after": follows, "queued": queued}


def cut_off(
    project: Project, zygote: Zygote, cut: Cut | None, *, words: tuple[str, ...] = SYNC
) -> tuple[int, str, str, int]:
    """Sync in another process through a proxy: how it ended, what it printed, how many calls there were."""
    behind = Path(project.store.url.removeprefix("unix://"))
    with Proxy(behind, behind.parent, cut) as proxy:
        environment = {**project.environment(), "JOBBOARD_REDIS_URL": proxy.url}
        zygote.start(*words, cwd=project.folder, environment=environment)
        code, out, err = zygote.go()
        return code, out, err, proxy.calls


@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["asked", "answered"])
def test_a_sync_killed_at_any_call_leaves_before_or_after(make: Make, zygote: Zygote, when: When) -> None:
    clean = make()
    before = definitions_of(clean), due_set(clean)
    code, _, err, calls = cut_off(clean, zygote, None)
    assert code == 0, err
    after = definitions_of(clean), due_set(clean)
    assert check(clean.store) == []
    assert calls > 10
    seen = set()
    for call in count(1):
        project = make()
        code, _, err, reached = cut_off(project, zygote, Cut(call, when, zygote.kill))
        if reached < call:
            # A greeting of several parts is one call or two, as it happens to arrive.
            assert (code, abs(reached - calls) < 3) == (0, True)
            break
        assert code == -9, (call, err)
        found = definitions_of(project)
        assert found in (before[0], after[0]), call
        seen.add(found == after[0])
        if found == before[0]:
            assert due_set(project) == before[1], call
        assert all(problem.kind == "stages" for problem in check(project.store)), call
        if found == after[0]:
            staging.drain(project.store)
            assert due_set(project) == after[1], call
        project.sync("--prune-board", "gone")
        assert (definitions_of(project), due_set(project)) == after, call
        StoreClock(project.store).advance(EIGHT_HOURS)
        staging.collect(project.store)
        assert check(project.store) == [], call
    assert seen == {True, False}


@pytest.mark.timeout(300)
def test_a_sync_whose_reply_is_lost_is_finished_once(make: Make, zygote: Zygote) -> None:
    clean = make()
    _, _, _, calls = cut_off(clean, zygote, None)
    after = definitions_of(clean), due_set(clean)
    for call in range(1, calls + 1):
        project = make()
        code, out, err, _ = cut_off(project, zygote, Cut(call, "answered"))
        assert code == 0, (call, err)
        assert "Sync complete! Revision 2: " in out, call
        assert (definitions_of(project), due_set(project)) == after, call
        assert project.store.client.hlen(project.store.key("revisions")) == 2, call
        assert check(project.store) == [], call


def test_the_next_sync_finishes_what_a_dead_one_left_though_it_has_nothing_to_do(make: Make) -> None:
    project = make()
    drained = staging.drain
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(staging, "drain", lambda store: 0)
        project.sync("--prune-board", "gone")
    assert not staging.is_drained(project.store)
    assert "No changes." in project.sync().out
    assert staging.is_drained(project.store)
    assert drained(project.store) == 0
    assert check(project.store) == []


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers of this test's own."""
    started: list[Server] = []

    def one(**config: str) -> Server:
        started.append(Server({name.replace("_", "-"): value for name, value in config.items()}))
        return started[-1]

    yield one
    for server in started:
        server.remove()


def test_a_store_that_is_down(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    for words in (["plan"], ["sync", "--auto-approve"], ["set", "ops/a", "timeout=1m"]):
        refused = project.run(*words, "--redis", "unix:///nowhere/s")
        assert refused.code == 69
        assert "no answer from" in refused.err
        assert "--redis" in refused.err


def test_a_replica_is_planned_against_and_not_synced_to(
    project: Project, start: Callable[..., Server]
) -> None:
    replica = start(replicaof="127.0.0.1 1")
    project.board("ops", "a: {run: x}")
    assert project.ok("plan", "--redis", replica.url).out.startswith("Board ops")
    refused = project.run("sync", "--auto-approve", "--redis", replica.url)
    assert refused.code == 1
    assert "is a replica" in refused.err
    assert "primary" in refused.err


def test_a_full_store_takes_no_half_of_a_sync(project: Project, start: Callable[..., Server]) -> None:
    full = start(maxmemory="2mb")
    jobs = [f"j{n}: {{run: 'echo {'x' * 900}', every: 1h}}" for n in range(3000)]
    with Store(full.url, project.store.namespace) as store:
        store.client.hset(store.key("meta"), "test", "1")
        project.board("small", "a: {run: x, every: 1h}")
        assert project.run("sync", "--auto-approve", "--redis", full.url).code == 0
        project.board("small", "a: {run: y, every: 1h}")
        project.board("big", "\n".join(jobs))
        refused = project.run("sync", "--auto-approve", "--redis", full.url)
        assert refused.code == 1
        assert "memory limit" in refused.err
        assert "maxmemory" in refused.err
        assert set(definitions.read_boards(store)) == {"small"}
        (live,) = definitions.read_definitions(
            store, definitions.read_boards(store)["small"].version
        ).values()
        assert live.spec["command"] == {"run": "x"}
        assert store.client.zrange(store.key("sched"), 0, -1) == [b"small/a"]
        assert all(problem.kind == "stages" for problem in check(store))
        store.client.config_set("maxmemory", "0")
        assert project.run("sync", "--auto-approve", "--redis", full.url).code == 0
        assert len(definitions.read_definitions(store, definitions.read_boards(store)["big"].version)) == 3000
        StoreClock(store).advance(EIGHT_HOURS)
        staging.collect(store)
        assert check(store) == []


def test_a_namespace_of_another_format_is_left_alone(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    for found, way_out in (("2.0", "Upgrade jobboard"), ("0.9", "another --namespace")):
        project.store.client.hset(project.store.key("meta"), "format", found)
        before = dump_of(project.store)
        for words in (["plan"], ["sync", "--auto-approve"]):
            refused = project.run(*words)
            assert refused.code == 1
            assert f"has format {found}" in refused.err
            assert way_out in refused.err
        assert dump_of(project.store) == before


def test_who_may_only_read_can_plan_and_sync_nothing(project: Project) -> None:
    user = f"reader-{project.store.namespace}"
    project.board("ops", "a: {run: x, every: 1h}\nb: {run: x}")
    project.sync()
    project.ok("set", "ops/b", "timeout=5m")
    Runs(project.store).start_run("ops/a", by="ana")
    project.store.client.acl_setuser(
        user, enabled=True, passwords=["+pw"], keys=["*"], categories=["+@read"], commands=["+evalsha_ro"]
    )
    reading = project.store.url.replace("unix://", f"unix://{user}:pw@")
    assert "No changes." in project.ok("plan", "--redis", reading).out
    assert "No changes." in project.ok("sync", "--auto-approve", "--redis", reading).out
    project.board("ops", "a: {run: y, every: 2h}\nb: {run: x}")
    said = project.ok("plan", "--redis", reading).out
    assert "1 to change" in said
    assert "1 queued run keeps revision 1" in said
    assert "b.timeout - here, 5m in Redis (ana" in said
    reset_statistics(project.store)
    refused = project.run("sync", "--auto-approve", "--redis", reading)
    assert refused.code == 1
    assert "may not run" in refused.err
    assert "ACL SETUSER" in refused.err
    assert write_commands(project.store) == set()
    project.store.client.acl_deluser(user)
