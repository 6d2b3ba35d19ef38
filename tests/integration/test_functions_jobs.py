"""Jobs of no board that clients in any language keep, by functions on the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit.commandline import jobboard
from kit.engine import MINUTE, Engine
from kit.functions import Call, caller, raw
from kit.server import fresh_namespace
from redis.exceptions import ResponseError

from jobboard.core.times.cron import normalise_cron
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.reconcile import loose
from jobboard.reconcile.live import read_job, with_keys
from jobboard.store.boards import definitions, skips, tombstones
from jobboard.store.boards.codec import encode_definition
from jobboard.store.calls import clocks, functions
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.server import Server


@pytest.fixture
def call(store: Store) -> Call:
    """Calls a function of the namespace."""
    return caller(store)


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine(store)


def test_a_put_job_is_one_that_the_program_would_make(engine: Engine, store: Store, call: Call) -> None:
    said = {
        "run": "./poll.sh",
        "every": "5m",
        "env": {"B": "2", "A": "1"},
        "tags": ["b", "a"],
        "timeout": "1m",
    }
    assert call("put", name="poll", **said) == {"job": "loose/poll", "outcome": "created"}
    made = read_job(store, "loose/poll")
    assert made.spec == with_keys({}, said, "loose/poll")
    kept: Any = store.client.hget(store.key("defs", "loose"), "poll")
    assert kept == encode_definition(made)
    assert loose.put_job(store, "poll", said, by={"actor": "ana"}).outcome == "unchanged"
    assert call("put", name="poll", **said)["outcome"] == "unchanged"
    assert call("get", job="loose/poll")["spec"] == made.spec
    with_cron = call("put", name="poll", run="./poll.sh", cron="*/15 9-17 * * 1-5", retries=2)
    assert with_cron["outcome"] == "changed"
    assert read_job(store, "loose/poll").spec == {
        "command": {"run": "./poll.sh"},
        "schedule": {"cron": "*/15 9-17 * * 1-5"},
        "retries": {"max": 2},
    }
    assert (
        loose.put_job(store, "other", {"run": "true", "locks": ["db"]}, by={"actor": "ana"}).outcome
        == "created"
    )
    board = definitions.read_board(store, "loose")
    assert board is not None
    assert (board.meta["jobs"], board.meta["locks"]) == (2, {"db": 1})
    assert fsck.check(store) == []


def test_a_scheduler_fires_what_was_put(store: Store, call: Call, clock: StoreClock) -> None:
    clock.set(1_790_000_000_000)
    call("put", name="poll", run="true", every="5m")
    scheduler = Scheduler(store, name="s1")
    scheduler.turn()
    assert past.live_runs(store, "loose/poll") == []
    due = store.client.zscore(store.key("sched"), "loose/poll")
    assert due is not None
    assert 0 < due - clocks.now_ms(store) <= 5 * MINUTE
    # A put that leaves the schedule alone leaves what is due alone.
    call("put", name="poll", run="false", every="5m")
    assert store.client.zscore(store.key("sched"), "loose/poll") == due
    clock.set(int(due))
    scheduler._claim_at_s = scheduler._tick_at_s = 0
    scheduler.turn()
    (run,) = past.live_runs(store, "loose/poll")
    assert run.trigger == "schedule"
    scheduler._store.close()


def test_a_deleted_job_can_be_brought_back(store: Store, call: Call) -> None:
    call("put", name="poll", run="true", every="5m", by="ana")
    before = read_job(store, "loose/poll").spec
    assert call("del", job="poll", reason="done", by="ana") == {"outcome": "removed"}
    assert call("del", job="loose/poll") == {"outcome": "missing"}
    assert call("get", job="loose/poll") is None
    stone = tombstones.read(store, "loose/poll")
    assert stone is not None
    assert (stone.spec, stone.by["actor"], stone.by["reason"]) == (before, "ana", "done")
    assert jobboard(store, "undelete", "loose/poll") == 0
    assert read_job(store, "loose/poll").spec == before
    assert fsck.check(store) == []


def test_what_the_functions_do_not_know_is_left_to_the_program(
    engine: Engine, store: Store, call: Call
) -> None:
    loose.put_job(store, "locked", {"run": "true", "locks": ["db"]}, by={"actor": "ana"})
    for name, said in (("put", {"name": "locked", "run": "x"}), ("del", {"job": "locked"})):
        with pytest.raises(ResponseError, match="has locks, parents, needs or a live edit"):
            call(name, **said)
    engine.define("shop/mail")
    with pytest.raises(ResponseError, match="shop/mail is on a board: jobboard rm removes it"):
        call("del", job="shop/mail")
    loose.put_job(store, "parent", {"run": "true"}, by={"actor": "ana"})
    loose.put_job(store, "child", {"run": "true", "after": "parent"}, by={"actor": "ana"})
    with pytest.raises(ResponseError, match="loose/child runs after loose/parent"):
        call("del", job="parent")
    with pytest.raises(ResponseError, match="shop/mail is run by hand"):
        call("skip_next", job="shop/mail")


def test_a_job_is_created_only_where_there_is_none(store: Store, call: Call) -> None:
    assert call("put", name="poll", run="true", create=True)["outcome"] == "created"
    with pytest.raises(ResponseError, match="there is a job loose/poll already"):
        call("put", name="poll", run="false", create=True)
    assert read_job(store, "loose/poll").spec["command"] == {"run": "true"}


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.just("*"),
            st.integers(0, 70).map(str),
            st.integers(0, 70).map("*/{}".format),
            st.lists(st.integers(0, 25).map(str), min_size=2, max_size=3).map(",".join),
            st.tuples(st.integers(0, 31), st.integers(0, 31)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
        ),
        min_size=5,
        max_size=5,
    ).map(" ".join)
)
@example("* * */31 * *")
def test_a_cron_expression_it_takes_is_its_own_canonical_form(server: Server, cron: str) -> None:
    with Store(server.url, fresh_namespace()) as store:
        functions.install(store)
        said = json.dumps({"name": "a", "run": "true", "cron": cron})
        refusal = "JOBBOARD cron: "
        try:
            raw(store, "FCALL", "jobboard_put", "1", store.key("meta"), said)
        except ResponseError as error:
            refusal = str(error)
        else:
            assert normalise_cron(cron) == cron
        assert refusal.startswith("JOBBOARD cron: ")


def test_the_next_runs_are_passed_over(engine: Engine, call: Call) -> None:
    call("put", name="poll", run="true", every="5m")
    said = {"job": "loose/poll", "reason": "moving", "by": "ana"}
    assert call("skip_next", **said, count=2) == {"left": 2, "before": 0}
    assert skips.read_skips(engine.store)["loose/poll"].words == 'the next 2 runs are skipped (ana: "moving")'
    assert call("skip_next", **said, count=0) == {"left": 0, "before": 2}
    assert skips.read_skips(engine.store) == {}
