"""Programs that stay, started before their store is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import redis
from kit.server import READY, Server
from kit.work import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAYING = ("worker", "scheduler", "watch", "up")


@contextmanager
def started(folder: Path, url: str, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A program that stays, and its log; killed at the end if it is still there."""
    log = folder / "log"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "JOBBOARD_HOME": str(folder / "home")}
    (folder / "boards").mkdir(exist_ok=True)
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "jobboard", *words, "--redis", url, "--namespace", "waits"],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield child, log
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(20)


def says(log: Path, text: str) -> bool:
    return text in log.read_text()


def is_loading(client: redis.Redis) -> bool:
    """Whether the server is up and loads its data."""
    try:
        client.get("key")
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False
    return False


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path, command: str) -> None:
    server = Server()
    server.stop()
    with started(tmp_path, server.url, command) as (child, log):
        until(lambda: says(log, "waiting up to 1m"), 20)
        server.start()
        key = {"worker": "workers", "scheduler": "schedulers"}[command]
        with redis.Redis.from_url(server.url) as client:
            until(lambda: client.exists(f"jb:{{waits}}:{key}"), 20)
        child.terminate()
        assert child.wait(20) == 0
    server.remove()


def test_a_server_that_is_loading_its_data_is_waited_for(tmp_path: Path) -> None:
    server = Server()
    with redis.Redis.from_url(server.url) as client:
        # It listens after each KiB that it has loaded.
        client.mset({f"key{n}": os.urandom(600) for n in range(3000)})
        client.save()
        server.stop()
        server.config.update({"key-load-delay": "20000", "loading-process-events-interval-bytes": "1024"})
        loading = subprocess.Popen(
            [server.binary, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert loading.stdin is not None
        assert loading.stdout is not None
        loading.stdin.write("".join(f"{name} {value}\n" for name, value in server.config.items()))
        loading.stdin.close()
        until(lambda: is_loading(client))
        with started(tmp_path, server.url, "worker") as (child, log):
            until(lambda: says(log, "is still loading its data; waiting up to 1m"), 20)
            client.config_set("key-load-delay", "0")
            while READY not in loading.stdout.readline():
                pass
            until(lambda: client.exists("jb:{waits}:workers"), 20)
            child.terminate()
            assert child.wait(20) == 0
    loading.terminate()
    loading.stdout.close()
    loading.wait(20)
    server.remove()


@pytest.mark.parametrize("command", STAYING)
def test_what_waits_can_be_stopped(tmp_path: Path, command: str) -> None:
    shared = ("--shared",) if command in ("watch", "up") else ()
    with started(tmp_path, f"unix://{tmp_path}/nobody", command, *shared) as (child, log):
        until(lambda: says(log, "waiting up to 1m"), 20)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


@pytest.mark.parametrize("command", STAYING)
def test_nobody_waits_for_longer_than_told(tmp_path: Path, command: str) -> None:
    shared = ("--shared",) if command in ("watch", "up") else ()
    words = (command, *shared, "--store-wait", "0s")
    with started(tmp_path, f"unix://{tmp_path}/nobody", *words) as (child, log):
        assert child.wait(20) == 69
        assert says(log, "no answer from unix://")


def test_a_server_that_refuses_is_not_waited_for(tmp_path: Path) -> None:
    server = Server({"requirepass": "secret"})
    with started(tmp_path, server.url, "worker") as (child, log):
        assert child.wait(20) == 1
        assert says(log, "does not accept the user or password")
    server.remove()


def test_a_wait_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    with started(tmp_path, f"unix://{tmp_path}/nobody", "worker", "--store-wait", "soon") as (child, log):
        assert child.wait(20) == 64
        assert says(log, "--store-wait: ")
