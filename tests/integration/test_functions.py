"""The functions on the server: what clients in any language say and hear; they do as the program does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import work
from kit.engine import MINUTE, Engine
from kit.functions import Call, caller, raw
from kit.made import made
from kit.server import fresh_namespace
from redis.exceptions import ResponseError

from jobboard.reconcile.pushing import make_parcel
from jobboard.store.calls import functions
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past, pushes
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock
    from kit.server import Server


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


def keys_of(store: Store) -> list[str]:
    """Every key of the namespace."""
    found: Any = store.client.keys(store.key("") + "*")
    return [key.decode() for key in found]


def launched(store: Store, run_id: str) -> tuple[bytes, Any, str]:
    """What a run is made of: its spec as it is kept, its launch record, its queue."""
    spec: Any = store.client.hget(store.key("run", run_id), "spec")
    kept = made(store, run_id)
    return spec, kept["launch"], kept["queue"]


@pytest.fixture
def call(store: Store) -> Call:
    """Calls a function of the namespace."""
    return caller(store)


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
