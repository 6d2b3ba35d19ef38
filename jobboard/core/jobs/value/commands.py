"""What a command is started with, and what is kept of what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken, refused
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.jobs.value.plain import read_map
from jobboard.core.jobs.value.spans import read_positive
from jobboard.core.size import parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Path

_REFERENCE = re.compile(r"(?<!\$)\$\{(env|file):([^}]*)\}?")
_OWN_NAME = "JOBBOARD_"
_LOG_SIZES = (1 << 10, 1 << 40)


def read_run(value: str, path: Path, faults: list[Fault]) -> Any:
    """A shell's command line."""
    if not value.strip():
        return broken(faults, Fault(path, "the command is empty"))
    return _command_word(value, path, faults)


def read_exec(value: list[str | int], path: Path, faults: list[Fault]) -> Any:
    """A program and its arguments, as texts."""
    words = [_command_word(str(word), (*path, index), faults) for index, word in enumerate(value)]
    if not words[0]:
        return broken(faults, Fault((*path, 0), "the program's name is empty"))
    return BROKEN if BROKEN in words else words


def _command_word(text: str, path: Path, faults: list[Fault]) -> Any:
    found = _REFERENCE.search(text)
    if found is None:
        return read_text(text, path, faults)
    name = found[2] if found[1] == "env" else "NAME"
    hint = f'Write  env: {{{name}: "{found[0]}"}}  and use the variable {name}'
    message = f"{found[0]} is not resolved in a command"
    return broken(faults, Fault(path, message, hint, offset=found.start()))


def read_text(value: str, path: Path, faults: list[Fault]) -> Any:
    """Text that a process is started with: the system ends such text at a zero byte."""
    if "\0" in value:
        return broken(faults, Fault(path, "a zero byte cannot be passed to a command"))
    return value


def read_env(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """The environment of runs: texts by name, None for what is taken away."""
    texts = read_map(value, path, faults)
    for name, text in value.items():
        if name.startswith(_OWN_NAME):
            hint = "Every run gets its JOBBOARD_ variables from jobboard; choose another name"
            texts = broken(faults, KeyFault((*path, name), f"{name} is not yours to set", hint))
        elif isinstance(text, str) and "${env:" + _OWN_NAME in text:
            texts = broken(faults, Fault((*path, name), f"jobboard's own environment stays out of {name}"))
        elif text is not None and read_text(str(text), (*path, name), faults) is BROKEN:
            texts = BROKEN
    return texts


def read_inherit(value: list[str], path: Path, faults: list[Fault]) -> Any:
    """Names of what is passed on of the worker's environment, sorted."""
    for index, name in enumerate(value):
        if name.startswith(_OWN_NAME):
            return broken(faults, Fault((*path, index), f"{name} is not passed on to commands"))
    return sorted(set(value))


def read_user(value: str | int, path: Path, faults: list[Fault]) -> Any:
    """A user by name or number, as text."""
    return read_text(str(value), path, faults)


def read_umask(value: str, path: Path, faults: list[Fault]) -> str:  # noqa: ARG001
    """A file mode mask of three octal digits."""
    return value[-3:]


def read_env_files(value: str | list[str], path: Path, faults: list[Fault]) -> Any:
    """The files that an environment is read from, in their order."""
    names = [value] if isinstance(value, str) else list(value)
    return BROKEN if BROKEN in [read_text(name, path, faults) for name in names] else names


def read_limits(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """What a process may use, by kind: ms for time, bytes for room, None for no limit."""
    read = {name: _read_limit(value[name], (*path, name), faults) for name in sorted(value)}
    return BROKEN if BROKEN in read.values() else read


def _read_limit(value: Any, path: Path, faults: list[Fault]) -> Any:
    if value is None:
        return None
    if path[-1] == "cpu":
        return read_positive(value, path, faults)
    try:
        return parse_size(value)
    except ValueError as error:
        return refused(error, path, faults)


def read_logs(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """How much is kept of what runs print, and for how long: bytes and ms."""
    read = {name: _read_log_part(value[name], (*path, name), faults) for name in sorted(value)}
    return BROKEN if BROKEN in read.values() else read


def _read_log_part(value: Any, path: Path, faults: list[Fault]) -> Any:
    if value is None or path[-1] in ("split", "on_success", "to", "keep_runs"):
        return value
    if path[-1] != "max_size":
        return read_positive(value, path, faults)
    least, most = _LOG_SIZES
    size = _read_limit(value, path, faults)
    if size is not BROKEN and not least <= size <= most:
        return broken(
            faults,
            Fault(
                path,
                "what is kept of an attempt's output is from 1K to 16M, in files to 1T",
                "Write  max_size: 1M",
            ),
        )
    return size
