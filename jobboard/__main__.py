"""``python -m jobboard`` and the ``jobboard`` command: a process that does one command and ends.

Nearly all that a command makes, its modules first, lives as long as its process. Looking there for garbage,
while it grows and once more as the interpreter ends, took a fifth of the time of a short command.
"""

import gc
import os
import sys

from jobboard.cli.main import main as command

GROWN = 100_000
"""Objects more than at the last look, from which on the next is worth its time; a daemon gets there too."""


def main() -> int:
    """Do the command of this process; its exit code."""
    gc.set_threshold(GROWN)
    _have_streams()
    try:
        return command()
    finally:
        # What is frozen is not looked through when the interpreter ends; what needs closing is closed.
        gc.freeze()


def _have_streams() -> None:
    """Let what is printed go nowhere where a standard stream is closed: Python has None for it then."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
