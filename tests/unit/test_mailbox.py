"""A letter box: what is put in wakes whoever polls it, and comes out in order."""

from __future__ import annotations

import select
import threading

from jobboard.daemon.worker.mailbox import Mailbox


def _poll(box: Mailbox[int], timeout_ms: int) -> bool:
    poll = select.poll()
    poll.register(box, select.POLLIN)
    return bool(poll.poll(timeout_ms))


def test_what_is_put_in_comes_out_in_order_and_once() -> None:
    box: Mailbox[int] = Mailbox()
    assert not _poll(box, 0)
    box.put(1)
    box.put(2)
    assert _poll(box, 0)
    assert box.take() == [1, 2]
    assert not _poll(box, 0)
    assert box.take() == []
    box.close()


def test_what_is_laid_in_wakes_nobody_until_it_is_to() -> None:
    box: Mailbox[int] = Mailbox()
    box.lay(1)
    box.lay(2)
    assert not _poll(box, 0)
    box.wake()
    assert _poll(box, 0)
    assert box.take() == [1, 2]
    box.lay(3)
    box.put(4)
    assert _poll(box, 0)
    assert box.take() == [3, 4]
    box.close()


def test_another_thread_wakes_it() -> None:
    box: Mailbox[int] = Mailbox()
    putting = threading.Thread(target=box.put, args=(1,))
    putting.start()
    assert _poll(box, 30_000)
    assert box.take() == [1]
    putting.join()
    box.close()


def test_more_than_its_pipe_holds_gets_through() -> None:
    box: Mailbox[int] = Mailbox()
    for number in range(100_000):
        box.put(number)
    assert box.take() == list(range(100_000))
    box.close()


def test_what_comes_after_the_end_is_lost() -> None:
    box: Mailbox[int] = Mailbox()
    box.close()
    box.put(1)
