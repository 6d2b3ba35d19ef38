"""What a store can do to us, done for real: each fault has its error, its words, its way out."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit import filling
from kit.peers import FakePeer, hello_of
from kit.server import Server, free_port

from jobboard import errors
from jobboard.cli.main import main
from jobboard.settings import Settings
from jobboard.store.calls import connect, scripts
from jobboard.store.calls.connect import Store, explained, open_store
from jobboard.store.calls.listen import Listener
from jobboard.store.server.embedded import await_end, open_embedded
from jobboard.store.views import fsck
from jobboard.store.views.health import check_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DURABLE = {"appendonly": "yes", "appendfsync": "everysec"}
WRITE = """#!lua
-- @include guard
local refused = guard()
if refused then return refused end
redis.call('RPUSH', key('wake', 'q'), string.rep('x', 1000))
return cmsgpack.pack({'OK'})
"""


def settings_of(url: str) -> Settings:
    return Settings(url, "x", Path("/nowhere"), "ana", "cli", Path("/"))


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


@pytest.fixture(autouse=True)
def write_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A script `write` that pushes a kilobyte, and `drain` that may run when memory is full."""
    texts = {"write": WRITE, "drain": WRITE.replace("#!lua", "#!lua flags=allow-oom", 1)}
    shipped = scripts.source_of
    monkeypatch.setattr(scripts, "source_of", lambda name: texts.get(name) or shipped(name))
    scripts.load.cache_clear()
    yield
    scripts.load.cache_clear()


def fsck_of(url: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What `jobboard fsck` ends with and complains of."""
    code = main(["fsck", "--redis", url])
    return code, capsys.readouterr().err


def write_on_and_on(store: Store) -> None:
    while store.call("write"):
        pass


@pytest.mark.parametrize(
    "url", ["unix:///nowhere/s", "redis://127.0.0.1:{}/0", "redis://:s3cret@127.0.0.1:{}/0"]
)
def test_a_store_that_is_down(url: str) -> None:
    with pytest.raises(errors.StoreUnreachable) as caught:
        open_store(settings_of(url.format(free_port())))
    assert caught.value.exit_code == 69
    assert "no answer from" in caught.value.message
    assert "s3cret" not in caught.value.message
    assert "JOBBOARD_REDIS_URL" in str(caught.value.hint)


def test_a_host_that_is_none() -> None:
    with pytest.raises(errors.StoreUnreachable, match=r"no answer from redis://nowhere\.invalid"):
        open_store(settings_of("redis://nowhere.invalid"))


def await_written(server: Server) -> None:
    """Return when the file holds what was confirmed: while the disk is busy, that takes up to two seconds."""
    with Store(server.url, "x") as looking:
        while looking.client.info("persistence")["aof_buffer_length"]:
            pass


def test_a_killed_server_keeps_what_it_confirmed_and_is_found_again(start: Callable[..., Server]) -> None:
    server = start(**DURABLE)
    with open_store(settings_of(server.url)) as store, Listener(store, [store.key("none")]) as listener:
        for _ in range(200):
            store.call("write")
        await_written(server)
        server.kill()
        with pytest.raises(errors.StoreUnreachable):
            store.call("write")
        with pytest.raises(errors.StoreUnreachable):
            listener.wait(1)
        server.start()
        assert store.call("write") == ["OK"]
        assert store.client.llen(store.key("wake", "q")) == 201
        assert listener.wait(0) is None


def test_a_listener_learns_that_its_server_is_killed(start: Callable[..., Server]) -> None:
    server = start()
    with open_store(settings_of(server.url)) as store, Listener(store, [store.key("none")]) as listener:
        killing = threading.Thread(target=kill_when_blocked, args=(server, store))
        killing.start()
        with pytest.raises(errors.StoreUnreachable):
            listener.wait(100)
        killing.join()


def kill_when_blocked(server: Server, store: Store) -> None:
    while not store.client.info("clients")["blocked_clients"]:
        pass
    server.kill()


def test_a_server_that_hangs_is_not_waited_for_for_ever(start: Callable[..., Server]) -> None:
    server = start()
    with open_store(settings_of(server.url), timeout_s=0.1) as store:
        os.kill(server.process.pid, signal.SIGSTOP)
        with pytest.raises(errors.StoreUnreachable):
            store.call("write")
        os.kill(server.process.pid, signal.SIGCONT)
        assert store.call("write") == ["OK"]


def test_a_listener_on_a_server_that_hangs_can_be_closed(start: Callable[..., Server]) -> None:
    server = start()
    with open_store(settings_of(server.url)) as store:
        listener = Listener(store, [store.key("none")])

        def freeze_and_close() -> None:
            while not store.client.info("clients")["blocked_clients"]:
                pass
            os.kill(server.process.pid, signal.SIGSTOP)
            listener.close()

        closing = threading.Thread(target=freeze_and_close)
        closing.start()
        assert listener.wait(100) is None
        closing.join()
        os.kill(server.process.pid, signal.SIGCONT)


def test_a_replica_can_be_read_and_not_written(start: Callable[..., Server]) -> None:
    server = start(replicaof="127.0.0.1 1")
    with open_store(settings_of(server.url)) as store:
        with pytest.raises(errors.StoreReadOnly) as caught:
            store.call("write")
        assert "primary" in str(caught.value.hint)
        assert ("role", "error") in {(f.topic, f.level) for f in check_usable(store)}


def test_a_replica_that_lost_its_primary_and_will_not_guess(start: Callable[..., Server]) -> None:
    server = start(replicaof="127.0.0.1 1", replica_serve_stale_data="no")
    with pytest.raises(errors.StoreUnreachable, match="cannot serve now"):
        open_store(settings_of(server.url))


def test_a_full_store_takes_no_more_and_lets_go_of_what_it_has(start: Callable[..., Server]) -> None:
    # What is deleted is free at once, not when a thread of the server comes round to it.
    server = start(maxmemory="2mb", lazyfree_lazy_user_del="no")
    with open_store(settings_of(server.url)) as store:
        with pytest.raises(errors.StoreFull) as caught:
            write_on_and_on(store)
        assert "memory limit" in caught.value.message
        assert "maxmemory" in str(caught.value.hint)
        assert store.call("drain") == ["OK"]
        store.client.delete(store.key("wake", "q"))
        assert store.call("write") == ["OK"]


def test_a_store_that_would_throw_jobs_away_is_reported(start: Callable[..., Server]) -> None:
    server = start(maxmemory="100mb", maxmemory_policy="allkeys-lru")
    with open_store(settings_of(server.url)) as store:
        (eviction,) = (f for f in check_usable(store) if f.topic == "eviction")
    assert eviction.level == "error"
    assert "noeviction" in str(eviction.hint)


def test_a_server_with_no_connection_left(start: Callable[..., Server]) -> None:
    server = start(maxclients="1")
    with Store(server.url, "x") as store:
        assert store.call("write") == ["OK"]
        # The server hangs up at once; whether its words arrive before that is a matter of luck.
        with pytest.raises(errors.StoreUnreachable):
            open_store(settings_of(server.url))
        assert store.call("write") == ["OK"]


def test_a_server_busy_with_one_script(start: Callable[..., Server]) -> None:
    server = start(busy_reply_threshold="1")
    with Store(server.url, "x") as looping, Store(server.url, "x") as store:

        def loop() -> None:
            with pytest.raises(errors.StoreRefused), explained(looping.url):
                looping.client.eval("#!lua\nwhile true do end", 0)

        busy = threading.Thread(target=loop)
        busy.start()
        with pytest.raises(errors.StoreUnreachable, match="one long script"):
            write_on_and_on(store)
        store.client.script_kill()
        busy.join()


def test_a_server_behind_a_password(start: Callable[..., Server]) -> None:
    port = free_port()
    start(port=str(port), requirepass="s3cret")
    with open_store(settings_of(f"redis://:s3cret@127.0.0.1:{port}/1")) as store:
        assert store.call("write") == ["OK"]
    for wrong in ("", ":wr0ng@"):
        with pytest.raises(errors.StoreRefused, match="does not accept the user or password") as caught:
            open_store(settings_of(f"redis://{wrong}127.0.0.1:{port}/1"))
        assert "wr0ng" not in caught.value.message
        assert "redis://USER:PASSWORD@" in str(caught.value.hint)
    with open_store(settings_of(f"redis://:s3cret@127.0.0.1:{port}/1")) as store:
        assert fsck.check(store) == []


def test_tls_where_there_is_none(start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_FIRST_ANSWER_S", 0.1)
    port = free_port()
    start(port=str(port))
    with pytest.raises(errors.StoreUnreachable, match=f"no answer from rediss://127.0.0.1:{port}"):
        open_store(settings_of(f"rediss://127.0.0.1:{port}"))


def test_what_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_FIRST_ANSWER_S", 0.1)
    with FakePeer(None) as peer, pytest.raises(errors.StoreUnreachable, match="no answer"):
        open_store(settings_of(peer.url))


@pytest.mark.parametrize("version", ["5.0.3", "6.2.14"])
def test_a_server_too_old(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    with FakePeer(hello_of(version)) as peer, pytest.raises(errors.NotOurs) as caught:
        open_store(settings_of(peer.url))
    with FakePeer(hello_of(version)) as peer:
        code, said = fsck_of(peer.url, capsys)
    assert code == caught.value.exit_code
    assert version in said
    assert version in caught.value.message
    assert "7.0" in str(caught.value.hint)


def test_a_server_from_before_hello() -> None:
    reply = b"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"
    with FakePeer(reply) as peer, pytest.raises(errors.NotOurs, match=r"older than 6\.0"):
        open_store(settings_of(peer.url))


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_is_no_redis_at_all(reply: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with FakePeer(reply) as peer, pytest.raises(errors.NotOurs, match="no Redis or Valkey") as caught:
        open_store(settings_of(peer.url))
    with FakePeer(reply) as peer:
        code, said = fsck_of(peer.url, capsys)
    assert code == caught.value.exit_code
    assert "no Redis or Valkey" in said


def test_a_full_disk_refuses_with_words_and_loses_nothing_confirmed_before() -> None:
    home = Path(tempfile.mkdtemp(prefix="jb-"))
    filler = subprocess.run(
        [sys.executable, filling.__file__, str(home), "200000"], capture_output=True, text=True, check=True
    )
    name, message, confirmed, hint = filler.stdout.splitlines()
    assert name == "StoreFull"
    assert "cannot write to its disk" in message
    assert hint
    assert await_end(home)
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        kept: Any = store.client.llen(store.key("wake", "q"))
    # The write that met the full disk had been answered; what the disk took before it is there.
    assert int(confirmed) - 1 <= kept <= int(confirmed)
    assert await_end(home)
    shutil.rmtree(home)
