"""Start a program of this package by its name: ``python start.py http``, a file and not a module. One that is
not among the runners is named with its package.

The directory and the environment of a run are the job's, so neither may decide which `jobboard` is found; and
what is next to this file must not stand in for modules of the standard library.
"""

import importlib
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def main() -> int:
    """Start the program named first; the others are its arguments."""
    here = str(Path(__file__).parent)
    sys.path[:] = [path for path in sys.path if path != here]
    sys.path.insert(0, str(_PACKAGE.parent))
    importlib.import_module("jobboard")
    # From now on the package knows where its modules are.
    del sys.path[0]
    name = sys.argv[1]
    program = importlib.import_module(f"jobboard.{name}" if "." in name else f"jobboard.runners.{name}")
    return int(program.main(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
