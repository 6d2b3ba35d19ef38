"""The one contract of everything that stays: it is run with an event, and returns soon after that is set.

A daemon is a callable ``run(stop: threading.Event) -> None``. It may be stopped before it starts and twice.
Here are the two things all of them share: the signals that stop a process, and running several daemons as one
program (`up`).
"""

from __future__ import annotations

import signal
import socket
import threading
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

    Run: TypeAlias = Callable[[threading.Event], None]

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """TERM and INT as events, others as calls, inside a ``with`` block of the main thread.

    The signal's own handler does nothing: it may interrupt any line, also one that holds a lock it would
    need. The interpreter writes the signal's number to a socket, and a thread sets the events.

    Attributes:
        stop: Set by the first signal: finish what runs.
        hurry: Set by the second: do not wait for it.

    Args:
        others: What else to catch. Each does nothing until `answer` says what it means.
    """

    def __init__(self, others: Iterable[signal.Signals] = ()) -> None:
        self._others = tuple(others)
        self._answers: dict[int, Callable[[], None]] = {}
        self.stop = threading.Event()
        self.hurry = threading.Event()

    def __enter__(self) -> Self:
        self._told, self._teller = socket.socketpair()
        self._teller.settimeout(0)
        self._former_fd = signal.set_wakeup_fd(self._teller.fileno(), warn_on_full_buffer=False)
        self._former = {number: signal.signal(number, _ignore) for number in (*STOPPING, *self._others)}
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        signal.set_wakeup_fd(self._former_fd)
        self._teller.close()
        self._thread.join()
        self._told.close()

    def answer(self, answers: Mapping[int, Callable[[], None]]) -> None:
        """Say what signals among `others` mean; what is called is called in a thread of its own."""
        self._answers.update(answers)

    def _listen(self) -> None:
        while numbers := self._told.recv(64):
            for number in numbers:
                if number in STOPPING:
                    self._stop()
                elif number in self._answers:
                    self._answers[number]()

    def _stop(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


def serve(daemons: Mapping[str, Run], stop: threading.Event) -> None:
    """Run daemons side by side, each in a thread of its own, until all have returned.

    When one returns, for whatever reason, the others are stopped: half a program helps nobody.

    Raises:
        BaseException: What the first daemon that failed failed with.
    """
    failures: list[BaseException] = []

    def guarded(run: Run) -> None:
        try:
            run(stop)
        except BaseException as error:  # noqa: BLE001 # it is raised again below, in the caller's thread
            failures.append(error)
        finally:
            stop.set()

    threads = [threading.Thread(target=guarded, args=(run,), name=name) for name, run in daemons.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Takes the place of the default, which would end the process."""
