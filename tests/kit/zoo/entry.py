"""A command that writes into a ledger when it begins and when it ends, each line in one write.

Usage: entry.py LEDGER KIND [LOCK:CAPACITY ...]. For as long as it lives it occupies one of CAPACITY files
of each LOCK, which the kernel frees when it dies in whatever way; one that finds them all occupied says so in
the ledger, with the tokens of those it found there. What KIND does hangs on the fencing token, which is a new
one each time.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

LEDGER, KIND, *LOCKS = sys.argv[1:]
TOKEN = int(os.environ["JOBBOARD_FENCE"])
DEFERRED = 75

_book = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
_held: list[int] = []


def note(word: str, detail: object) -> None:
    attempt, run = os.environ["JOBBOARD_ATTEMPT"], os.environ["JOBBOARD_RUN_ID"]
    os.write(_book, f"{word} {run} {attempt} {TOKEN} {detail}\n".encode())


def occupy(name: str, capacity: int) -> list[str]:
    """Take a place; who was found in all of them, nobody where there was one."""
    found = []
    for place in range(capacity):
        file = os.open(f"{LEDGER}.{name}.{place}", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append(os.pread(file, 20, 0).decode())
            os.close(file)
        else:
            os.pwrite(file, f"{TOKEN:020}".encode(), 0)
            _held.append(file)
            return []
    return found


def work() -> int:
    if KIND == "failing" and TOKEN % 2:
        return 3
    if KIND == "deferring" and TOKEN % 2:
        return DEFERRED
    if KIND == "stuck" and TOKEN % 4 == 0:
        time.sleep(600)
    if LOCKS:
        time.sleep(0.01)
    return 0


note("begin", ",".join(LOCKS) or "-")
for lock in LOCKS:
    name, _, capacity = lock.partition(":")
    if found := occupy(name, int(capacity)):
        note("crowded", f"{name}={','.join(token.lstrip('0') for token in found)}")
code = work()
note("end", code)
sys.exit(code)
