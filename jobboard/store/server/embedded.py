"""The store that needs no set-up: a Valkey of our own, shared by all commands of a user.

It lives exactly as long as somebody uses it. Three lock files in its directory say who does; the kernel
lets go of them whoever dies how, so nothing has to be cleaned up:

- ``clients.lock`` is held shared by every client.
- ``start.lock`` is held while one client starts the server, or ends it.
- ``server.lock`` is held by the server process itself, which inherits it, and so by nobody else while a
  server still writes the directory's files.

To open is to take ``start.lock``, then ``clients.lock`` shared; to use the server that answers; else to
wait until ``server.lock`` is free and start one. To close is to take ``start.lock`` and try ``clients.lock``
exclusively: who gets it is the last, takes the server's address away, so that nobody newly connects, and
sends SIGTERM. A server that a killed client left behind is adopted, and so ended, by the next.

Never do these: remove a lock file; unlock ``server.lock`` here (the lock is one with the server's); signal a
server without holding both other locks.
"""

from __future__ import annotations

import errno
import os
import signal
import time
import weakref
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from jobboard import clock, errors
from jobboard.store.server.binary import usable_binary
from jobboard.store.server.locks import LockFile
from jobboard.store.server.server import Address, ServerDown, launch, server_of, state_of, tell

if TYPE_CHECKING:
    from pathlib import Path

# A server that loads a large file may take minutes, and says so all the while.
_START_S = 120.0
# The server looks at SIGTERM every 100 ms; ending takes it as long as one write to disk does.
_END_S = 15.0
# Another client holds `start.lock` for as long as it starts or ends the server.
_TURN_S = _START_S + _END_S
# Who leaves does not wait for long: whoever holds `start.lock` then uses the server and ends it later.
_LEAVE_S = 2.0
_POLL_S = 0.002

_leases: weakref.WeakSet[EmbeddedLease] = weakref.WeakSet()


class EmbeddedLease:
    """The right to use the embedded server of a directory; it runs at least until `close`.

    Attributes:
        url: Where it is; holds the password, where it needs one.
        version: The server's version.
        started_in_s: Seconds it took to start; None where it was running already.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._clients = LockFile(home / "clients.lock")
        self._open = False
        self.started_in_s: float | None = None
        with ExitStack() as undo:
            undo.callback(self._clients.close)
            with _turn(home, _TURN_S):
                # Held alone only by who holds `start.lock`, and that is us.
                if not self._clients.acquire_shared(_END_S):
                    raise _stuck(home)
                self._address = self._running() or self._start(Address.chosen(home))
            self.url = self._address.url
            self.version = server_of(self._address)
            undo.pop_all()
        self._open = True
        _leases.add(self)

    def ensure_running(self) -> bool:
        """Start the server again where it has died, at the same address; whether that was so.

        Raises:
            errors.StoreUnreachable: It neither runs nor starts.
        """
        if not self._open:
            return False
        with _turn(self._home, _TURN_S):
            return not self._running() and bool(self._start(self._address))

    def close(self) -> None:
        """Let go; the last one sends the server SIGTERM and does not wait. Safe to call twice."""
        if not self._open:
            return
        self._open = False
        try:
            with _turn(self._home, _LEAVE_S):
                if self._clients.try_exclusive():
                    _end_server(self._home)
        except errors.StoreUnreachable:
            pass  # Whoever starts a server this long is a client that will end it.
        finally:
            self._clients.close()

    def abandon(self) -> None:
        """Close our copies of the descriptors and no more: what a forked child does with its parent's."""
        self._open = False
        self._clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _running(self) -> Address | None:
        """The server that runs already; None once it is certain that none does."""
        deadline = clock.monotonic_s() + _END_S
        ending = False
        while _server_alive(self._home):
            address = Address.published(self._home)
            if address is None and not ending:
                # Nobody can be connected to it: its last client was killed while ending it, or its first
                # one while starting it.
                _terminate(self._home)
                ending = True
            if address is not None and self._ready(address, deadline):
                return address
            if clock.monotonic_s() > deadline:
                raise _stuck(self._home)
            time.sleep(_POLL_S)
        return None

    def _ready(self, address: Address, deadline: float) -> bool:
        """Whether it answers; what loads its data is waited for beyond the deadline."""
        while (state := state_of(address)) == "loading":
            if clock.monotonic_s() > deadline + _START_S:
                raise _stuck(self._home)
            time.sleep(_POLL_S)
        return state == "ready"

    def _start(self, address: Address) -> Address:
        began = clock.monotonic_s()
        Address.withdraw(self._home)
        binary = usable_binary()
        with LockFile(self._home / "server.lock") as held_by_server:
            # Somebody may just be looking whether it is held.
            if not held_by_server.acquire_exclusive(_END_S):
                raise _stuck(self._home)
            launch(binary, self._home, address, held_by_server.fileno())
        address.publish(self._home)
        try:
            self._await_ready(address)
        except BaseException:
            # Interrupted or failed: what was started is ended, rather than left for the next to find.
            _end_server(self._home)
            raise
        self.started_in_s = clock.monotonic_s() - began
        return address

    def _await_ready(self, address: Address) -> None:
        deadline = clock.monotonic_s() + _START_S
        while state_of(address) != "ready":
            if not _server_alive(self._home):
                raise ServerDown(self._home).explained()
            if clock.monotonic_s() > deadline:
                raise _stuck(self._home)
            time.sleep(_POLL_S)


def open_embedded(home: Path) -> EmbeddedLease:
    """Use the embedded server of that directory; start it where it does not run.

    Raises:
        errors.StoreUnreachable: There is no server to start, or it does not start; the hint says why.
    """
    try:
        return EmbeddedLease(_private(store_directory(home)))
    except OSError as error:
        raise errors.StoreUnreachable(
            f"the embedded store cannot use {home}: {error.strerror or error}",
            "Set JOBBOARD_HOME to a local directory of yours with room in it",
        ) from error


def store_directory(home: Path) -> Path:
    """Where in our home directory the server, its files and its locks are."""
    return home / "store"


def _private(directory: Path) -> Path:
    """That directory, made where it is missing, closed to others: who reaches the socket runs jobs as us."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it belongs to another user")
    directory.chmod(0o700)
    return directory


def await_end(home: Path, timeout_s: float = _END_S) -> bool:
    """Wait until no server writes in that home, as before removing it. Whether that came to be."""
    deadline = clock.monotonic_s() + timeout_s
    while _server_alive(store_directory(home)):
        if clock.monotonic_s() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _turn(home: Path, timeout_s: float) -> LockFile:
    lock = LockFile(home / "start.lock")
    if not lock.acquire_exclusive(timeout_s):
        lock.close()
        raise errors.StoreUnreachable(
            f"another jobboard command has been starting the embedded store in {home} for {timeout_s:.0f}s",
            "End it, or look at why it hangs",
        )
    return lock


def _server_alive(home: Path) -> bool:
    if not (home / "server.lock").exists():
        return False
    with LockFile(home / "server.lock") as lock:
        return not lock.try_exclusive()


def _end_server(home: Path) -> None:
    address = Address.published(home)
    if address is not None and _server_alive(home):
        # It obeys this at once, a signal only when it next looks, up to 100 ms later.
        tell(address, "SHUTDOWN", "NOSAVE")
    Address.withdraw(home)
    if _server_alive(home):
        _terminate(home)


def _terminate(home: Path) -> None:
    """SIGTERM to the server of that directory, which must be alive: then its pid file is its own."""
    pid = _pid_of(home)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _pid_of(home: Path) -> int | None:
    try:
        return int((home / "server.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _stuck(home: Path) -> errors.StoreUnreachable:
    pid = _pid_of(home)
    return errors.StoreUnreachable(
        f"the embedded store's server{f' (process {pid})' if pid else ''} neither answers nor ends",
        f"kill -9 {pid}   (nothing that was confirmed is lost)" if pid else f"Look at {home / 'server.log'}",
    )


def _abandon_all() -> None:
    for lease in list(_leases):
        lease.abandon()


# A forked child would otherwise hold its parent's leases for as long as it lives.
os.register_at_fork(after_in_child=_abandon_all)
