"""Runner, agent or guard frozen at the worst of instants: whoever holds a lock holds it alone."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import pytest
from kit.gale import family
from kit.work import (
    board,
    finished,
    placed,
    reserved,
    running_with,
    start,
    until,
    word_of,
    working_process,
)

from jobboard.daemon.system import linux
from jobboard.store.calls.connect import Store
from jobboard.store.runs.runs import Runs
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.server import Server

GONE_WITHIN_S = 2.0
SHORT_LEASE_MS = 1_500


@pytest.fixture(autouse=True)
def holds_together(own_store: Store) -> Iterator[None]:
    """Whoever was frozen: nothing in the store contradicts anything else afterwards."""
    yield
    assert fsck.check(own_store) == []


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process for as long as the block lasts, if it lives so long."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def ticked(store: Store) -> None:
    """Do what a scheduler does, whom nothing keeps from reaping workers."""
    Runs(store).tick("s")


def is_lost(store: Store, run_id: str) -> bool:
    ticked(store)
    return bool(store.client.hget(store.key("run", run_id), "lost_token"))


class Tap:
    """A Unix socket in front of a server's, which lets an answer through and then no question about the same.

    Args:
        behind: The server's socket.
        path: Where clients connect.
        mark: What the answer speaks of.
        act: What is done just before it is let through.

    Attributes:
        asked: Released for each question that is held back.
        open: Set for questions to go through again.
    """

    def __init__(self, behind: Path, path: Path, mark: bytes, act: Callable[[], object]) -> None:
        self._behind, self._mark, self._act = str(behind), mark, act
        self.url = f"unix://{path}"
        self.asked, self.open = threading.Semaphore(0), threading.Event()
        self.open.set()
        self._caught = False
        self._ends: list[socket.socket] = [socket.socket(socket.AF_UNIX)]
        self._ends[0].bind(str(path))
        self._ends[0].listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._ends[0].accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._behind)
            self._ends += [client, server]
            for way in ((client, server, self._question), (server, client, self._answer)):
                threading.Thread(target=_carry, args=way, daemon=True).start()

    def _question(self, part: bytes) -> None:
        if self._mark in part and not self.open.is_set():
            self.asked.release()
            self.open.wait()

    def _answer(self, part: bytes) -> None:
        if self._mark in part and not self._caught:
            self._caught = True
            self._act()
            self.open.clear()


def _carry(source: socket.socket, target: socket.socket, look_at: Callable[[bytes], None]) -> None:
    """Carry bytes one way until either end is closed."""
    with suppress(OSError):
        while part := source.recv(1 << 16):
            look_at(part)
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_a_runner_that_was_frozen_with_a_run_in_its_hand_starts_it_no_more(
    own_server: Server, own_store: Store, tmp_path: Path
) -> None:
    """It was reserved just before; when the runner thaws, another worker has it and its lock."""
    ledger = tmp_path / "ledger"
    board(own_store, {"job": {"command": {"run": f"echo $JOBBOARD_FENCE >> {ledger}"}, "locks": {"db": 1}}})
    has_it = threading.Event()

    def freeze() -> None:
        child.send_signal(signal.SIGSTOP)
        has_it.set()

    with (
        Tap(own_server.socket, tmp_path / "tap", b"ops/job@", freeze) as tap,
        Store(tap.url, own_store.namespace) as tapped,
        working_process(tapped, tmp_path, lease_ms=SHORT_LEASE_MS) as child,
    ):
        run_id = start(own_store, "job")
        assert has_it.wait(10)
        until(lambda: is_lost(own_store, run_id))
        other = Runs(own_store)
        other.hello("o.1", host="h", pid=1, queues=["common"], slots=1, lease_ms=600_000, version="0")
        (taken,) = other.reserve("o.1", ["common"], 1)
        child.send_signal(signal.SIGCONT)
        # What it asks of the run is not answered; it has asked twice when it has given up an answer once.
        assert tap.asked.acquire(timeout=10)
        assert tap.asked.acquire(timeout=10)
        assert taken.run_id == run_id
        assert not ledger.exists()
        tap.open.set()
        other.give_back("o.1", [(run_id, taken.token)])
        other.bye("o.1")
        assert finished(own_store, run_id)["state"] == "ok"
    assert len(ledger.read_text().split()) == 1


@pytest.mark.parametrize("kind", ["deaf", "daemon", "bare"])
def test_with_a_frozen_agent_the_runner_ends_in_time_what_holds_locks(
    own_server: Server, own_store: Store, tmp_path: Path, kind: str
) -> None:
    with working_process(own_store, tmp_path, lease_ms=SHORT_LEASE_MS) as child:
        run_id = placed(own_store, kind, locks={"db": 1}, on_lost="fail", kill_after=600_000)
        with frozen(family(child.pid)["agent"]), frozen(own_server.process.pid):
            until(lambda: not running_with(word_of(own_store)))
        ended = finished(own_store, run_id)
    assert (ended["state"], ended["reason"]) == (
        "lost",
        "the store was out of reach, and the run holds locks",
    )


@pytest.mark.parametrize("kind", ["deaf", "forking"])
def test_a_frozen_agent_of_a_dead_runner_is_killed_with_all_it_has_started(
    own_store: Store, tmp_path: Path, kind: str
) -> None:
    with working_process(own_store, tmp_path, lease_ms=60_000) as child:
        run_id = placed(own_store, kind, locks={"db": 1}, on_lost="fail")
        with frozen(family(child.pid)["agent"]):
            child.kill()
            until(lambda: not running_with(word_of(own_store)))
            assert finished(own_store, run_id)["reason"] == "worker lost"


@pytest.mark.parametrize("kind", ["deaf", "bare", "forking"])
def test_what_a_dead_agent_has_left_ends_at_once_although_its_guard_is_frozen(
    own_store: Store, tmp_path: Path, kind: str
) -> None:
    with working_process(own_store, tmp_path, lease_ms=60_000) as child:
        run_id = placed(own_store, kind, locks={"db": 1}, on_lost="fail")
        members = family(child.pid)
        with frozen(members["guard"]):
            os.kill(members["agent"], signal.SIGKILL)
            until(lambda: not running_with(word_of(own_store)), GONE_WITHIN_S)
        assert finished(own_store, run_id)["reason"] == "the agent died"


def test_whoever_takes_over_ends_what_a_frozen_agent_has_started_and_nobody_could_tell(
    own_store: Store, tmp_path: Path
) -> None:
    with working_process(own_store, tmp_path, lease_ms=60_000) as child:
        run_id = placed(own_store, "bare", locks={"db": 1}, on_lost="fail")
        until(lambda: len(running_with(word_of(own_store))) == 2)
        members = family(child.pid)
        with frozen(members["agent"]), frozen(members["guard"]):
            child.kill()
            child.wait()
            with working_process(own_store, tmp_path, name="v"):
                assert finished(own_store, run_id)["state"] == "lost"
                assert not running_with(word_of(own_store))


def test_orders_of_a_dead_runner_are_not_carried_out_once_another_worker_has_taken_over(
    own_store: Store, tmp_path: Path
) -> None:
    """Agent and guard were frozen before, with an order that had not been read."""
    ledger = tmp_path / "ledger"
    job = {"command": {"run": f"echo $JOBBOARD_FENCE >> {ledger}"}, "locks": {"db": 1}}
    board(own_store, {"job": job, "first": {"command": {"run": "true"}}})
    with working_process(own_store, tmp_path, lease_ms=60_000) as child:
        finished(own_store, start(own_store, "first"))
        members = family(child.pid)
        with frozen(members["agent"]), frozen(members["guard"]):
            run_id = start(own_store, "job")
            reserved(own_store, run_id)
            child.kill()
            child.wait()
            with working_process(own_store, tmp_path, name="v"):
                ended = finished(own_store, run_id)
        until(lambda: members["agent"] not in linux.processes())
    assert ledger.read_text().split() == [str(ended["token"])]
