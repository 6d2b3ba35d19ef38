"""Opening a store, calling it, and what its refusals become."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.server import fresh_namespace
from redis import exceptions as said

from jobboard import errors
from jobboard.settings import Settings
from jobboard.store.calls import connect, scripts
from jobboard.store.calls.connect import Store, open_store
from jobboard.store.calls.explain import explanation
from jobboard.store.calls.listen import Listener
from jobboard.store.calls.raw import ErrorReply, raw
from jobboard.store.views.health import check_usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.server import Server


def settings_of(url: str, namespace: str = "x", home: Path = Path("/nowhere")) -> Settings:
    return Settings(url, namespace, home, "ana", "cli", Path("/"))


def grant(store: Store, user: str, *rules: str) -> None:
    assert raw(store, ["ACL", "SETUSER", user, "reset", "on", *rules]) == b"OK"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Scripts by name that exist only in this test."""
    made: dict[str, str] = {}
    monkeypatch.setattr(scripts, "source_of", made.__getitem__)
    scripts.load.cache_clear()
    yield made
    scripts.load.cache_clear()


def test_a_call_hands_over_arguments_and_decodes_the_answer(store: Store, script: dict[str, str]) -> None:
    script["echo"] = "#!lua\n-- @include arguments\nreturn cmsgpack.pack({'OK', arguments})"
    told = {"n": 1, "text": "ü", "list": [1, 2], "map": {"a": None}, "flag": True}
    tag, echoed = store.call("echo", **told)
    assert tag == "OK"
    assert {k: echoed[k] for k in ("n", "text", "list", "flag")} == {
        k: told[k] for k in ("n", "text", "list", "flag")
    }


def test_a_script_the_server_has_forgotten_is_sent_again(store: Store, script: dict[str, str]) -> None:
    script["one"] = f"#!lua\n-- {secrets.token_hex()}\nreturn cmsgpack.pack(1)"
    assert store.call("one") == 1
    store.client.script_flush()
    assert store.call("one") == 1


def test_a_script_that_writes_nothing_runs_as_one(store: Store, script: dict[str, str]) -> None:
    script["look"] = (
        "#!lua flags=no-writes\n-- @include key\n"
        "return cmsgpack.pack(redis.call('HGET', key('meta'), 'test'))"
    )
    store.client.config_resetstat()
    assert store.call("look") == "1"
    assert {"evalsha_ro", "eval_ro"} <= called(store)
    assert not {"evalsha", "eval"} & called(store)


def called(store: Store) -> set[str]:
    stats = store.client.info("commandstats")
    assert isinstance(stats, dict)
    return {name.removeprefix("cmdstat_") for name in stats}


@pytest.mark.parametrize(
    ("found", "way_out"), [("2.0", "Upgrade jobboard here"), ("0.9", "Use another --namespace")]
)
def test_another_major_format_is_refused_and_nothing_is_written(
    store: Store, script: dict[str, str], found: str, way_out: str
) -> None:
    script["write"] = (
        "#!lua\n-- @include guard\nlocal refused = guard()\nif refused then return refused end\n"
        "redis.call('SET', key('x'), 1)\nreturn cmsgpack.pack({'OK'})"
    )
    store.client.hset(store.key("meta"), "format", found)
    with pytest.raises(errors.WrongFormat) as caught:
        store.call("write")
    assert found in caught.value.message
    assert connect.FORMAT in caught.value.message
    assert way_out in str(caught.value.hint)
    assert not store.client.exists(store.key("x"))
    with pytest.raises(errors.WrongFormat):
        store.ensure_ours()


def test_another_minor_format_is_welcome(store: Store, script: dict[str, str]) -> None:
    script["write"] = (
        "#!lua\n-- @include guard\nlocal refused = guard()\nif refused then return refused end\n"
        "return cmsgpack.pack({'OK'})"
    )
    store.client.hset(store.key("meta"), "format", "1.7")
    store.ensure_ours()
    assert store.call("write") == ["OK"]
    assert store.client.hget(store.key("meta"), "format") == b"1.7"


def test_the_first_writer_makes_the_meta(store: Store, script: dict[str, str]) -> None:
    script["write"] = "#!lua\n-- @include guard\nlocal refused = guard()\nreturn cmsgpack.pack({'OK'})"
    store.call("write")
    made = store.client.hgetall(store.key("meta"))
    assert made[b"format"] == connect.FORMAT.encode()
    store.call("write")
    assert store.client.hgetall(store.key("meta")) == made


def test_a_test_namespace_is_for_tests(store: Store, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(settings_of(server.url, store.namespace)) as opened:
        assert opened.namespace == store.namespace
    monkeypatch.delenv("JOBBOARD_TEST")
    with pytest.raises(errors.Refused) as caught:
        open_store(settings_of(server.url, store.namespace))
    assert "JOBBOARD_TEST=1" in str(caught.value.hint)
    open_store(settings_of(server.url, fresh_namespace())).close()


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://host/0?health_check_interval=x"])
def test_an_address_that_does_not_parse_is_a_usage_error(url: str) -> None:
    with pytest.raises(errors.UsageError):
        open_store(settings_of(url))


def test_a_reading_user_opens_and_reads_with_no_other_right(server: Server, store: Store) -> None:
    grant(store, "reader", ">pw", "+@read", "+evalsha_ro", "~*")
    look = "#!lua flags=no-writes\nreturn redis.call('HGET', KEYS[1], 'test')"
    sha = store.client.script_load(look)
    with open_store(settings_of(f"unix://reader:pw@{server.socket}", store.namespace)) as opened:
        assert opened.client.evalsha_ro(sha, 1, opened.key("meta")) == b"1"
        assert opened.greeting()["server"] == "valkey"
        with pytest.raises(errors.StoreReadOnly) as caught, connect.explained(opened.url):
            opened.client.set(opened.key("x"), 1)
    assert "may not run SET" in caught.value.message
    assert "+set" in str(caught.value.hint)


def test_a_right_missing_inside_a_script_is_named(
    server: Server, store: Store, script: dict[str, str]
) -> None:
    grant(store, "half", ">pw", "+@all", "-hset", "~*")
    script["write"] = "#!lua\n-- @include key\nreturn redis.call('HSET', key('meta'), 'a', 1)"
    with (
        Store(f"unix://half:pw@{server.socket}", store.namespace) as opened,
        pytest.raises(errors.StoreReadOnly, match="may not run HSET"),
    ):
        opened.call("write")


def test_keys_out_of_a_users_reach_are_explained(server: Server, store: Store) -> None:
    grant(store, "elsewhere", ">pw", "+@all", "~other:*")
    with pytest.raises(errors.StoreReadOnly) as caught:
        open_store(settings_of(f"unix://elsewhere:pw@{server.socket}", store.namespace))
    assert "~jb:*" in str(caught.value.hint)


def test_a_wrong_password_is_refused_and_not_told(server: Server, store: Store) -> None:
    grant(store, "ana", ">right", "+@all", "~*")
    with pytest.raises(errors.StoreRefused) as caught:
        open_store(settings_of(f"unix://ana:wr0ng@{server.socket}"))
    assert "does not accept the user or password" in caught.value.message
    assert "wr0ng" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "ours", "words"),
    [
        (said.BusyLoadingError("Redis is loading"), errors.StoreUnreachable, "still loading"),
        (
            said.ConnectionError("max number of clients reached"),
            errors.StoreUnreachable,
            "no connection left",
        ),
        (
            said.ConnectionError("Error 111 connecting to h:1. Connection refused."),
            errors.StoreUnreachable,
            "refused",
        ),
        (said.TimeoutError("Timeout reading from socket"), errors.StoreUnreachable, "Timeout"),
        (said.InvalidResponse('Protocol error, got "H"'), errors.NotOurs, "no Redis"),
        (said.OutOfMemoryError("command not allowed"), errors.StoreFull, "memory limit"),
        (said.ResponseError("MISCONF Errors writing to the AOF file: x"), errors.StoreFull, "disk"),
        (said.ReadOnlyError("You can't write"), errors.StoreReadOnly, "replica"),
        (said.ResponseError("NOREPLICAS Not enough"), errors.StoreReadOnly, "replicas"),
        (said.MasterDownError("Link is down"), errors.StoreUnreachable, "cannot serve now"),
        (said.ResponseError("BUSY Redis is busy"), errors.StoreUnreachable, "long script"),
        (said.AuthenticationError("invalid username-password pair"), errors.StoreRefused, "password"),
        (said.ResponseError("unknown command `HELLO`, with"), errors.NotOurs, "older than 6.0"),
        (said.ResponseError("WRONGTYPE Operation"), errors.StoreRefused, "something else"),
        (said.ResponseError("something new"), errors.StoreRefused, "something new"),
        (said.RedisError("odd"), errors.StoreRefused, "odd"),
    ],
)
def test_every_refusal_has_words(
    error: said.RedisError, ours: type[errors.JobboardError], words: str
) -> None:
    found = explanation(error, "redis://h")
    assert type(found) is ours
    assert words in found.message
    assert "redis://h" in found.message


def test_doctor_sees_a_good_namespace(store: Store) -> None:
    store.client.hset(store.key("meta"), "format", connect.FORMAT)
    levels = {finding.topic: finding.level for finding in check_usable(store)}
    # The test server keeps nothing on disk, which is what it is told.
    assert levels.pop("persistence") == "warn"
    assert set(levels.values()) == {"ok"}
    assert {"version", "namespace", "writes", "clock", "eviction", "memory"} <= set(levels)


def test_doctor_tells_what_a_reader_may_not_see(server: Server, store: Store) -> None:
    store.client.hset(store.key("meta"), "format", connect.FORMAT)
    grant(store, "narrow", ">pw", "+@read", "~*")
    with Store(f"unix://narrow:pw@{server.socket}", store.namespace) as opened:
        found = {finding.topic: finding for finding in check_usable(opened)}
    assert found["writes"].level == "error"
    assert "HSETNX" in found["writes"].message
    assert found["clock"].level == found["server"].level == "warn"


def test_a_listener_takes_what_is_pushed_first_key_first(store: Store) -> None:
    first, second = store.key("ctl", "w"), store.key("wake", "q")
    store.client.rpush(second, "b")
    store.client.rpush(first, "a")
    with Listener(store, [first, second]) as listener:
        assert listener.wait(1) == (first, b"a")
        assert listener.wait(1) == (second, b"b")
        assert listener.wait(0) is None


def test_a_listener_wakes_for_a_push(store: Store) -> None:
    key = store.key("wake", "q")
    with Listener(store, [key]) as listener:

        def push() -> None:
            await_blocked(store)
            store.client.rpush(key, "x")

        pushing = threading.Thread(target=push)
        pushing.start()
        assert listener.wait(30) == (key, b"x")
        pushing.join()


def test_closing_a_listener_ends_its_waiting(store: Store) -> None:
    listener = Listener(store, [store.key("wake", "q")])

    def close() -> None:
        await_blocked(store)
        listener.close()

    closing = threading.Thread(target=close)
    closing.start()
    assert listener.wait(100) is None
    closing.join()
    assert listener.wait(100) is None
    listener.close()


def await_blocked(store: Store) -> None:
    """Return when some client of the server waits in a blocking command."""
    while not store.client.info("clients")["blocked_clients"]:
        pass


def test_raw_replies_come_as_the_server_gives_them(store: Store) -> None:
    assert raw(store, ["HSET", store.key("h"), "a", "1"]) == 1
    assert raw(store, ["HGETALL", store.key("h")]) == {b"a": b"1"}
    assert raw(store, ["GET", store.key("none")]) is None
    wrong = raw(store, ["LPUSH", store.key("h"), "x"])
    assert isinstance(wrong, ErrorReply)
    assert "WRONGTYPE" in wrong.text


def test_versions_compare_as_numbers() -> None:
    assert connect.version_of("7.0.15") < connect.version_of("7.2.4") < connect.version_of("10.0-rc1")
    assert connect.version_of("10.0-rc1") == (10, 0)
    assert connect.major_of("nonsense") == -1
