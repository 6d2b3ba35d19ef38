"""Secrets, one for each way in, and every place where one could come out again: none does.

The sync, the scheduler and the worker are real processes, on a server with a password. Then everything is
asked for that anybody may look at, and every key and every file that was left is searched.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kit.server import Server
from kit.work import until

from jobboard.store.calls.connect import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRETS = {
    "of the process": "canary-4f1c-process",
    "in a reference to the environment": "canary-81ab-variable",
    "in a reference to a file": "canary-c02e-file",
    "in an environment file": "canary-93d7-envfile",
    "of the store's address": "canary-6a5b-address",
}
BOARD = """\
board: ops
jobs:
  tell:
    run: echo "$FROM_ENV $FROM_FILE $FROM_ENV_FILE"; env; exit 3
    env: {{FROM_ENV: "${{env:TOKEN}}", FROM_FILE: "${{file:{folder}/secret}}"}}
    env_files: [{folder}/secrets.env]
    retries: {{max: 1, delay: 0s}}
  lost:
    run: x
    env: {{GONE: "${{env:NOT_THERE}}", FROM_ENV: "${{env:TOKEN}}"}}
"""
LOOKED_AT = (
    "plan -o text",
    "plan -o json",
    "plan -o markdown",
    "plan -o diff",
    "plan -o github",
    "plan --simulate",
    "drift -o json",
    "history -o json",
    "diff 1 -o json",
    "blame ops/tell -o json",
    "explain ops/tell -o json",
    "ls -o json",
    "show ops/tell",
    "show ops/tell -o json",
    "runs -o json",
    "why ops/tell",
    "why ops/lost",
    "logs ops/tell",
    "logs ops/lost",
    "queues -o json",
    "doctor",
    "fsck",
    "lint -o json",
)


@pytest.fixture
def guarded() -> Iterator[Server]:
    """A server that wants a password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {"port": str(port), "bind": "127.0.0.1", "requirepass": SECRETS["of the store's address"]}
    server = Server(config)
    server.url = f"redis://:{config['requirepass']}@127.0.0.1:{port}/0"
    yield server
    server.remove()


class Project:
    """A project with secrets all about it; `said` is all that any process of it has printed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder / "project"
        (self.folder / "boards").mkdir(parents=True)
        self.vault = folder / "vault"
        self.vault.mkdir()
        (self.vault / "secret").write_text(SECRETS["in a reference to a file"] + "\n")
        (self.vault / "secrets.env").write_text(f"FROM_ENV_FILE={SECRETS['in an environment file']}\n")
        (self.folder / "boards" / "ops.yaml").write_text(BOARD.format(folder=self.vault))
        self.environ = {
            **os.environ,
            "JOBBOARD_REDIS_URL": url,
            "JOBBOARD_NAMESPACE": "canary",
            "JOBBOARD_HOME": str(folder / "project" / "home"),
            "CANARY": SECRETS["of the process"],
            "TOKEN": SECRETS["in a reference to the environment"],
        }
        self.said: dict[str, str] = {}

    def start(self, words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "jobboard", *words.split()],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, words: str, process: subprocess.Popen[str]) -> int:
        self.said[words], _ = process.communicate(timeout=60)
        return process.returncode

    def run(self, words: str, **environ: str) -> int:
        return self.end(words, self.start(words, **environ))

    @contextmanager
    def serving(self, *commands: str) -> Iterator[None]:
        started = {words: self.start(words) for words in commands}
        try:
            yield
        finally:
            for words, process in started.items():
                process.terminate()
                self.end(words, process)


def stored(store: Store) -> Iterator[tuple[str, bytes]]:
    """Every key of the namespace, with all that is in it as bytes."""
    client: Any = store.client
    for key in client.scan_iter(match="*", count=1000):
        read: dict[bytes, Any] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        yield key.decode(), key + repr(read[client.type(key)](key)).encode()


def test_no_secret_comes_out_anywhere(tmp_path: Path, guarded: Server) -> None:
    project = Project(tmp_path, guarded.url)
    assert project.run("sync --auto-approve --reason first") == 0
    with Store(guarded.url, "canary") as store:
        with project.serving("scheduler", "worker"):
            for job in ("ops/tell", "ops/lost"):
                assert project.run(f"run {job}") == 0
            until(lambda: store.client.xlen(store.key("history")) == 2, 60)
        assert project.run("set ops/tell timeout=5m --reason slow") == 0
        asked = {words: project.start(words) for words in LOOKED_AT}
        codes = {words: project.end(words, process) for words, process in asked.items()}
        odd = {words: project.said[words] for words, code in codes.items() if code not in (0, 2)}
        assert odd.keys() <= {"doctor"}, odd
        assert "***" in project.said["logs ops/tell"]
        wrong = guarded.url.replace(SECRETS["of the store's address"], "canary-6a5b-address-wrong")
        assert project.run("plan --detailed-exitcode", JOBBOARD_REDIS_URL=wrong) in (1, 69)
        keys = list(stored(store))
    assert len(keys) > 10
    for words, text in project.said.items():
        for what, secret in SECRETS.items():
            assert secret not in text, f"{words} told the secret {what}"
    for name, raw in keys:
        for what, secret in SECRETS.items():
            assert secret.encode() not in raw, f"{name} holds the secret {what}"
    for path in project.folder.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        for what, secret in SECRETS.items():
            assert secret.encode() not in raw, f"{path} holds the secret {what}"
    # The search would find one: the value of a variable that is no secret is stored.
    assert any(json.dumps("NOT_THERE").strip('"').encode() in raw for _, raw in keys)
