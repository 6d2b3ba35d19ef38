"""The embedded server as a process: which program, where it listens, how it is started and spoken to.

Nothing here knows when it should run; `store.server.embedded` decides that. The client library is not used,
so that a server can be judged in microseconds and before it is ready.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal
from urllib.parse import quote

from jobboard import errors

if TYPE_CHECKING:
    from pathlib import Path

# The longest path a Unix socket can have, to be safe everywhere (Linux 107, macOS 103).
_LONGEST_SOCKET_PATH = 100
_LAUNCH_S = 30.0
_ANSWER_S = 1.0
_LOG_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a socket, or where its path would be too long, a port behind a password."""

    path: Path | None = None
    port: int = 0
    password: str = ""

    @property
    def url(self) -> str:
        """The address as the client library takes it."""
        if self.path:
            return f"unix://{quote(os.fsencode(self.path))}"
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @classmethod
    def chosen(cls, home: Path) -> Address:
        """Where a new server of that directory shall listen."""
        path = home / "redis.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return cls(path=path)
        import secrets

        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        return cls(port=port, password=secrets.token_urlsafe(24))

    @classmethod
    def published(cls, home: Path) -> Address | None:
        """Where the server of that directory can be found; None where it is not there to be found."""
        if (home / "redis.sock").exists():
            return cls(path=home / "redis.sock")
        with suppress(FileNotFoundError, ValueError):
            port, password = (home / "address").read_text().split()
            return cls(port=int(port), password=password)
        return None

    def publish(self, home: Path) -> None:
        """Let others find it. A socket is found by being there; a port and password are written down."""
        if self.path is None:
            fd = os.open(home / "address", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "w") as file:
                file.write(f"{self.port} {self.password}\n")

    @staticmethod
    def withdraw(home: Path) -> None:
        """Let nobody find it any more."""
        for name in ("redis.sock", "address"):
            (home / name).unlink(missing_ok=True)

    def connect(self) -> socket.socket:
        """A connection to it, not logged in yet."""
        family = socket.AF_UNIX if self.path else socket.AF_INET
        connection = socket.socket(family)
        connection.settimeout(_ANSWER_S)
        try:
            connection.connect(str(self.path) if self.path else ("127.0.0.1", self.port))
        except BaseException:
            connection.close()
            raise
        return connection


def tell(address: Address, *words: str) -> None:
    """One command, without waiting for what it does."""
    with suppress(OSError), address.connect() as connection:
        connection.sendall(b"".join(map(_encoded, _with_login(address, words))))


def say(address: Address, *words: str) -> bytes | None:
    """One command, and its reply: the text of a simple or bulk one, ``-…`` for an error; None for none."""
    commands = _with_login(address, words)
    try:
        with address.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(b"".join(map(_encoded, commands)))
            replies = [_reply(stream) for _ in commands]
    except OSError:
        return None
    return replies[-1]


def state_of(address: Address) -> Literal["ready", "loading", "silent"]:
    """Whether the server there answers, or asks to wait while it loads its data."""
    said = say(address, "PING") or b""
    if said == b"PONG":
        return "ready"
    return "loading" if said.startswith(b"-LOADING") else "silent"


def server_of(address: Address) -> str:
    """The version of the server there."""
    said = say(address, "INFO", "server") or b""
    versions = dict(re.findall(rb"^(valkey|redis)_version:(\S+)", said, re.MULTILINE))
    # Valkey also names the version of Redis that it stands in for.
    version: bytes = versions.get(b"valkey") or versions.get(b"redis") or b"unknown"
    return version.decode()


def launch(binary: Path, home: Path, address: Address, lock_fd: int) -> None:
    """Start the server, detached; return when it has taken its configuration, before it answers.

    The server inherits `lock_fd` and with it the lock, which so is held until it is dead.

    Raises:
        errors.StoreUnreachable: It did not accept its configuration.
    """
    log = home / "server.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.unlink()
    (home / "server.pid").unlink(missing_ok=True)
    # A signal that Python ignores stays ignored in the server: past a file size limit, a write then fails
    # and is reported, where the signal would kill.
    started = subprocess.run(
        [binary, "-"],
        input=_configuration(home, address),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        pass_fds=(lock_fd,),
        restore_signals=False,
        start_new_session=True,
        timeout=_LAUNCH_S,
        check=False,
        text=True,
    )
    if started.returncode != 0:
        raise ServerDown(home, started.stdout.strip().splitlines()).explained()


class ServerDown(Exception):
    """The server ended while it started; `explained` is what to tell, from what it last said."""

    def __init__(self, home: Path, last_lines: list[str] | None = None) -> None:
        super().__init__(str(home))
        self._home = home
        self._lines = last_lines or _tail(home / "server.log")

    def explained(self) -> errors.StoreUnreachable:
        """The error to raise."""
        text = "\n".join(self._lines)
        last = (
            re.sub(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ . ", "", self._lines[-1])
            if self._lines
            else "no word from it"
        )
        return errors.StoreUnreachable(
            f"the embedded store's server did not start: {last}", self._way_out(text)
        )

    def _way_out(self, text: str) -> str:
        if "append only file" in text or "AOF" in text:
            return (
                f"Its file is damaged. Put it aside:  mv {self._home}/appendonlydir {self._home}/damaged\n"
                "The next sync brings every board back; the history of runs is in the file put aside"
            )
        if "No space left" in text:
            return f"Make room on the disk of {self._home}"
        return f"Look at {self._home / 'server.log'}, or give another store:  --redis redis://HOST:6379/0"


def _configuration(home: Path, address: Address) -> str:
    lines = {
        "daemonize": "yes",
        "dir": _quoted(str(home)),
        "pidfile": _quoted(str(home / "server.pid")),
        "logfile": _quoted(str(home / "server.log")),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "shutdown-timeout": "0",
        "port": str(address.port),
    }
    if address.path:
        lines |= {"unixsocket": _quoted(str(address.path)), "unixsocketperm": "700"}
    else:
        lines |= {"bind": "127.0.0.1", "requirepass": address.password}
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(text: str) -> str:
    plain = (chr(b) if 32 < b < 127 and b not in b"\"'\\" else f"\\x{b:02x}" for b in os.fsencode(text))
    return f'"{"".join(plain)}"'


def _with_login(address: Address, words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [("AUTH", address.password), words] if address.password else [words]


def _encoded(words: tuple[str, ...]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
    return b"".join(parts)


def _reply(stream: IO[bytes]) -> bytes | None:
    line = stream.readline().rstrip(b"\r\n")
    if line.startswith(b"$"):
        return stream.read(int(line[1:]) + 2)[:-2]
    return line.removeprefix(b"+") or None


def _tail(log: Path) -> list[str]:
    if not log.exists():
        return []
    return log.read_text(errors="replace").splitlines()[-8:]
