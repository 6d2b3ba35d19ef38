"""What a worker has room for."""

from __future__ import annotations

import argparse
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobboard import errors
from jobboard.cli.daemons import add_worker_options, serving_of
from jobboard.core.names import is_queue, queue_of_host
from jobboard.daemon.worker.serving import Serving

HERE = queue_of_host(socket.gethostname())


def told(*words: str) -> Serving:
    parser = argparse.ArgumentParser()
    add_worker_options(parser)
    return serving_of(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "queues", "slots", "own"),
    [
        (("--slots", "3"), ("common", HERE), 3, {}),
        (("--queue", "a=4", "--queue", "b=1"), ("a", "b", HERE), 5, {"a": 4, "b": 1}),
        (("--queue", "a=4", "--queue", "b", "--slots", "6"), ("a", "b", HERE), 6, {"a": 4}),
        (("--queue", "a=4", "--slots", "2"), ("a", HERE), 2, {"a": 4}),
        (("--queue", "a", "--queue", "a", "--slots", "1"), ("a", HERE), 1, {}),
        (("--queue", "@web-2", "--slots", "1"), ("@web-2", HERE), 1, {}),
    ],
)
def test_queues_and_their_slots_are_read(
    words: tuple[str, ...], queues: tuple[str, ...], slots: int, own: dict[str, int]
) -> None:
    serving = told(*words)
    assert (serving.queues, serving.slots, serving.own_slots) == (queues, slots, own)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queue", "a b"), "'a b' is no queue's name"),
        (("--queue", "a=0"), "'0' is no number of runs"),
        (("--queue", "a="), "'' is no number of runs"),
        (("--queue", "a=many"), "'many' is no number of runs"),
        (("--queue", "a=1", "--queue", "a=2"), "--queue a is given two numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(errors.UsageError, match=said):
        told(*words)


@pytest.mark.parametrize("host", ["web-2", "WEB_2.example.org", "ümlaut", "", "-x-", "a" * 200])
def test_every_host_has_a_queue(host: str) -> None:
    assert is_queue(queue_of_host(host))


queues = st.sampled_from(["a", "b", "c"])


@given(
    slots=st.integers(1, 6),
    own=st.dictionaries(queues, st.integers(1, 4)),
    held=st.lists(queues, max_size=6),
)
def test_room_is_what_taking_one_after_another_finds(
    slots: int, own: dict[str, int], held: list[str]
) -> None:
    serving = Serving(("a", "b", "c"), slots, own)
    room, taken = serving.room(held), list(held)
    while takers := [queue for queue in serving.queues if serving.takes(queue, taken)]:
        taken.append(takers[0])
    assert len(taken) - len(held) == room
    rooms: Any = serving.rooms(held)
    assert (rooms is None) == (not own)
    for queue, left in zip(serving.queues, rooms or [slots] * 3, strict=True):
        assert serving.takes(queue, held) == (left > 0 and len(held) < slots)
