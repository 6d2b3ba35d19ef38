"""Events on pub/sub channels, for whoever listens with nothing but a Redis client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit import readme
from kit.commandline import jobboard, told
from kit.engine import Engine

from jobboard.store.calls import functions
from jobboard.store.calls.connect import Store
from jobboard.store.runs.destroy import destroy
from jobboard.store.runs.events import CHANNELS
from jobboard.store.runs.past import read_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.client import PubSub


MEANINGS = {
    "put": "every run that is made, whatever for",
    "started": "every attempt that a worker takes",
    "progress": "what a run says of how far it is",
    "completed": "every run that ended ok",
    "failed": "every run that failed, or was lost for good",
    "cancelled": "every run that was called off",
    "skipped": "every run, or nominal, that was passed over",
    "lost": "every attempt whose worker is gone",
}


@pytest.fixture
def engine(store: Store) -> Engine:
    assert jobboard(store, "config", "set", "channels", "on") == 0
    return Engine.at_work(store, "b/x")


@pytest.fixture
def listener(store: Store) -> Iterator[PubSub]:
    """Somebody who listens to all channels of the namespace."""
    with cast("Any", store.client).pubsub() as pubsub:
        pubsub.psubscribe(f"{store.key('on', '*')}")
        assert pubsub.get_message(timeout=10)["type"] == "psubscribe"
        yield pubsub


def heard(store: Store, listener: PubSub) -> list[tuple[str, dict[str, Any]]]:
    """Everything that was published until now: channel, behind the namespace, and message."""
    store.client.publish(store.key("on", "end"), "{}")
    found: list[tuple[str, dict[str, Any]]] = []
    while True:
        message = listener.get_message(timeout=10)
        assert message is not None
        channel = message["channel"].decode().removeprefix(store.key("on", ""))
        if channel == "end":
            return found
        found.append((channel, json.loads(message["data"])))


def channels(store: Store, listener: PubSub) -> list[str]:
    return [channel for channel, _ in heard(store, listener)]


def test_a_run_from_its_making_to_its_end(engine: Engine, store: Store, listener: PubSub) -> None:
    run_id = engine.runs.start_run("b/x", by="ana")
    run = engine.reserve_one()
    engine.runs.report(run_id, run.token, 40, "copying")
    engine.finish(run)
    said = heard(store, listener)
    assert [channel for channel, _ in said] == ["put", "queued", "started", "progress", "completed"]
    messages = [message for _, message in said]
    assert {message["run"] for message in messages} == {run_id}
    assert {message["job"] for message in messages} == {"b/x"}
    assert all(isinstance(message["at"], int) for message in messages)
    assert (messages[0]["trigger"], messages[0]["queue"]) == ("manual", "common")
    assert (messages[2]["event"], messages[2]["worker"], messages[2]["attempt"]) == ("reserved", "w1", 1)
    assert (messages[3]["percent"], messages[3]["text"]) == (40, "copying")
    assert (messages[4]["event"], messages[4]["state"]) == ("finished", "ok")


@pytest.mark.parametrize(
    ("verdict", "ends"),
    [("failed", ["failed"]), ("cancelled", ["cancelled"]), ("lost", ["lost", "failed"])],
)
def test_ends_have_channels_of_their_own(
    engine: Engine, store: Store, listener: PubSub, verdict: Any, ends: list[str]
) -> None:
    engine.define("b/x", on_lost="fail")
    engine.runs.start_run("b/x", by="ana")
    engine.finish(engine.reserve_one(), verdict, reason="exit 3")
    *_, (_, last) = said = heard(store, listener)
    assert [channel for channel, _ in said][3:] == ends
    assert last["state"] == verdict


def test_what_is_passed_over_and_what_is_done_by_hand(engine: Engine, store: Store, listener: PubSub) -> None:
    engine.define("b/x", start_within=1)
    engine.runs.start_run("b/x", by="ana")
    engine.fire("b/x", 1_000_000)
    run_id = engine.runs.start_run("b/x", by="ana")
    run = read_run(store, run_id)
    assert run is not None
    destroy(store, run, by={"actor": "ana"})
    engine.runs.bye("w1")
    said = dict(heard(store, listener))
    assert said.keys() >= {"put", "skipped", "cancelled", "destroyed", "worker-gone"}
    assert said["skipped"]["nominal"] == 1_000_000
    assert said["worker-gone"].keys() == {"event", "at", "worker", "reason"}


def test_nothing_is_published_unless_somebody_asked_for_it(
    engine: Engine, store: Store, listener: PubSub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(store, capsys, "config", "get", "channels") == "on\n"
    assert told(store, capsys, "config", "unset", "channels")
    engine.runs.start_run("b/x", by="ana")
    assert channels(store, listener) == []
    assert jobboard(store, "config", "set", "channels", "off") == 0
    engine.runs.start_run("b/x", by="ana")
    assert channels(store, listener) == []


def test_who_may_not_publish_runs_all_the_same(engine: Engine, store: Store, listener: PubSub) -> None:
    store.client.acl_setuser(
        "mute", enabled=True, reset=True, passwords=["+x"], keys=["jb:*"], commands=["+@all"]
    )
    with Store(store.url.replace("://", "://mute:x@"), store.namespace) as mute:
        silent = Engine(mute)
        run_id = silent.runs.start_run("b/x", by="ana")
        silent.finish(silent.reserve_one())
    store.client.acl_deluser("mute")
    assert channels(store, listener) == []
    assert engine.state(run_id) == "finished"


def test_a_function_publishes_as_the_program_does(engine: Engine, store: Store, listener: PubSub) -> None:
    functions.install(store)
    store.client.fcall("jobboard_push", 1, store.key("meta"), '{"queue": "common", "run": "true"}')
    assert channels(store, listener) == ["put", "queued"]


def test_the_readme_names_every_channel() -> None:
    assert MEANINGS.keys() <= set(CHANNELS)
    rows = [[f"`{name}`", meaning] for name, meaning in MEANINGS.items()]
    others = ", ".join(f"`{name}`" for name in CHANNELS if name not in MEANINGS)
    table = readme.table(["Channel", "A message for"], rows)
    readme.expect_part("channels", f"{table}| {others} | every event of that kind |\n")
