"""The interpreters that have the contestants installed: made here, from locks, and kept.

There are two, as arq does not go with the client library that others need. A lock pins every file by its
hash, and only wheels are taken: nothing is built. What an environment was made from stands in it, so that it
is made anew when its lock has changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = {name: ROOT / "bench" / f"{name}.lock" for name in ("peers", "peers-arq")}
FOLDER = ROOT / ".venv-peers"
_MADE_FROM = ".made-from"
_ANSWER_S = 15


class Missing(Exception):
    """An environment cannot be made; the text is a line that says why."""


def python_of(name: str, folder: Path = FOLDER) -> Path:
    """The interpreter of an environment, which is made if it is not there.

    Args:
        name: One of `LOCKS`.
        folder: Where they all are.

    Raises:
        Missing: It cannot be made.
    """
    here, lock = folder / name, LOCKS[name]
    python, made_from = here / "bin" / "python", here / _MADE_FROM
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not made_from.exists() or made_from.read_text() != digest:
        print(f"installing {lock.name} in {here.relative_to(folder.parent)}", flush=True)
        venv.create(here, clear=True, symlinks=True)
        _install(lock, python)
        made_from.write_text(digest)
    return python


def _install(lock: Path, python: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    impatient = ["--quiet", "--retries", "1", "--timeout", str(_ANSWER_S)]
    exact = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [*pip, "install", *impatient, *exact], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip said nothing"]
        why = next((line for line in reversed(said) if line.startswith("ERROR: ")), said[-1])
        raise Missing(f"{lock.name} is not installed (is there a network?): {why.removeprefix('ERROR: ')}")
