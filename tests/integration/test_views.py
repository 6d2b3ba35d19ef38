from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.story import Story

from jobboard import clock as machine
from jobboard import errors
from jobboard.store.boards import definitions, holds
from jobboard.store.calls import clocks
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past, views, walking, world
from jobboard.store.runs.overview import survey

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.server import Server

HOURLY = {"cron": "0 * * * *"}


def job(**more: Any) -> dict[str, Any]:
    return {"command": {"run": "true"}, **more}


@pytest.fixture
def story(store: Store) -> Story:
    told = Story(store)
    told.board("ops", {"backup": job(), "report": job(schedule=HOURLY, tags=["db"])})
    told.board("etl", {"backup": job(), "load": job(locks={"db": 1})})
    return told


# ---- the clock


def test_the_stores_time_follows_a_tests_clock(store: Store, clock: StoreClock) -> None:
    clock.set(1_000_000)
    assert 1_000_000 <= clocks.now_ms(store) <= 1_000_000 + 60_000


def test_an_offset_counts_only_in_a_tests_namespace(store: Store) -> None:
    store.client.hset(store.key("meta"), mapping={"test": "0", "test_offset_ms": "999999999"})
    assert abs(clocks.now_ms(store) - machine.now_ms()) < 60_000


def test_who_may_not_ask_for_the_time_gets_this_machines(store: Store, server: Server) -> None:
    store.client.acl_setuser("viewer", enabled=True, passwords=["+pw"], categories=["+@read"], keys=["*"])
    with Store(f"unix://viewer:pw@{server.socket}", store.namespace) as seen:
        assert abs(clocks.now_ms(seen) - machine.now_ms()) < 60_000
    store.client.acl_deluser("viewer")


# ---- finding


def test_a_job_is_found_by_address_and_by_a_unique_name(store: Store, story: Story) -> None:
    assert views.find_job(store, "ops/backup") == "ops/backup"
    assert views.find_job(store, "load") == "etl/load"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("backup", "write etl/backup or ops/backup"),
        ("repotr", "did you mean ops/report?"),
        ("ops/bakcup", "did you mean ops/backup"),
        ("opz/report", "did you mean ops/report"),
        ("zzzzzz", "jobboard ls lists the jobs"),
        ("a\nb", "jobboard ls lists the jobs"),
        ("../x", "jobboard ls lists the jobs"),
        ("", "jobboard ls lists the jobs"),
    ],
)
def test_what_is_not_found_is_answered_with_a_way_out(
    store: Store, story: Story, text: str, hint: str
) -> None:
    with pytest.raises(errors.UsageError) as raised:
        views.find_job(store, text)
    assert hint in (raised.value.hint or "")


def test_without_boards_it_says_how_to_begin(store: Store) -> None:
    with pytest.raises(errors.UsageError) as raised:
        views.find_job(store, "x")
    assert "jobboard init" in (raised.value.hint or "")


def test_a_board_is_known_by_its_name(store: Store, story: Story) -> None:
    assert views.is_board(store, "ops")
    assert not views.is_board(store, "backup")


def test_a_job_names_its_latest_run_a_live_one_first(store: Store, story: Story) -> None:
    ended = story.ran("etl/load")
    assert views.find_run(store, "load").run_id == ended
    queued = story.runs.start_run("etl/load", by="ana")
    assert views.find_run(store, "load").run_id == queued


def test_a_run_is_found_by_its_id_and_by_the_beginning_of_its_nominal(store: Store, story: Story) -> None:
    run_id = story.ran("etl/load")
    job_name, suffix = run_id.split("@")
    for text in (run_id, f"load@{suffix}", f"{job_name}@{suffix[:10]}", "load@2"):
        assert views.find_run(store, text).run_id == run_id
    with pytest.raises(errors.UsageError, match="there is no run etl/load@1999"):
        views.find_run(store, "load@1999")


def test_a_beginning_that_several_runs_share_is_refused(store: Store, story: Story) -> None:
    first, second = story.ran("etl/load"), story.ran("etl/load")
    with pytest.raises(errors.UsageError, match="2 runs of etl/load begin with 2") as raised:
        views.find_run(store, "load@2")
    assert first in (raised.value.hint or "")
    assert second in (raised.value.hint or "")


def test_a_job_that_never_ran_has_no_run(store: Store, story: Story) -> None:
    with pytest.raises(errors.UsageError, match="etl/load has no run yet"):
        views.find_run(store, "load")


def test_the_runs_of_a_job_that_is_gone_are_found_by_its_address(store: Store, story: Story) -> None:
    run_id = story.ran("etl/load")
    story.board("etl", {"backup": job()})
    assert views.find_run(store, "etl/load").run_id == run_id
    assert views.find_job_or_past(store, "etl/load") == "etl/load"
    with pytest.raises(errors.UsageError):
        views.find_run(store, "load")


def test_a_run_older_than_its_jobs_last_records_is_found_by_its_id(store: Store, story: Story) -> None:
    run_id = story.ran("etl/load")
    for _ in range(past.KEPT_BY_JOB):
        story.ran("etl/load")
    assert run_id not in {record.run_id for record in past.last_records(store, "etl/load")}
    assert views.find_run(store, run_id).state == "ok"


# ---- how jobs stand


def test_the_overview_reads_every_job_however_many(store: Store) -> None:
    Story(store).board("big", {f"j{n:04}": job(schedule=HOURLY) for n in range(1_203)}, due={"j0007": 42})
    boards = definitions.read_boards(store)
    standings = survey(store, clocks.now_ms(store), boards=boards)
    assert [s.job for s in standings] == [f"big/j{n:04}" for n in range(1_203)]
    assert standings[7].due_at_ms == 42
    assert standings[8].due_at_ms is None


def test_a_claimed_job_keeps_its_true_due_instant(store: Store, story: Story) -> None:
    story.board("ops", {"report": job(schedule=HOURLY)}, due={"report": 42})
    story.runs.claim("sched-1")
    (standing,) = survey(store, clocks.now_ms(store), boards={"ops": definitions.read_boards(store)["ops"]})
    assert standing.due_at_ms == 42


def test_holds_of_every_scope_are_seen(store: Store, story: Story) -> None:
    for scope in ("all", "board:ops", "tag:db", "job:ops/report", "tag:other"):
        holds.pause(store, scope, by={"actor": "ana"}, reason=None, until_ms=None)
    standings = survey(store, clocks.now_ms(store), boards=definitions.read_boards(store))
    scopes = {standing.job: set(standing.holds) for standing in standings}
    assert scopes["ops/report"] == {"all", "board:ops", "tag:db", "job:ops/report"}
    assert scopes["etl/load"] == {"all"}


def test_a_job_whose_runs_are_used_up_is_completed(store: Store, story: Story) -> None:
    story.board("ops", {"twice": job(schedule={"every": 1000, "runs": 1})}, due={"twice": 1000})
    assert story.fire("ops/twice", 1000, next_due_ms=2000)[0] == "FIRED"
    (standing,) = survey(store, clocks.now_ms(store), boards={"ops": definitions.read_boards(store)["ops"]})
    assert standing.completed
    assert standing.used == 1


# ---- runs


def test_a_live_run_is_read_with_what_it_waits_for(store: Store, story: Story) -> None:
    story.worker()
    first = story.runs.start_run("etl/load", by="ana", reason="test")
    story.reserve()
    second = story.runs.start_run("etl/load", by="luis")
    story.reserve()
    running, waiting = past.live_runs(store, "etl/load")
    assert (running.run_id, running.state, running.worker) == (first, "running", "web-1")
    assert (waiting.run_id, waiting.state, waiting.lock, waiting.by) == (second, "waiting", "db", "luis")
    assert [r.run_id for r in world.lock_holders(store, "db")] == [first]


def test_a_delayed_run_knows_until_when(store: Store, story: Story) -> None:
    story.worker()
    story.runs.start_run("etl/load", by="ana")
    (run,) = story.reserve()
    before_ms = clocks.now_ms(store)
    story.finish(run, "retry", delay_ms=60_000, reason="exit 3")
    (delayed,) = past.live_runs(store, "etl/load")
    assert delayed.state == "delayed"
    assert delayed.due_at_ms is not None
    assert delayed.due_at_ms >= before_ms + 60_000
    assert [(one.attempt, one.state, one.reason) for one in delayed.tries] == [(1, "retry", "exit 3")]


def test_all_live_runs_are_found_without_an_index(store: Store, story: Story) -> None:
    story.worker()
    expected = set()
    for n in range(3):
        expected.add(story.runs.start_run("etl/load", by="ana"))
        if n < 2:
            story.reserve()
    expected.add(story.runs.start_run("ops/backup", by="ana"))
    runs, count = world.all_live(store, 50)
    assert {run.run_id for run in runs} == expected
    assert count == len(expected)
    assert [run.state for run in runs] == ["running", "waiting", "queued", "queued"]
    few, count = world.all_live(store, 1)
    assert [run.state for run in few] == ["running", "waiting", "queued"]
    assert count == len(expected)


def test_a_walk_says_how_far_it_looked(store: Store, story: Story) -> None:
    for _ in range(5):
        story.ran("etl/load")
    newest = past.last_records(store, "etl/load")[0]
    found = walking.walk(store, lambda _: True, limit=2)
    assert (len(found.records), found.looked_at, found.complete) == (2, 2, False)
    assert found.records[0] == newest
    whole = walking.walk(store, lambda record: record.state == "failed", limit=2)
    assert (whole.records, whole.looked_at, whole.complete) == ((), 5, True)
    bounded = walking.walk(store, lambda _: False, limit=2, most=3)
    assert (bounded.looked_at, bounded.complete) == (3, False)


def test_a_walk_ends_at_the_instant_asked_for(store: Store, story: Story, clock: StoreClock) -> None:
    story.ran("etl/load")
    clock.advance(3_600_000)
    young = story.ran("etl/load")
    found = walking.walk(store, lambda _: True, limit=9, since_ms=clock.now() - 1_800_000)
    assert [record.run_id for record in found.records] == [young]
    assert found.complete


def test_workers_and_schedulers_are_read(store: Store, story: Story) -> None:
    story.worker("web-1", ("common", "gpu"), 3)
    story.scheduler()
    (worker,) = world.read_workers(store)
    assert (worker.name, worker.queues, worker.slots, worker.held) == ("web-1", ("common", "gpu"), 3, 0)
    around = world.read_world(store, clocks.now_ms(store))
    assert around.scheduled
    assert around.serving("gpu") == [worker]
    assert around.serving("none") == []
