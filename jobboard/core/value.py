"""One key of a job, from what a person wrote to its canonical value.

Every reader takes a value of valid shape (the schema has seen to that), the path to it, and a list that it
adds its faults to; it returns the canonical value, or `BROKEN` where there is none. A reader knows its own
key and nothing of the others; what keys mean together is `core.resolve`'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from jobboard.core import handler, request
from jobboard.core.broken import BROKEN, Broken
from jobboard.core.broken import broken as _broken
from jobboard.core.cron import CronError, normalise_cron
from jobboard.core.diagnostic import Fault, KeyFault, Path
from jobboard.core.duration import parse_duration
from jobboard.core.model import DEFAULT_DEFER, DEFAULT_RETRIES, UNLIMITED
from jobboard.core.names import is_address, is_name
from jobboard.core.size import parse_size
from jobboard.core.zone import UnknownZone, find_zone

Reader: TypeAlias = Callable[[Any, Path, list[Fault]], Any]


# POSIX.1-2017, signal.h, and the ones Linux adds; a board must mean the same on every platform.
_SIGNAL_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN"
    " TTOU URG XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS"
)
SIGNALS = frozenset("SIG" + name for name in _SIGNAL_NAMES.split(" "))

WINDOWS: Mapping[str, str] = MappingProxyType({"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1"})
"""Names of windows, and the expressions they stand for: a week begins on Monday."""
_NEED_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {"fresh": "latest", "on": "success", "on_timeout": "skip"}
)

_REFERENCE = re.compile(r"(?<!\$)\$\{(env|file):([^}]*)\}?")
_CODES = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")
_OWN_NAME = "JOBBOARD_"


def read_duration(value: Any, path: Path, faults: list[Fault]) -> Any:
    """A span as ms."""
    try:
        return _duration_ms(value) if isinstance(value, str) else parse_duration(value)
    except ValueError as error:
        return _refuse(error, path, faults)


def _read_positive(value: Any, path: Path, faults: list[Fault]) -> Any:
    span_ms = read_duration(value, path, faults)
    if span_ms == 0:
        free = path[-1] in ("timeout", "heartbeat", "cpu")
        hint = "Leave the key out for no limit" if free else "Write  1s  or more"
        return _broken(faults, Fault(path, f'"{path[-1]}" must be longer than nothing', hint))
    return span_ms


def _read_jitter(value: Any, path: Path, faults: list[Fault]) -> Any:
    """A span as ms, or what stands for one that each run has anew."""
    if not isinstance(value, Mapping) or not {"max", "per"} & value.keys():
        return read_duration(value, path, faults)
    if value.keys() - {"max", "per"} or "max" not in value:
        hint = "Write  jitter: {max: 10m, per: run}"
        return _broken(
            faults, Fault(path, "a jitter that says per what says its max, and nothing else", hint)
        )
    most_ms = read_duration(value["max"], (*path, "max"), faults)
    if value.get("per") != "run" or most_ms in (0, BROKEN):
        return most_ms
    return {"max": most_ms, "per": "run"}


def _read_decay(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    read: dict[str, Any] = {}
    for key, given in value.items():
        read[key] = given if key == "factor" else _read_positive(given, (*path, key), faults)
    for key in ("factor", "step"):
        if key not in read:
            hint = "Write  decay: {factor: 2, step: 1h, max: 1d}"
            return _broken(faults, KeyFault(path, f'"decay" has no "{key}"', hint))
    factor = read["factor"]
    read["factor"] = int(factor) if factor == int(factor) else factor
    return BROKEN if BROKEN in read.values() else dict(sorted(read.items()))


@lru_cache(maxsize=4096)
def _duration_ms(text: str) -> int:
    return parse_duration(text)


def _read_cron(value: str | list[str], path: Path, faults: list[Fault]) -> Any:
    """Expressions as written, refused for what is wrong whatever `seconds` and `days` say beside them."""
    count = len(faults)
    for index, text in enumerate([value] if isinstance(value, str) else value):
        if len(text.split()) == 6:
            continue
        try:
            normalise_cron(text, days="or")
        except CronError as error:
            place = path if isinstance(value, str) else (*path, index)
            faults.append(Fault(place, error.message, error.hint, offset=error.column))
    return value if len(faults) == count else BROKEN


def read_zone(value: str, path: Path, faults: list[Fault]) -> Any:
    """The name of a time zone that is known."""
    try:
        return find_zone(value).name
    except UnknownZone as error:
        return _broken(faults, Fault(path, str(error), _sentence(error.hint)))


def _read_run(value: str, path: Path, faults: list[Fault]) -> Any:
    if not value.strip():
        return _broken(faults, Fault(path, "the command is empty"))
    return _command_word(value, path, faults)


def _read_exec(value: list[str | int], path: Path, faults: list[Fault]) -> Any:
    words = [_command_word(str(word), (*path, index), faults) for index, word in enumerate(value)]
    if not words[0]:
        return _broken(faults, Fault((*path, 0), "the program's name is empty"))
    return BROKEN if BROKEN in words else words


def _command_word(text: str, path: Path, faults: list[Fault]) -> Any:
    found = _REFERENCE.search(text)
    if found is None:
        return _read_text(text, path, faults)
    name = found[2] if found[1] == "env" else "NAME"
    hint = f'Write  env: {{{name}: "{found[0]}"}}  and use the variable {name}'
    message = f"{found[0]} is not resolved in a command"
    return _broken(faults, Fault(path, message, hint, offset=found.start()))


def _read_text(value: str, path: Path, faults: list[Fault]) -> Any:
    """Text that a process is started with: the system ends such text at a zero byte."""
    if "\0" in value:
        return _broken(faults, Fault(path, "a zero byte cannot be passed to a command"))
    return value


def _read_env(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    texts = _read_map(value, path, faults)
    for name, text in value.items():
        if name.startswith(_OWN_NAME):
            hint = "Every run gets its JOBBOARD_ variables from jobboard; choose another name"
            texts = _broken(faults, KeyFault((*path, name), f"{name} is not yours to set", hint))
        elif isinstance(text, str) and "${env:" + _OWN_NAME in text:
            texts = _broken(faults, Fault((*path, name), f"jobboard's own environment stays out of {name}"))
        elif text is not None and _read_text(str(text), (*path, name), faults) is BROKEN:
            texts = BROKEN
    return texts


def _read_map(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    return {name: _as_text(value[name]) for name in sorted(value)}


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _read_inherit(value: list[str], path: Path, faults: list[Fault]) -> Any:
    for index, name in enumerate(value):
        if name.startswith(_OWN_NAME):
            return _broken(faults, Fault((*path, index), f"{name} is not passed on to commands"))
    return sorted(set(value))


def _read_set(value: list[str], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    return sorted(set(value))


def _read_codes(value: int | list[int], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    return sorted({int(code) for code in (value if isinstance(value, list) else [value])})


def _read_locks(value: Any, path: Path, faults: list[Fault]) -> Any:
    if isinstance(value, Mapping):
        return {name: None if value[name] is None else int(value[name]) for name in sorted(value)}
    locks: dict[str, int | None] = {}
    for index, text in enumerate([value] if isinstance(value, str) else value):
        capacity, _, name = text.rpartition(":")
        if locks.setdefault(name, int(capacity or 1)) != int(capacity or 1):
            place = path if isinstance(value, str) else (*path, index)
            return _broken(faults, Fault(place, f'lock "{name}" has two capacities in one job'))
    return dict(sorted(locks.items()))


def _read_after(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Parent to how it has to end."""
    read: dict[str, str] = {}
    for place, name, entry in _parents(value, path):
        if not is_name(name) and not is_address(name):
            hint = "Write the job's name, or board/job if it is of another board"
            return _broken(faults, Fault(place, f"{name!r} does not name a job", hint))
        if name in read:
            return _broken(faults, Fault(place, f'"{name}" is named twice', "Name it once"))
        read[name] = entry.get("on", "success")
    return read


def _read_needs(value: Any, path: Path, faults: list[Fault]) -> Any:
    """Job to what is asked of it, each part only where it is not the default."""
    read: dict[str, dict[str, Any]] = {}
    for place, name, entry in _parents(value, path):
        if not is_name(name) and not is_address(name):
            hint = "Write the job's name, or board/job if it is of another board"
            return _broken(faults, Fault(place, f"{name!r} does not name a job", hint))
        if name in read:
            return _broken(faults, Fault(place, f'"{name}" is named twice', "Name it once"))
        said = {key: entry[key] for key in ("fresh", "on", "on_timeout") if key in entry}
        read[name] = {key: word for key, word in said.items() if word != _NEED_DEFAULTS[key]}
        if "timeout" in entry:
            read[name]["timeout"] = _read_positive(entry["timeout"], (*place[:-1], "timeout"), faults)
    return BROKEN if any(BROKEN in said.values() for said in read.values()) else read


def _read_window(value: str, path: Path, faults: list[Fault]) -> Any:
    """The expression that names the beginnings of windows."""
    text = WINDOWS.get(value, value)
    try:
        return normalise_cron(text)
    except CronError as error:
        if " " in value:
            return _broken(faults, Fault(path, error.message, error.hint, offset=error.column))
        hint = "Write  hour,  day,  week  or a cron expression for the beginnings of windows"
        return _broken(faults, Fault(path, f'"{value}" is no window', hint))


def _parents(value: Any, path: Path) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """The place, the name and the rest of each entry of a list of jobs, or of the only one."""
    for index, entry in enumerate(value) if isinstance(value, list) else ((None, value),):
        place = path if index is None else (*path, index)
        if isinstance(entry, str):
            yield place, entry, {}
        else:
            yield (*place, "job"), entry["job"], entry


def _read_retries(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    read = _read_policy(value, path, faults, DEFAULT_RETRIES)
    if value and not value.get("max"):
        message = "retries without max retry nothing"
        hint = "Write how often in  max:  as in  max: 3"
        faults.append(Fault(path, message, hint, "warning", rule="idle-retries"))
    if "on" not in value:
        return read
    causes = _read_causes(value["on"], (*path, "on"), faults, only_codes=False)
    return BROKEN if BROKEN in (read, causes) else {**read, "on": causes}


def _read_defer(value: Mapping[str, Any] | str, path: Path, faults: list[Fault]) -> Any:
    if isinstance(value, str):
        return {value: True}
    read = _read_policy(value, path, faults, DEFAULT_DEFER)
    if "on" not in value:
        return read
    codes = _read_causes(value["on"], (*path, "on"), faults, only_codes=True)
    if BROKEN in (read, codes):
        return BROKEN
    return read if tuple(codes) == DEFAULT_DEFER["on"] else {**read, "on": codes}


def _read_policy(
    value: Mapping[str, Any], path: Path, faults: list[Fault], defaults: Mapping[str, Any]
) -> Any:
    """The keys of a retry or defer policy, less `on`, that differ from the built-in ones."""
    read: dict[str, Any] = {}
    for key, given in value.items():
        if key in ("delay", "max_delay", "jitter"):
            read[key] = read_duration(given, (*path, key), faults)
        elif key != "on":
            read[key] = _count(given) if key == "max" else given
    if BROKEN in read.values():
        return BROKEN
    return {key: given for key, given in read.items() if given != defaults[key]}


def _count(given: int | str) -> int:
    return UNLIMITED if given == "unlimited" else int(given)


def _read_causes(value: Any, path: Path, faults: list[Fault], *, only_codes: bool) -> Any:
    """Exit codes, ranges of them, signals and `timeout`: codes in order, then signals, then `timeout`."""
    codes: set[int] = set()
    words: set[str] = set()
    count = len(faults)
    for index, cause in enumerate(value if isinstance(value, list) else [value]):
        found = _codes_of(cause)
        word = str(cause).upper()
        if found is not None:
            codes.update(found)
        elif not only_codes and str(cause) == "timeout":
            words.add("timeout")
        elif not only_codes and {word, "SIG" + word} & SIGNALS:
            words.add(word if word in SIGNALS else "SIG" + word)
        else:
            place = (*path, index) if isinstance(value, list) else path
            faults.append(_unknown_cause(cause, place, only_codes=only_codes))
    if len(faults) > count:
        return BROKEN
    return [*sorted(codes), *sorted(words - {"timeout"}), *sorted(words & {"timeout"})]


def _codes_of(cause: str | int) -> range | None:
    """The exit codes that `cause` names: ``75``, or ``64-78``."""
    found = _CODES.fullmatch(str(cause))
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return range(first, last + 1) if first <= last <= 255 else None


def _unknown_cause(cause: str | int, path: Path, *, only_codes: bool) -> Fault:
    wanted = "an exit code or a range of them" if only_codes else "an exit code, a range, a signal or timeout"
    example = "75  or  64-78" if only_codes else "75,  64-78,  SIGKILL  or  timeout"
    return Fault(path, f"{cause!r} is not {wanted}", f"Write  {example}; exit codes are 0 to 255")


def _read_as_is(value: Any, path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    return value


def _read_integer(value: int, path: Path, faults: list[Fault]) -> int:  # noqa: ARG001
    return int(value)  # JSON Schema takes 3.0 for an integer


def _read_user(value: str | int, path: Path, faults: list[Fault]) -> Any:
    return _read_text(str(value), path, faults)


def _read_umask(value: str, path: Path, faults: list[Fault]) -> str:  # noqa: ARG001
    return value[-3:]


def _read_env_files(value: str | list[str], path: Path, faults: list[Fault]) -> Any:
    names = [value] if isinstance(value, str) else list(value)
    return BROKEN if BROKEN in [_read_text(name, path, faults) for name in names] else names


def _read_limits(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    read = {name: _read_limit(value[name], (*path, name), faults) for name in sorted(value)}
    return BROKEN if BROKEN in read.values() else read


def _read_limit(value: Any, path: Path, faults: list[Fault]) -> Any:
    if value is None:
        return None
    if path[-1] == "cpu":
        return _read_positive(value, path, faults)
    try:
        return parse_size(value)
    except ValueError as error:
        return _refuse(error, path, faults)


_LOG_SIZES = (1 << 10, 1 << 40)


def _read_logs(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    read = {name: _read_log_part(value[name], (*path, name), faults) for name in sorted(value)}
    return BROKEN if BROKEN in read.values() else read


def _read_log_part(value: Any, path: Path, faults: list[Fault]) -> Any:
    if value is None or path[-1] in ("split", "on_success", "to", "keep_runs"):
        return value
    if path[-1] != "max_size":
        return _read_positive(value, path, faults)
    least, most = _LOG_SIZES
    size = _read_limit(value, path, faults)
    if size is not BROKEN and not least <= size <= most:
        return _broken(
            faults,
            Fault(
                path,
                "what is kept of an attempt's output is from 1K to 16M, in files to 1T",
                "Write  max_size: 1M",
            ),
        )
    return size


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "run": _read_run,
        "exec": _read_exec,
        "http": request.read_request,
        "call": handler.read_call,
        "runner": _read_as_is,
        "args": handler.read_arguments,
        "with": handler.read_named,
        "warm": _read_as_is,
        "cwd": _read_text,
        "env": _read_env,
        "inherit": _read_inherit,
        "shell": _read_text,
        "stdin": _read_as_is,
        "env_files": _read_env_files,
        "user": _read_user,
        "umask": _read_umask,
        "nice": _read_integer,
        "limits": _read_limits,
        "logs": _read_logs,
        "cron": _read_cron,
        "seconds": _read_as_is,
        "days": _read_as_is,
        "every": _read_positive,
        "delay": _read_positive,
        # Instants wait for the zone they are local to.
        "at": _read_as_is,
        "start": _read_as_is,
        "stop": _read_as_is,
        "after": _read_after,
        "window": _read_window,
        "needs": _read_needs,
        "timezone": read_zone,
        "repeat": _read_as_is,
        # What is left out waits for the zone and the calendars.
        "exclude": _read_as_is,
        "on_exclude": _read_as_is,
        "phase": read_duration,
        "decay": _read_decay,
        "for": _read_positive,
        "runs": _read_integer,
        "jitter": _read_jitter,
        "timeout": _read_positive,
        "kill_after": read_duration,
        "heartbeat": _read_positive,
        "start_within": _read_positive,
        "finish_by": _read_positive,
        "on_late": _read_as_is,
        "expected_every": _read_positive,
        "retries": _read_retries,
        "on_lost": _read_as_is,
        "on_disconnect": _read_as_is,
        "defer": _read_defer,
        "ok_exit": _read_codes,
        "allow_failure": _read_as_is,
        "locks": _read_locks,
        "queue": _read_as_is,
        "priority": _read_integer,
        "overlap": _read_as_is,
        "catchup": _read_as_is,
        "late_after": _read_positive,
        "catchup_window": _read_positive,
        "tags": _read_set,
        "description": _read_as_is,
        "owner": _read_as_is,
        "labels": _read_map,
        "protected": _read_as_is,
        "enabled": _read_as_is,
    }
)


def read_keys(raw: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """Every key of a job or of a board's defaults in canonical form; None stays None."""
    read: dict[str, Any] = {}
    for key, value in raw.items():
        read[key] = value if value is None or value is BROKEN else READERS[key](value, (key,), faults)
    return read


def _refuse(error: ValueError, path: Path, faults: list[Fault]) -> Broken:
    """A fault made of an error whose sentence goes on, after a semicolon, with the way out."""
    message, _, hint = str(error).partition("; ")
    return _broken(faults, Fault(path, message, _sentence(hint)))


def _sentence(hint: str | None) -> str | None:
    return hint[0].upper() + hint[1:] if hint else None
