"""How ends are judged: which codes are good, which are tried again, how often and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.model import DEFAULT_DEFER, DEFAULT_RETRIES, UNLIMITED
from jobboard.core.jobs.value.spans import read_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Path

# POSIX.1-2017, signal.h, and the ones Linux adds; a board must mean the same on every platform.
_SIGNAL_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN"
    " TTOU URG XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS"
)
SIGNALS = frozenset("SIG" + name for name in _SIGNAL_NAMES.split(" "))
_CODES = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def read_codes(value: int | list[int], path: Path, faults: list[Fault]) -> Any:  # noqa: ARG001
    """Exit codes in order, each once."""
    return sorted({int(code) for code in (value if isinstance(value, list) else [value])})


def read_retries(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """What of a retry policy is not built in."""
    read = _read_policy(value, path, faults, DEFAULT_RETRIES)
    if value and not value.get("max"):
        message = "retries without max retry nothing"
        hint = "Write how often in  max:  as in  max: 3"
        faults.append(Fault(path, message, hint, "warning", rule="idle-retries"))
    if "on" not in value:
        return read
    causes = _read_causes(value["on"], (*path, "on"), faults, only_codes=False)
    return BROKEN if BROKEN in (read, causes) else {**read, "on": causes}


def read_defer(value: Mapping[str, Any] | str, path: Path, faults: list[Fault]) -> Any:
    """What of a deferral is not built in."""
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
