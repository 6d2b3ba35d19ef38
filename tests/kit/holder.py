"""Runs as a process of its own: ``python holder.py HOME [fork]`` holds a lease on the embedded store.

It says one line, ``STARTED RUN_ID`` (STARTED is 1 where it started the server), and keeps the lease until a
line comes in. With ``fork`` it has two children before it says so, which live until its input ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from jobboard.store.server.embedded import open_embedded, store_directory
from jobboard.store.server.server import Address, say


def run_id_of(home: Path) -> str:
    address = Address.published(store_directory(home))
    assert address is not None
    said = say(address, "INFO", "server") or b""
    (line,) = (line for line in said.decode().splitlines() if line.startswith("run_id:"))
    return line.removeprefix("run_id:")


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    home = Path(sys.argv[1])
    lease = open_embedded(home)
    if sys.argv[2:] == ["fork"]:
        have_children()
    tell(f"{int(lease.started_in_s is not None)} {run_id_of(home)}")
    sys.stdin.readline()
    lease.close()


def have_children() -> None:
    """A command that inherits all it can, and a forked copy of this process."""
    command = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False)
    awaiting, running = os.pipe()
    if os.fork() == 0:
        os.close(1)
        os.write(running, b"!")
        sys.stdin.read()
        command.communicate()
        os._exit(0)
    os.read(awaiting, 1)


if __name__ == "__main__":
    main()
