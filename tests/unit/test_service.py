"""Starting and stopping what stays."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from jobboard.daemon.service import STOPPING, Signals, serve


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_stops_and_the_second_hurries(number: signal.Signals) -> None:
    with Signals() as signals:
        os.kill(os.getpid(), number)
        assert signals.stop.wait(10)
        assert not signals.hurry.is_set()
        os.kill(os.getpid(), number)
        assert signals.hurry.wait(10)


def test_former_handlers_come_back() -> None:
    former = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) is not former
    assert signal.getsignal(signal.SIGTERM) is former
    assert signal.set_wakeup_fd(-1) == -1


def test_daemons_run_side_by_side_until_stopped() -> None:
    stop, both = threading.Event(), threading.Barrier(3)

    def daemon(stop: threading.Event) -> None:
        both.wait(10)
        stop.wait()

    thread = threading.Thread(target=serve, args=({"a": daemon, "b": daemon}, stop))
    thread.start()
    both.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_one_that_fails_takes_the_others_along_and_its_error_is_raised() -> None:
    def failing(_: threading.Event) -> None:
        raise ValueError("no")

    def waiting(stop: threading.Event) -> None:
        assert stop.wait(10)

    with pytest.raises(ValueError, match="no"):
        serve({"waits": waiting, "fails": failing}, threading.Event())


def test_stopping_before_the_start_is_fine() -> None:
    stop = threading.Event()
    stop.set()
    seen: list[bool] = []
    serve({"a": lambda stop: seen.append(stop.is_set())}, stop)
    assert seen == [True]
