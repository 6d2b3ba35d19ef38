"""Process trees that try to get away; every process in one shows the word given on its command line.

Usage: tree.py KIND WORD. A process that is in place writes a line; the first one then stays, unless it is
said otherwise.
"""

from __future__ import annotations

import os
import signal
import sys
import time

WORD = sys.argv[2]


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def stay() -> None:
    while True:
        signal.pause()


def spawn(kind: str) -> int:
    """Another process of this program, with its own command line."""
    return os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-S", __file__, kind, WORD])


def ignore_term() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def leaf() -> None:
    say("leaf")
    stay()


def deaf() -> None:
    ignore_term()
    say("deaf")
    stay()


def daemon() -> None:
    """Forks twice into a session of its own; the process in between is gone."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-S", __file__, "deaf", WORD])
        os._exit(0)
    os.wait()
    stay()


def bare() -> None:
    """Like daemon, and with an empty environment."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-S", __file__, "deaf", WORD], {})
        os._exit(0)
    os.wait()
    stay()


def closed() -> None:
    """Closes its standard streams and stays."""
    say("closed")
    for fd in (0, 1, 2):
        os.close(fd)
    ignore_term()
    stay()


def forking() -> None:
    """Starts a child a hundred times a second, and each child outlives it; none heeds TERM."""
    ignore_term()
    say("forking")
    while True:
        if os.fork() == 0:
            os.setsid()
            while True:
                signal.pause()
        time.sleep(0.01)


def crowd() -> None:
    """Three hundred children."""
    for _ in range(300):
        if os.fork() == 0:
            ignore_term()
            stay()
    say("crowd")
    stay()


def leaver() -> None:
    """Ends well and leaves a child behind that holds its output."""
    spawn("leaf")
    say("left")


def chatty() -> None:
    """Ends well and leaves a child behind that never stops writing."""
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-S", __file__, "chatter", WORD])
    say("left")


def chatter() -> None:
    while True:
        os.write(1, b"still here\n")
        time.sleep(0.01)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
