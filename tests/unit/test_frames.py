from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from jobboard.daemon.frames import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.daemon.frames import Message


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = socket.socketpair()
    near, far = Channel(ours), Channel(theirs)
    yield near, far
    near.close()
    far.close()


def file_of(text: str) -> int:
    """A descriptor that reads `text`."""
    read_end, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    return read_end


def text_of(fd: int) -> str:
    with os.fdopen(fd) as file:
        return file.read()


def test_messages_arrive_in_order_and_whole(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    sent = [{"n": n, "text": "ü\ud83d" * n} for n in range(50)]
    for message in sent:
        near.put(message)
    near.flush()
    assert far.take() == sent


def test_each_descriptor_arrives_with_its_message(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    for n in range(200):
        near.put({"n": n}, file_of(str(n)) if n % 3 else None)
    got: list[Message] = []
    while len(got) < 200:
        near.flush()
        got += far.take()
    assert [text_of(m["fd"]) for m in got if m["n"] % 3] == [str(n) for n in range(200) if n % 3]
    assert not any("fd" in m for m in got if m["n"] % 3 == 0)
    assert not any(os.get_inheritable(fd) for fd in [near.sock.fileno(), far.sock.fileno()])


def test_a_message_larger_than_the_socket_waits(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    text = "x" * 5_000_000
    near.put({"text": text}, file_of("with it"))
    near.put({"after": True})
    near.flush()
    assert near.waiting
    got = far.take()
    assert got == []
    while len(got) < 2:
        near.flush()
        got += far.take()
    assert got[0]["text"] == text
    assert text_of(got[0]["fd"]) == "with it"
    assert got[1] == {"after": True}
    assert not near.waiting


def test_the_end_is_noticed_and_what_was_sent_before_is_taken(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    near.put({"last": 1})
    near.flush()
    near.close()
    assert far.take() == [{"last": 1}]
    assert far.take() == []
    assert not far.open
    far.put({"too": "late"}, file_of(""))
    far.flush()
    assert not far.waiting


def test_closing_closes_what_was_under_way(ends: tuple[Channel, Channel]) -> None:
    near, _ = ends
    fd = file_of("")
    near.put({}, fd)
    near.close()
    near.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
