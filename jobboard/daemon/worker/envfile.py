"""Files of NAME=VALUE lines, as ``env_files`` names them.

A line is a name, ``=`` and a value to the end of the line; a value may stand in single or double quotes.
Empty lines and those that begin with ``#`` say nothing, and an ``export`` in front is passed over, so that a
shell may read the same file. Nothing in a value is expanded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_BYTES = 1 << 20
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_OWN = "JOBBOARD_"
# Characters. Files hold modes and ports beside passwords, and an output without `debug` says little.
_SHORTEST_SECRET = 8


class BadFile(Exception):
    """A file is missing or cannot be read as such; the message names it."""


def may_be_secret(value: str) -> bool:
    """Whether a value of a file is masked in output."""
    return len(value) >= _SHORTEST_SECRET


def read_files(names: Sequence[str], folder: str | None) -> dict[str, str]:
    """The variables of several files, later ones winning.

    Args:
        names: Their paths; one with ``-`` in front may be missing.
        folder: What relative paths start from; None for where this process is.

    Raises:
        BadFile: One is missing, unreadable or not of this form.
    """
    values: dict[str, str] = {}
    for name in names:
        path = Path(folder or ".") / name.removeprefix("-")
        try:
            with path.open("rb") as file:
                raw = file.read(_LONGEST_BYTES + 1)
        except FileNotFoundError as error:
            if not name.startswith("-"):
                raise BadFile(f"env_files: there is no {path} where the worker runs") from error
            continue
        except OSError as error:
            raise BadFile(f"env_files: {path} cannot be read: {error.strerror}") from error
        if len(raw) > _LONGEST_BYTES:
            raise BadFile(f"env_files: {path} is over 1 MiB")
        values.update(parse(raw.decode("utf-8", "surrogateescape"), str(path)))
    return values


def parse(text: str, shown: str) -> dict[str, str]:
    """The variables of one file's text.

    Raises:
        BadFile: A line is none of the form.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None or "\0" in stripped or found[1].startswith(_OWN):
            raise BadFile(f"env_files: line {number} of {shown} is not NAME=VALUE")
        values[found[1]] = _unquoted(found[2])
    return values


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
