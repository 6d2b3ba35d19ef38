"""A store begins without the client library, and goes over to it wherever only the library will do."""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Server, free_port, fresh_namespace

from jobboard import errors
from jobboard.store.calls.connect import Store
from jobboard.store.calls.direct import Direct, Unanswered
from jobboard.store.calls.reading import read_hashes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kit.project import Project

LIBRARY = "redis-py"


class Seen:
    """A user of its own, so that the server can say by what means it is connected."""

    def __init__(self, store: Store, server: Server) -> None:
        self.name = f"u{secrets.token_hex(4)}"
        self._by: Any = store.client
        self._by.acl_setuser(self.name, enabled=True, passwords=["+p w"], keys=["*"], commands=["+@all"])
        self.url = f"unix://{self.name}:p%20w@{server.socket}"

    def libraries(self) -> list[str]:
        """The library of each of its connections, as the server was told; empty for none."""
        lines = str(self._by.execute_command("CLIENT", "LIST")).split("\\n")
        mine = [line for line in lines if f" user={self.name} " in line]
        return [found[1] for line in mine if (found := re.search(r"lib-name=(\S*)", line))]

    def disconnect(self) -> None:
        """End its connections from the server's side."""
        self._by.execute_command("CLIENT", "KILL", "USER", self.name)


@pytest.fixture
def seen(store: Store, server: Server) -> Seen:
    return Seen(store, server)


def test_reads_and_scripts_do_without_the_library_until_it_is_asked_for(store: Store, seen: Seen) -> None:
    with Store(seen.url, store.namespace) as opened:
        opened.ensure_ours()
        assert opened.read(("HGET", opened.key("meta"), "test"), ("GET", opened.key("no"))) == [b"1", None]
        assert opened.call("overview", addresses=[])[0] == "OK"
        assert seen.libraries() == [""]
        assert opened.client.hget(opened.key("meta"), "test") == b"1"
        assert opened.read(("HGET", opened.key("meta"), "test")) == [b"1"]
        assert seen.libraries() == [LIBRARY]
    assert seen.libraries() == []


def test_a_script_the_server_has_forgotten_is_sent_again(store: Store, seen: Seen) -> None:
    with Store(seen.url, store.namespace) as opened:
        store.client.script_flush()
        assert opened.call("overview", addresses=[])[0] == "OK"
        assert opened.call("overview", addresses=[])[0] == "OK"
        assert seen.libraries() == [""]


def test_a_broken_connection_is_the_librarys_to_mend(store: Store, seen: Seen) -> None:
    with Store(seen.url, store.namespace) as opened:
        opened.ensure_ours()
        for _ in range(2):
            seen.disconnect()
            assert opened.read(("HGET", opened.key("meta"), "test")) == [b"1"]
            assert seen.libraries() == [LIBRARY]


@pytest.mark.parametrize("timeout_s", [0.0, 0.05])
def test_a_server_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path, timeout_s: float) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "mute"))
        listening.listen()
        with pytest.raises(Unanswered):
            Direct(str(tmp_path / "mute"), [("HELLO", "3")], timeout_s).ask(("PING",))


@pytest.mark.parametrize("warm", [False, True])
def test_what_the_server_refuses_is_explained_and_nothing_is_left_over(
    store: Store, seen: Seen, *, warm: bool
) -> None:
    store.client.hset(store.key("a"), mapping={"x": 1})
    with Store(seen.url, store.namespace) as opened:
        if warm:
            assert opened.client.ping()
        with pytest.raises(errors.StoreRefused, match="something else than jobboard wrote"):
            opened.read(("HGET", opened.key("a"), "x"), ("ZCARD", opened.key("a")), ("HLEN", opened.key("a")))
        assert opened.read(("HLEN", opened.key("a"))) == [1]


def test_large_hashes_come_whole_and_several_at_once(store: Store, seen: Seen) -> None:
    sizes = {"none": 0, "one": 1, "some": 1_001, "many": 5_000}
    for name, size in sizes.items():
        if size:
            store.client.hset(store.key(name), mapping={f"f{n}": f"v{n}" for n in range(size)})
    with Store(seen.url, store.namespace) as opened:
        found = read_hashes(opened, *map(opened.key, sizes))
        assert [len(fields) for fields in found] == list(sizes.values())
        assert found[3][b"f4999"] == b"v4999"
        assert opened.client.ping()
        assert read_hashes(opened, *map(opened.key, sizes)) == found


@pytest.mark.parametrize("login", ["{}:secret@", "{}@", ""])
def test_who_an_address_names_is_who_asks(store: Store, server: Server, login: str) -> None:
    name = f"u{secrets.token_hex(4)}"
    passwords = {"passwords": ["+secret"]} if ":" in login else {"nopass": True}
    commands: Any = store.client
    commands.acl_setuser(name, enabled=True, keys=["*"], commands=["+@all"], **passwords)
    with Store(f"unix://{login.format(name)}{server.socket}", store.namespace) as opened:
        asked = (opened.read(("ACL", "WHOAMI"))[0], opened.client.acl_whoami())
    assert asked == ((name.encode(), name.encode()) if login else (b"default", b"default"))


def test_threads_get_their_own_answers(store: Store, seen: Seen) -> None:
    names = [f"n{n}" for n in range(50)]
    store.client.hset(store.key("a"), mapping={name: name for name in names})
    together = threading.Barrier(8)
    with Store(seen.url, store.namespace) as opened, ThreadPoolExecutor(8) as threads:

        def ask(_: int) -> list[bytes]:
            together.wait()
            return [opened.read(("HGET", opened.key("a"), name))[0] for name in names]

        assert list(threads.map(ask, range(8))) == [[name.encode() for name in names]] * 8
        assert seen.libraries() == [""]


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """The port of a server with a password."""
    port = free_port()
    running = Server({"port": str(port), "requirepass": "s3cret"})
    yield port
    running.remove()


@pytest.mark.parametrize("database", ["", "/", "/3", "/3?health_check_interval=0", "?db=3"])
def test_an_address_means_the_same_with_and_without_the_library(listening: int, database: str) -> None:
    url, namespace = f"redis://:s3cret@localhost:{listening}{database}", fresh_namespace()
    with Store(url, namespace) as writing:
        writing.client.hset(writing.key("a"), "x", "1")
    with Store(url, namespace) as reading:
        assert reading.read(("HGET", reading.key("a"), "x")) == [b"1"]
        assert "redis_version" in str(reading.client.info("server"))
    others = [f"redis://:s3cret@localhost:{listening}/{n}" for n in (0, 3)]
    found = []
    for other in others:
        with Store(other, namespace) as looking:
            found += looking.read(("HGET", looking.key("a"), "x"))
    assert found == ([None, b"1"] if "3" in database else [b"1", None])


PLAN_NEEDS_NOT = (
    "redis",
    "yaml",
    "jsonschema_rs",
    "json",
    "asyncio",
    "jobboard.core.jobs.resolve",
    "jobboard.core.times.zone",
)
"""Each takes longer to import than a plan with nothing to do may take in all, or is a sign of what does."""


@pytest.mark.parametrize(("command", "needless"), [("plan", PLAN_NEEDS_NOT), ("sync", ("redis", "yaml"))])
def test_what_has_nothing_to_do_imports_nothing_heavy(
    project: Project, command: str, needless: tuple[str, ...]
) -> None:
    project.board("ops", 'a: {run: "true", cron: "0 3 * * *"}')
    project.sync()
    # An import of any of them would end in a traceback.
    asked = (
        f"import sys; sys.modules.update(dict.fromkeys({needless!r}));"
        "from jobboard.cli.main import main; main(sys.argv[1:])"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked, command],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.stderr, said.stdout) == ("", "No changes. Redis matches the job boards.\n")
