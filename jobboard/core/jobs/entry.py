"""What a program without jobboard puts into an inbox: a command for the shell, or a JSON object.

An object holds keys of a job, as a board has them, and what a push can say beside them (`_OWN`). A text whose
first character is ``{`` is an object; any other is a command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard.core.times.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_OWN = ("job", "name", "id", "payload", "delay", "at", "expires", "after", "replace", "reason")
_TEXTS = ("job", "name", "id", "at", "reason")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an inbox, read.

    Attributes:
        keys: Keys of a job, as a board would write them.
        job: The job it is a run of; None for a command of no job.
        payload: What the command reads.
        more: What else a parcel is made of; spans are milliseconds.
    """

    keys: Mapping[str, Any]
    job: str | None = None
    payload: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def read_entry(raw: bytes) -> Entry:
    """Read an entry as it was found.

    Raises:
        ValueError: It is neither a command nor such an object; the message says what is wrong.
    """
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8, from byte {error.start} on") from None
    if not text:
        raise ValueError("it is empty")
    if "\0" in text:
        raise ValueError("it holds a NUL, which no command can")
    return _of_object(_object(text)) if text.startswith("{") else Entry({"run": text})


def _object(text: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"it begins with {{ and is no JSON: {error.msg}, line {error.lineno} column {error.colno}"
            ' (a shell command that does is written {"run": "{ …; }"})'
        ) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return said


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'"{next(name for name in names if names.count(name) > 1)}" stands there twice')
    return said


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _of_object(said: Mapping[str, Any]) -> Entry:
    own = {name: said[name] for name in _OWN if said.get(name) is not None}
    keys = {name: value for name, value in said.items() if name not in _OWN}
    for name in _TEXTS:
        if not isinstance(own.get(name, ""), str):
            raise ValueError(f"{name} is no text")  # noqa: TRY004 - a fault of what was said
    if "queue" in keys:
        raise ValueError("queue is said by the inbox: push into the other queue's")
    if {"run", "exec"} <= keys.keys():
        raise ValueError("run and exec are two commands")
    if "delay" in own and "at" in own:
        raise ValueError("delay and at both say when")
    payload = own.pop("payload", None)
    if payload is not None and not isinstance(payload, str):
        payload = json.dumps(payload, ensure_ascii=False)
    job = own.pop("job", None)
    if job is not None and "name" in own:
        raise ValueError("a job has a name of its own")
    return Entry(keys, job, payload, _renamed(own))


def _renamed(own: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {}
    for name, value in own.items():
        parameter, read = _READERS.get(name, (name, str))
        try:
            more[parameter] = read(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return more


def _runs(value: Any) -> tuple[str, ...]:
    runs = [value] if isinstance(value, str) else value
    if not isinstance(runs, list) or not all(isinstance(run, str) for run in runs):
        raise ValueError("it takes the id of a run, or a list of them")
    return tuple(runs)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it is true or false")  # noqa: TRY004 - a fault of what was said
    return value


_READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "delay": ("delay_ms", parse_duration),
    "expires": ("expires_in_ms", parse_duration),
    "after": ("after", _runs),
    "replace": ("replace", _flag),
}
