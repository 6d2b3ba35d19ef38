"""Both ways to carry a call out answer alike; the shared one keeps many threads' calls apart."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from kit.server import Server, fresh_namespace

from jobboard import errors
from jobboard.core.names import address_of
from jobboard.store.calls.connect import Store
from jobboard.store.calls.multiplexed import MOST
from jobboard.store.runs.pushes import Parcel, push
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 16
EACH = 40


@pytest.fixture(params=["blocking", "shared"])
def calling(request: pytest.FixtureRequest, store: Store) -> Iterator[Store]:
    """The test's store over each transport."""
    with store.again(shared=request.param == "shared") as opened:
        yield opened


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may stop or kill."""
    running = Server()
    yield running
    running.process.send_signal(signal.SIGCONT)
    running.remove()


def parcel(name: str) -> Parcel:
    """A run called ``push/t@NAME`` that waits in a queue nobody serves."""
    return Parcel(address_of("push", "t"), {"command": {"exec": ["true"]}, "queue": "unserved"}, id=name)


def test_an_answer_is_decoded(calling: Store) -> None:
    (made,) = push(calling, [parcel("one")], by="me")
    assert (made.run_id, made.outcome) == ("push/t@one", "pushed")


def test_a_script_the_server_has_forgotten_is_sent_again(calling: Store) -> None:
    push(calling, [parcel("one")], by="me")
    calling.client.script_flush()
    (again,) = push(calling, [parcel("one")], by="me")
    assert again.outcome == "already"


def test_many_calls_are_sent_before_one_is_answered(calling: Store) -> None:
    waiting = [calling.submit("overview", addresses=[]) for _ in range(200)]
    assert {answer()[0] for answer in waiting} == {"OK"}


def test_what_the_server_refuses_is_explained(calling: Store) -> None:
    calling.client.set(calling.key("sched"), "no sorted set")
    with pytest.raises(errors.StoreRefused, match="something else than jobboard wrote"):
        calling.call("overview", addresses=["b/j"])


def test_another_format_is_refused(calling: Store) -> None:
    calling.client.hset(calling.key("meta"), "format", "9.0")
    with pytest.raises(errors.WrongFormat, match=r"has format 9\.0"):
        push(calling, [parcel("one")], by="me")


def test_threads_get_their_own_answers(store: Store) -> None:
    with store.again(shared=True) as shared, ThreadPoolExecutor(THREADS) as threads:

        def make(thread: int) -> list[tuple[str, str]]:
            made = [push(shared, [parcel(f"{thread}-{n}")], by="me")[0] for n in range(EACH)]
            return [(run.run_id, run.outcome) for run in made]

        for thread, made in enumerate(threads.map(make, range(THREADS))):
            assert made == [(f"push/t@{thread}-{n}", "pushed") for n in range(EACH)]
    assert store.client.zcard(store.key("queue", "unserved")) == THREADS * EACH
    assert check(store) == []


def test_a_scripts_first_calls_race(store: Store) -> None:
    """Calls that were sent before the server had the script are each repeated with its text."""
    store.client.script_flush()
    with store.again(shared=True) as shared:
        waiting = [shared.submit("overview", addresses=[]) for _ in range(500)]
        assert all(answer()[0] == "OK" for answer in waiting)


def test_calls_beyond_the_bound_wait_for_room(own_server: Server) -> None:
    with Store(own_server.url, fresh_namespace(), shared=True) as shared:
        shared.call("overview", addresses=[])
        own_server.process.send_signal(signal.SIGSTOP)
        waiting = [shared.submit("overview", addresses=[]) for _ in range(MOST)]
        submitted = threading.Event()

        def one_more() -> None:
            answer = shared.submit("overview", addresses=[])
            submitted.set()
            answer()

        thread = threading.Thread(target=one_more)
        thread.start()
        assert not submitted.is_set()
        own_server.process.send_signal(signal.SIGCONT)
        assert all(answer()[0] == "OK" for answer in waiting)
        thread.join(timeout=30)
        assert submitted.is_set()


@pytest.mark.parametrize("shared", [False, True])
def test_a_server_that_says_nothing_is_given_up(own_server: Server, shared: bool) -> None:
    with Store(own_server.url, fresh_namespace(), timeout_s=0.2, shared=shared) as opened:
        opened.call("overview", addresses=[])
        own_server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(errors.StoreUnreachable, match="no answer"):
            opened.call("overview", addresses=[])
        own_server.process.send_signal(signal.SIGCONT)
        assert opened.call("overview", addresses=[])[0] == "OK"


def test_a_dead_server_fails_every_call_under_way(own_server: Server) -> None:
    with Store(own_server.url, fresh_namespace(), shared=True) as shared:
        shared.call("overview", addresses=[])
        own_server.process.send_signal(signal.SIGSTOP)
        waiting = [shared.submit("overview", addresses=[]) for _ in range(50)]
        own_server.kill()
        for answer in waiting:
            with pytest.raises(errors.StoreUnreachable):
                answer()
        with pytest.raises(errors.StoreUnreachable):
            shared.call("overview", addresses=[])
        own_server.start()
        assert shared.call("overview", addresses=[])[0] == "OK"


def test_closing_ends_calls_under_way(own_server: Server) -> None:
    shared = Store(own_server.url, fresh_namespace(), shared=True)
    shared.call("overview", addresses=[])
    own_server.process.send_signal(signal.SIGSTOP)
    answer = shared.submit("overview", addresses=[])
    shared.close()
    shared.close()
    with pytest.raises(errors.StoreUnreachable):
        answer()
