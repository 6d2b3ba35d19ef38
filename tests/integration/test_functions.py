"""The functions on the server: what clients in any language say and hear; they do as the program does."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit import readme, work
from kit.commandline import asked, jobboard, told
from kit.engine import MINUTE, Engine
from kit.made import made
from kit.server import fresh_namespace
from redis.exceptions import ResponseError

from jobboard import errors
from jobboard.core.cron import normalise_cron
from jobboard.daemon.scheduler import Scheduler
from jobboard.reconcile import loose
from jobboard.reconcile.live import read_job, with_keys
from jobboard.reconcile.pushing import make_parcel
from jobboard.store import clocks, definitions, fsck, functions, past, pushes, skips, tombstones
from jobboard.store.codec import encode_definition
from jobboard.store.connect import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.clock import StoreClock
    from kit.server import Server

    Call = Callable[..., Any]

NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")
TEXTS = st.text(st.characters(exclude_characters="\0${", exclude_categories=["Cs"]), min_size=1, max_size=400)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "queue": NAMES,
        "priority": st.integers(-1000, 1000),
        "tags": st.lists(NAMES, max_size=4),
        "env": st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,9}\Z"), TEXTS, max_size=20),
        "timeout": st.sampled_from(["1m30s", "2h", "500ms", "1w2d", "90s"]),
        "cwd": TEXTS,
    },
)
COMMANDS = st.one_of(
    TEXTS.filter(str.strip).map(lambda text: {"run": text}),
    st.lists(TEXTS, min_size=1, max_size=4).map(lambda words: {"exec": words}),
)


def raw(store: Store, *words: str) -> bytes:
    """The server's reply to one command."""
    client: Any = store.client
    return bytes(client.execute_command(*words))


def launched(store: Store, run_id: str) -> tuple[bytes, Any, str]:
    """What a run is made of: its spec as it is kept, its launch record, its queue."""
    spec: Any = store.client.hget(store.key("run", run_id), "spec")
    kept = made(store, run_id)
    return spec, kept["launch"], kept["queue"]


def keys_of(store: Store) -> list[str]:
    """Every key of the namespace."""
    found: Any = store.client.keys(store.key("") + "*")
    return [key.decode() for key in found]


@pytest.fixture
def call(store: Store) -> Call:
    """Calls a function of `store`'s namespace; its answer, decoded."""
    functions.install(store)

    def made(name: str, /, **said: Any) -> Any:
        return json.loads(raw(store, "FCALL", f"jobboard_{name}", "1", store.key("meta"), json.dumps(said)))

    return made


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine(store)


def test_a_push_is_one_that_the_program_would_make(store: Store, call: Call, tmp_path: Path) -> None:
    with work.working(store, tmp_path):
        made = call("push", queue="common", run="cat; echo", payload="$${x} 7", id="one", by="ana")
        assert made == {"run": "push/common@one", "outcome": "pushed"}
        assert work.finished(store, made["run"])["state"] == "ok"
    assert work.output(store, made["run"]) == b"$${x} 7\n"
    assert call("push", queue="common", run="cat", id="one")["outcome"] == "already"
    assert call("get", run=made["run"])["state"] == "ok"
    assert fsck.check(store) == []


@settings(max_examples=60)
@given(command=COMMANDS, keys=KEYS, payload=st.none() | TEXTS)
def test_pushed_specs_equal_those_of_the_program(
    server: Server, command: dict[str, Any], keys: dict[str, Any], payload: str | None
) -> None:
    with Store(server.url, fresh_namespace()) as store:
        functions.install(store)
        said = {"queue": "common", **command, **keys, **({"payload": payload} if payload else {})}
        ours = make_parcel(
            store, queue=said["queue"], keys={**command, **keys}, payload=payload, id="x", reason=""
        )
        (made,) = pushes.push(store, [ours], by="function")
        expected = launched(store, made.run_id)
        store.client.delete(*keys_of(store))
        words = ("FCALL", "jobboard_push", "1", store.key("meta"), json.dumps({**said, "id": "x"}))
        assert json.loads(raw(store, *words))["run"] == made.run_id
        assert launched(store, made.run_id) == expected


def test_a_job_runs_with_a_payload(engine: Engine, call: Call) -> None:
    engine.define(
        "shop/mail", command={"run": "./mail.sh"}, retries={"max": 2}, locks={"smtp": 1}, env={"A": "b"}
    )
    made = call("push", job="shop/mail", payload='{"to": "ana"}', priority=5, tags=["now"])
    engine.worker()
    (run,) = engine.reserve()
    assert (run.run_id, run.address) == (made["run"], "shop/mail")
    assert run.spec["retries"] == {"max": 2}
    assert run.spec["stdin"] == '{"to": "ana"}'
    assert run.spec["env"] == {"A": "b", "JOBBOARD_PAYLOAD": '{"to": "ana"}'}
    assert (run.spec["priority"], run.spec["tags"]) == (5, ["now"])
    assert engine.members("lock", "smtp") == {made["run"]}
    assert fsck.check(engine.store) == []


def test_pushes_wait_for_instants_and_runs(engine: Engine, call: Call, clock: StoreClock) -> None:
    clock.set(1_790_000_000_000)
    first = call("push", queue="common", run="a", at="2030-02-28T12:00:00Z")["run"]
    second = call("push", queue="common", run="b", after=[first], expires="1h")["run"]
    third = call("push", queue="common", run="c", delay="1m30s")["run"]
    assert [call("get", run=run)["state"] for run in (first, second, third)] == [
        "delayed",
        "blocked",
        "delayed",
    ]
    due = engine.client.zscore(engine.store.key("delay"), first)
    assert due == 1_898_510_400_000
    run = past.read_run(engine.store, third)
    assert run is not None
    assert run.due_at_ms == (run.queued_at_ms or 0) + 90_000
    assert call("count")["delayed"] == 2
    assert fsck.check(engine.store) == []


def test_a_runner_pops_and_acks(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true", payload="x")["run"]
    (run,) = call("pop", worker="node-1", lease="1m")["runs"]
    assert (run["run"], run["payload"], run["spec"]["command"]) == (run_id, "x", {"run": "true"})
    assert call("count") == {
        "scheduled": 0,
        "workers": 1,
        "running": 1,
        "delayed": 0,
        "blocked": 0,
        "queued": {"common": 0},
    }
    told_of = {"worker": "node-1", "run": run_id, "token": run["token"]}
    assert call("progress", **told_of, percent=40, text="half") == {"outcome": "ok", "cancel": False}
    assert call("get", run=run_id)["percent"] == 40
    assert call("pop", worker="node-1") == {"runs": [], "cancel": []}
    assert call("ack", **told_of, exit=3, output="no\n") == {"outcome": "finished"}
    record = work.record(engine.store, run_id)
    assert (record["state"], record["exit"], record["reason"], record["worker"]) == (
        "failed",
        3,
        "exit 3",
        "node-1",
    )
    assert work.output(engine.store, run_id) == b"no\n"
    assert call("ack", **told_of, exit=0) == {"outcome": "already"}
    assert fsck.check(engine.store) == []


def test_a_runner_decides_about_tries(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1")["runs"]
    assert call("ack", worker="node-1", run=run_id, token=run["token"], state="retry") == {
        "outcome": "retried"
    }
    (again,) = call("pop", worker="node-1")["runs"]
    assert (again["attempt"], again["token"] > run["token"]) == (2, True)
    state = call("ack", worker="node-1", run=run_id, token=again["token"], state="defer", delay="1m")
    assert state == {"outcome": "deferred"}
    assert call("ack", worker="node-1", run=run_id, token=run["token"], exit=0) == {"outcome": "already"}
    assert fsck.check(engine.store) == []


def test_a_runner_whose_lease_ended_has_lost_its_runs(engine: Engine, call: Call, clock: StoreClock) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1", lease="10s")["runs"]
    clock.advance(9_000)
    call("progress", worker="node-1", run=run_id, token=run["token"])
    clock.advance(9_000)
    engine.runs.tick("s1")
    assert call("get", run=run_id)["state"] == "running"
    for _ in range(12):
        clock.advance(1_000)
        engine.runs.tick("s1")
    assert call("progress", worker="node-1", run=run_id, token=run["token"])["outcome"] == "fenced"
    assert call("ack", worker="node-1", run=run_id, token=run["token"], exit=0)["outcome"] == "fenced"
    (again,) = call("pop", worker="node-2")["runs"]
    assert (again["run"], again["lost"]) == (run_id, 1)


def test_a_lost_reply_is_asked_for_again(engine: Engine, call: Call) -> None:
    for _ in range(2):
        call("push", queue="common", run="true")
    first = call("pop", worker="node-1", request="a")["runs"]
    assert call("pop", worker="node-1", request="a")["runs"] == first
    assert len(call("pop", worker="node-1", request="b", holding=[first[0]["run"]])["runs"]) == 1
    # The second was in a reply that got lost: what is not held goes back, and comes first.
    assert len(call("pop", worker="node-1", request="c", holding=[first[0]["run"]])["runs"]) == 1
    assert fsck.check(engine.store) == []


def test_a_cancelled_run_is_named_to_its_runner(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1")["runs"]
    assert call("del", run=run_id) == {"outcome": "stopping"}
    assert call("pop", worker="node-1", limit=0) == {"runs": [], "cancel": [run_id]}
    told_of = {"worker": "node-1", "run": run_id, "token": run["token"]}
    assert call("progress", **told_of)["cancel"] is True
    call("ack", **told_of, state="cancelled")
    assert work.record(engine.store, run_id)["state"] == "cancelled"
    waiting = call("push", queue="common", run="true")["run"]
    assert call("del", run=waiting) == {"outcome": "cancelled"}
    assert call("del", run=waiting) == {"outcome": "already"}
    assert call("del", run="push/common@none") == {"outcome": "unknown"}


def test_what_failed_is_retried(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true", id="bad")["run"]
    (run,) = call("pop", worker="node-1")["runs"]
    assert call("retry", run=run_id) == {"outcome": "live", "state": "running"}
    call("ack", worker="node-1", run=run_id, token=run["token"], exit=3)
    _run_others(call, 25)
    said = {"run": run_id, "reason": "the disk is back", "by": "ana", "request": "r1"}
    assert call("retry", **said) == {"outcome": "retried", "state": "queued"}
    assert call("retry", **said) == {"outcome": "already", "state": "queued"}
    (again,) = call("pop", worker="node-1")["runs"]
    assert (again["run"], again["attempt"]) == (run_id, 2)
    call("ack", worker="node-1", run=run_id, token=again["token"], exit=0)
    assert call("retry", run=run_id) == {"outcome": "well", "state": None}
    assert call("retry", run="push/common@none") == {"outcome": "unknown", "state": None}
    (tried,) = work.record(engine.store, run_id)["tries"]
    assert (tried["again"]["by"], tried["again"]["reason"]) == ("ana", "the disk is back")
    assert fsck.check(engine.store) == []


def test_what_waits_is_moved(engine: Engine, call: Call) -> None:
    first, second = (call("push", queue="common", run="true")["run"] for _ in range(2))
    assert call("reschedule", run=second, priority=5) == {"outcome": "ok", "state": "queued"}
    (run,) = call("pop", worker="node-1")["runs"]
    assert run["run"] == second
    assert call("reschedule", run=second, delay="1m") == {"outcome": "started", "state": "running"}
    assert call("reschedule", run=first, queue="slow", delay="1h") == {"outcome": "ok", "state": "delayed"}
    assert call("reschedule", run=first, at="2026-01-01T00:00:00Z") == {"outcome": "ok", "state": "queued"}
    (run,) = call("pop", worker="node-2", queues=["slow"])["runs"]
    assert run["run"] == first
    assert call("reschedule", run="push/common@none", priority=1)["outcome"] == "unknown"
    assert fsck.check(engine.store) == []


def test_what_a_run_waits_for_is_changed(engine: Engine, call: Call) -> None:
    first, second = (call("push", queue="common", run="true")["run"] for _ in range(2))
    assert call("depend", run=second, add=[first]) == {"state": "blocked"}
    with pytest.raises(ResponseError, match=f"JOBBOARD {first} would wait for itself"):
        call("depend", run=first, add=[second])
    assert call("depend", run=second, remove=[first]) == {"state": "queued"}
    assert fsck.check(engine.store) == []


def test_how_a_run_ended_is_known_beyond_its_jobs_last_twenty(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true", id="first")["run"]
    _run_others(call, 26)
    assert call("get", run=run_id)["state"] == "ok"
    assert call("push", queue="common", run="true", after=[run_id])["outcome"] == "pushed"
    assert call("pop", worker="node-1")["runs"] != []


def _run_others(call: Call, count: int) -> None:
    """Let that many runs end well, the next ones in line."""
    for _ in range(count):
        call("push", queue="common", run="true")
        (run,) = call("pop", worker="node-1")["runs"]
        call("ack", worker="node-1", run=run["run"], token=run["token"], exit=0)


def test_the_next_runs_are_passed_over(engine: Engine, call: Call) -> None:
    call("put", name="poll", run="true", every="5m")
    said = {"job": "loose/poll", "reason": "moving", "by": "ana"}
    assert call("skip_next", **said, count=2) == {"left": 2, "before": 0}
    assert skips.read_skips(engine.store)["loose/poll"].words == 'the next 2 runs are skipped (ana: "moving")'
    assert call("skip_next", **said, count=0) == {"left": 0, "before": 2}
    assert skips.read_skips(engine.store) == {}


def test_what_ended_is_counted(engine: Engine, call: Call, clock: StoreClock) -> None:
    clock.set(1_790_000_000_000)
    for exit_code in (0, 0, 3):
        call("push", queue="common", run="true")
        (run,) = call("pop", worker="node-1")["runs"]
        clock.advance(1_000)
        call("ack", worker="node-1", run=run["run"], token=run["token"], exit=exit_code)
    told_of = call("stats")["queues"]["common"]
    assert (told_of["states"], told_of["retries"]) == ({"ok": 2, "failed": 1}, 0)
    assert told_of["ran"]["count"] == 3
    assert 1_000 <= told_of["ran"]["mean"] <= told_of["ran"]["max"] < 2_000
    assert told_of["ran"]["deviation"] < 1_000
    assert call("stats", queue="slow") == {"queues": {}}
    clock.advance(24 * 60 * MINUTE)
    assert call("stats") == {"queues": {}}
    assert call("stats", at="2026-09-21T12:00:00Z", queue="common")["queues"]["common"] == told_of


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


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("push", {"run": "x"}, "which queue, or which job"),
        ("push", {"queue": "common"}, "give one command"),
        ("push", {"queue": "common", "run": "x", "exec": ["y"]}, "give one command"),
        ("push", {"queue": "a b", "run": "x"}, '"a b" is no queue'),
        ("push", {"queue": "common", "run": " "}, "the command is empty"),
        ("push", {"queue": "common", "exec": []}, "exec: it names no program"),
        ("push", {"queue": "common", "run": "echo ${env:TOKEN}"}, "is not resolved in a command"),
        (
            "push",
            {"queue": "common", "run": "x", "tmeout": "1m"},
            'it does not know "tmeout"; it knows after, at',
        ),
        ("push", {"queue": "common", "run": "x", "timeout": "soon"}, 'timeout: "soon" is no span'),
        ("push", {"queue": "common", "run": "x", "timeout": 5}, "timeout: it takes a span"),
        ("push", {"queue": "common", "run": "x", "priority": 1.5}, "priority: it takes a whole"),
        ("push", {"queue": "common", "run": "x", "priority": 1001}, "between -1000 and 1000"),
        ("push", {"queue": "common", "run": "x", "env": {"A": 1}}, "env: it takes a map"),
        ("push", {"queue": "common", "run": "x", "env": {"JOBBOARD_A": "1"}}, "JOBBOARD_A is not yours"),
        ("push", {"queue": "common", "run": "x", "at": "noon"}, 'at: "noon" is no instant'),
        ("push", {"queue": "common", "run": "x", "at": "2026-13-01T00:00:00Z"}, "there is no 2026-13"),
        ("push", {"queue": "common", "run": "x", "id": "a b"}, '"a b" is no id'),
        ("push", {"queue": "common", "run": "x", "replace": True}, "replace of what"),
        ("push", {"queue": "common", "run": "x", "after": ["a/b@c"]}, "nothing is known of the run a/b@c"),
        ("push", {"queue": "common", "run": "x", "payload": "x" * (1 << 20) + "y"}, "the payload is 1048577"),
        ("push", {"job": "a/b"}, "there is no job a/b"),
        ("push", {"job": "a/b", "queue": "c"}, "a job knows its own"),
        ("pop", {}, "worker: a name"),
        ("pop", {"worker": "w", "limit": 1000}, "limit: it lies between"),
        ("pop", {"worker": "w", "lease": "1ms"}, "lease: it lies between"),
        ("ack", {"worker": "w"}, "say whose attempt"),
        ("ack", {"worker": "w", "run": "a/b@c", "token": 1, "state": "won"}, "state: one of"),
        ("get", {}, "give a job or a run"),
        ("put", {"name": "a", "run": "x", "cron": "0 2 * *"}, "does not have five fields"),
        ("put", {"name": "a", "run": "x", "cron": "0 2 1 * 1"}, "days of the month and of the week"),
        ("put", {"name": "a", "run": "x", "cron": "60 2 * * *"}, "no minute of numbers"),
        ("put", {"name": "a", "run": "x", "every": "1ms"}, "the shortest is 1s"),
        ("put", {"name": "a/b", "run": "x"}, "name: the job needs one"),
        ("retry", {}, "run: which one"),
        ("reschedule", {"run": "a/b@c"}, "say at, delay, queue or priority"),
        ("reschedule", {"run": "a/b@c", "queue": "a b"}, '"a b" is no queue'),
        ("reschedule", {"run": "a/b@c", "delay": "1m", "at": "2026-01-01T00:00:00Z"}, "both say when"),
        ("depend", {"run": "a/b@c", "add": ["d/e@f"]}, "nothing is known of the run a/b@c"),
        ("depend", {"add": []}, "run: which one"),
        ("skip_next", {"job": "a/b"}, "there is no job a/b"),
        ("skip_next", {"job": "a/b", "count": -1}, "between 0 and 10000"),
        ("stats", {"at": "today"}, "is no instant"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    store: Store, call: Call, name: str, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(ResponseError, match=f"JOBBOARD .*{re.escape(words)}"):
        call(name, **said)
    written = {key.rpartition(":")[2] for key in keys_of(store)}
    assert written <= {"meta"}


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


def test_calls_of_another_form_are_refused(store: Store) -> None:
    functions.install(store)
    for words in (
        ("0",),
        ("1", "somewhere"),
        ("1", store.key("meta"), "{}", "{}"),
        ("1", store.key("boards")),
    ):
        with pytest.raises(ResponseError, match="JOBBOARD call it with one key and one object"):
            raw(store, "FCALL", "jobboard_count", *words)
    for said in ("[1]", "nonsense", "7", '"x"'):
        with pytest.raises(ResponseError, match="JOBBOARD the argument is no JSON object"):
            raw(store, "FCALL", "jobboard_count", "1", store.key("meta"), said)


def test_a_namespace_of_another_format_is_left_alone(store: Store, call: Call) -> None:
    store.client.hset(store.key("meta"), "format", "2.0")
    for function in functions.functions():
        with pytest.raises(
            ResponseError, match=r"the namespace has format 2\.0, and this library writes 1\.1"
        ):
            call(function.name)


def test_reading_functions_may_be_called_where_nothing_may_be_written(store: Store, call: Call) -> None:
    call("push", queue="common", run="true", id="x")
    reading = [function.name for function in functions.functions() if "no-writes" in function.flags]
    assert reading == ["get", "count", "stats", "version"]
    said = json.dumps({"run": "push/common@x"})
    found = raw(store, "FCALL_RO", "jobboard_get", "1", store.key("meta"), said)
    assert json.loads(found)["state"] == "queued"
    with pytest.raises(ResponseError, match="write"):
        raw(store, "FCALL_RO", "jobboard_push", "1", store.key("meta"), "{}")


def test_the_command_installs_shows_and_removes(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    functions.remove(store)
    assert "does not have them" in told(store, capsys, "functions")
    assert told(store, capsys, "functions", "install").startswith("installed the functions")
    assert "installed already" in told(store, capsys, "functions", "install")
    said = asked(store, capsys, "functions")
    assert said["installed"]["current"] is True
    assert {each["name"] for each in said["functions"]} >= {"jobboard_push", "jobboard_pop", "jobboard_ack"}
    assert "jobboard_pop" in told(store, capsys, "functions", "show")
    assert told(store, capsys, "functions", "show", "--code") == functions.library() + "\n"
    jobboard(store, "doctor")
    assert "functions    those of jobboard" in capsys.readouterr().out
    assert told(store, capsys, "functions", "remove") == "removed the functions\n"
    assert told(store, capsys, "functions", "remove") == "there are no functions to remove\n"
    assert jobboard(store, "functions", "remove", "--force") == 64
    assert jobboard(store, "functions", "install", "--code") == 64


def test_another_version_is_replaced_and_a_newer_one_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(functions, "__version__", "9.9.9")
        patched.setattr(functions, "digest", lambda: "0123456789abcdef")
        functions.remove(store)
        functions.install(store)
    jobboard(store, "doctor")
    assert "those of jobboard 9.9.9, which are not this version's" in capsys.readouterr().out
    with pytest.raises(errors.Refused, match=r"of jobboard 9\.9\.9"):
        functions.install(store)
    assert functions.install(store, force=True) == "replaced"
    assert functions.install(store) == "unchanged"


def test_the_examples_of_the_readme_do_as_they_say(engine: Engine, store: Store) -> None:
    functions.install(store)
    lines = readme.part("functions").splitlines()[1:-1]
    assert len(lines) == 14
    for typed, shown in zip(lines[::2], lines[1::2], strict=True):
        words = shlex.split(typed.replace("jb:{default}:meta", store.key("meta")))[1:]
        answer = raw(store, *words).decode()
        # Only the instant is the day's.
        told_at = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
        assert told_at.sub("", answer) == told_at.sub("", shown)
    assert fsck.check(store) == []


def test_every_function_says_what_it_takes_and_gives() -> None:
    for function in functions.functions():
        assert re.fullmatch(r"[A-Z].*\.", function.about)
        assert set(function.takes.values()) <= {"text", "span", "instant", "flag", "whole", "list", "map"}
        assert function.gives
        source = functions.source_of(function.name)
        assert set(re.findall(r"\bsaid\.([a-z]+)", source)) <= function.takes.keys(), function.name
