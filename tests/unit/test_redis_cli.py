"""`jobboard redis-cli` sends what is typed and shows what comes back."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from jobboard.cli.commands.redis_cli import _pretty
from jobboard.cli.main import main
from jobboard.store.calls.raw import ErrorReply

if TYPE_CHECKING:
    from kit.server import Server

    from jobboard.store.calls.connect import Store


def send(server: Server, store: Store, *words: str) -> int:
    return main(["--redis", server.url, "--namespace", store.namespace, *words])


def test_a_command_and_its_reply(server: Server, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    key = store.key("sched")
    assert send(server, store, "redis-cli", "zadd", key, "-1", "a", "2", "b") == 0
    assert send(server, store, "redis-cli", "zrange", key, "0", "-1") == 0
    assert capsys.readouterr().out == "2\na\nb\n"


def test_an_error_is_shown_and_told_by_the_exit_code(
    server: Server, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(server, store, "redis-cli", "lpush", store.key("meta"), "x") == 1
    assert capsys.readouterr().out.startswith("(error) WRONGTYPE")


def test_commands_come_from_standard_input_too(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = store.key("h")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"hset {key} f 'v w'\n\nhgetall {key}\n"))
    assert send(server, store, "redis-cli") == 0
    assert capsys.readouterr().out == "1\nf\nv w\n"


def test_replies_as_json(server: Server, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.client.hset(store.key("h"), "f", b"\xffv")
    assert send(server, store, "-o", "json", "redis-cli", "hgetall", store.key("h")) == 0
    assert json.loads(capsys.readouterr().out) == {"f": "\\xffv"}


@pytest.mark.parametrize("words", [["monitor"], ["subscribe", "x"]])
def test_what_never_ends_is_refused(server: Server, store: Store, words: list[str]) -> None:
    assert send(server, store, "redis-cli", *words) == 64


def test_an_open_quote_is_a_usage_error(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("get 'x\n"))
    assert send(server, store, "redis-cli") == 64


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (b"OK", "OK"),
        (b'a"\xff', r'"a\x22\xff"'),
        (None, "(nil)"),
        (3, "(integer) 3"),
        (1.5, "(double) 1.5"),
        (True, "(true)"),
        ([], "(empty)"),
        ([b"a", [1, b"b"]], '1) "a"\n2) 1) (integer) 1\n   2) "b"'),
        ({b"a": [1, 2]}, '1# "a" => 1) (integer) 1\n   2) (integer) 2'),
        (ErrorReply("ERR no"), "(error) ERR no"),
    ],
)
def test_a_person_sees_types_and_structure(reply: object, shown: str) -> None:
    assert _pretty(reply) == shown
