"""The library of functions: installed, called wrong, of another version, and as it is told of."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest
from kit import readme
from kit.commandline import asked, jobboard, told
from kit.engine import Engine
from kit.functions import Call, caller, raw
from redis.exceptions import ResponseError

from jobboard import errors
from jobboard.store.calls import functions
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


@pytest.fixture
def call(store: Store) -> Call:
    """Calls a function of the namespace."""
    return caller(store)


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine(store)


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
