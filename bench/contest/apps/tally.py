"""What every contestant is given to do: nothing but to lengthen a file by one byte.

Appended by one write: right for threads, forks and processes of any number, and no trip to the store that
would count as the contestant's. Whoever looks at the size of the file knows how many are done. Little is
imported at once, as a fork copies what is loaded.
"""

import functools
import os

TALLY = os.environ.get("BENCH_TALLY", os.devnull)
PROGRAM = ("/bin/sh", "-c", f"printf . >> '{TALLY}'")


@functools.cache
def _file() -> int:
    return os.open(TALLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def nothing() -> None:
    """Return at once."""
    os.write(_file(), b".")


def program() -> None:
    """Start a program that does the same, its output captured."""
    import subprocess

    subprocess.run(PROGRAM, check=True, stdin=subprocess.DEVNULL, capture_output=True)


async def program_async() -> None:
    """The same from an event loop: in a thread, which takes less than the loop's own way to start one."""
    import asyncio

    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, program)
