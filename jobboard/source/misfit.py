"""Why a board has not the shape of one, in words: what stands there, and what to write instead.

Loaded only when the fast validator has rejected something, since the reference implementation of JSON Schema
takes long to import.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import jsonschema
from jsonschema.validators import extend

from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.names import NAME_RULE
from jobboard.core.times.duration import parse_duration
from jobboard.source.scalar import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.diagnostic import Path

_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
}
# What other schedulers call what a job says here.
_OTHER_WORDS = {
    "schedule": "cron, every, at or after",
    "interval": "every",
    "command": "run, exec, http or call",
    "cmd": "run or exec",
    "script": "run",
    "argv": "exec",
    "url": "http",
    "webhook": "http",
    "function": "call",
    "callable": "call",
    "kwargs": "with",
    "environment": "env",
    "tz": "timezone",
    "time_zone": "timezone",
    "depends_on": "after",
    "retry": "retries",
    "max_retries": "retries",
    "concurrency": "overlap or locks",
    "lock": "locks",
    "disabled": "enabled",
    "suspend": "enabled",
    "workdir": "cwd",
    "working_dir": "cwd",
    "name": "board, and the keys below jobs",
}


def _pattern(
    validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """`pattern` as ECMA-262 means it: ``$`` is the very end, not the place before a last line break."""
    if validator.is_type(instance, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError("does not match")


# The stubs of the library leave the types of `extend` open.
Reference = cast("Any", extend)(jsonschema.Draft202012Validator, {"pattern": _pattern})
"""The reference implementation, with patterns as the standard has them."""


def explain(schema: Mapping[str, Any], value: Any, path: Path = ()) -> list[Fault]:
    """Every way in which `value`, found at `path`, does not fit `schema`."""
    errors = sorted(
        Reference(schema).iter_errors(value), key=lambda error: [str(x) for x in error.absolute_path]
    )
    faults: dict[tuple[Path, str], Fault] = {}
    for error in errors:
        for fault in _faults(error, (*path, *error.absolute_path)):
            faults.setdefault((fault.path, fault.message), fault)
    return list(faults.values())


def _faults(error: Any, path: Path) -> list[Fault]:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = tuple(error.schema["properties"])
        unknown = [key for key in error.instance if key not in error.schema["properties"]]
        return [_unknown_key(key, known if n < GUESSES else (), path) for n, key in enumerate(unknown)]
    if "propertyNames" in error.absolute_schema_path:
        return [_bad_key(error.instance, path)]
    if error.validator == "dependentRequired":
        hint = "A job is called what its key below jobs says; take it out"
        return [KeyFault((*path, "name"), '"name" means nothing without "for_each"', hint)]
    if error.validator == "required" and path[-1:] == ("overlap",):
        return [Fault(path, '"overlap" does not say how many', "Write  overlap: {allow: 3}")]
    if error.validator == "required":
        missing = next(key for key in error.validator_value if repr(key) in error.message)
        if path[:1] == ("moved",):
            return [Fault(path, f'this move has no "{missing}"', "Write  {from: OLD, to: NEW}")]
        owner = "the board" if missing in _OF_BOARD else "the request" if missing == "url" else "the entry"
        return [Fault(path, f'{owner} has no "{missing}"', _MISSING[missing])]
    if error.validator == "oneOf" and path[:1] == ("removed",):
        hint = "Write  {job: NAME, destroy: false}  or  {board: NAME}"
        return [Fault(path, "one line removes one job, or one board", hint)]
    if error.schema.get("title") == "duration":
        return [_bad_duration(error, path)]
    return [_bad_value(error, path)]


# For so many unknown keys of one map it is worth guessing what was meant.
GUESSES = 50

_KINDS_OF_KEYS = {
    "locks": "lock",
    "profiles": "profile",
    "queues": "queue",
    "runners": "runner",
    "environments": "environment",
}
_VARIABLE_HINT = "Write letters, digits and underscores, and no digit first"
_MISSING = {
    "board": "Write  board: NAME  in the first line",
    "jobs": "Write  jobs:  and the jobs below it, or  jobs: {}  for none. Was the file saved whole?",
    "job": "Write  job: NAME  in it",
    "url": "Write  url: https://example.org/path  in it",
}
_OF_BOARD = ("board", "jobs")


def _unknown_key(key: str, known: tuple[str, ...], path: Path) -> Fault:
    of = _owner_of(path)
    plain = key.lower().replace("-", "_")
    meant = _OTHER_WORDS.get(plain)
    if path[:1] == ("profiles",) and key in ("extend", "for_each", "name"):
        return KeyFault((*path, key), f'"{key}" means nothing in a profile', "Write it in the jobs")
    near = _nearest(plain, known)
    if near and (meant is None or path[:1] != ("jobs",)):
        return KeyFault((*path, key), f'unknown key "{key}"{of}; did you mean "{near}"?')
    if "board" in known and key in _job_keys():
        return KeyFault(
            (*path, key), f'"{key}" belongs to a job', "Indent it below the job's name, below jobs"
        )
    if path == ("defaults",) and key in _job_keys():
        return KeyFault(
            (*path, key), f'"{key}" has no default: every job says its own', "Move it into the jobs"
        )
    hint = f"Here it is  {meant}" if meant else f"Known are  {', '.join(known)}" if known else None
    return KeyFault((*path, key), f'unknown key "{key}"{of}', hint)


@lru_cache(maxsize=1024)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1)), None)


def _job_keys() -> Mapping[str, Any]:
    from jobboard.source.schema import schema

    keys: Mapping[str, Any] = schema()["$defs"]["job"]["properties"]
    return keys


def _owner_of(path: Path) -> str:
    if path[:1] != ("jobs",) or len(path) < 2:
        return f" in {_name_of(path)}" if path else ""
    inside = f" in {_name_of(path)}" if len(path) > 2 else ""
    return f'{inside} in job "{path[1]}"' if not inside else f'{inside} of job "{path[1]}"'


def _bad_key(key: Any, path: Path) -> Fault:
    shown = f'"{key}"'
    if path[-1:] == ("env",):
        return KeyFault((*path, key), f"{shown} cannot name an environment variable", _VARIABLE_HINT)
    if path[-1:] == ("variables",):
        return KeyFault((*path, key), f"{shown} cannot name a variable", _VARIABLE_HINT)
    if path[-1:] == ("calendars",):
        return KeyFault(
            (*path, key), f"{shown} cannot name a calendar", "Begin it with a letter, as in  holidays"
        )
    if path[-1:] == ("headers",):
        return KeyFault((*path, key), f"{shown} cannot name a header", "Write letters, digits and dashes")
    kind = _KINDS_OF_KEYS.get(str(path[-1]) if path else "", "job")
    return KeyFault(
        (*path, key),
        f"{shown} cannot name {'an' if kind[0] == 'e' else 'a'} {kind}",
        f"A name is {NAME_RULE}",
    )


def _bad_duration(error: Any, path: Path) -> Fault:
    try:
        parse_duration(error.instance)
    except ValueError as refusal:
        message, _, hint = str(refusal).partition("; ")
        return Fault(path, message, hint[:1].upper() + hint[1:] or None)
    if error.instance is None:
        return Fault(path, f'"{path[-1]}" is empty', "Write a duration, as in  5m")
    return Fault(path, f"{_shown(error.instance)} is no duration", "Write it in one line, as in  5m")


def _bad_value(error: Any, path: Path) -> Fault:
    name, wanted, value = _name_of(path), error.validator_value, error.instance
    if error.validator == "type":
        return _bad_type(name, [wanted] if isinstance(wanted, str) else wanted, value, path)
    if error.validator == "enum":
        return _bad_word(name, [str(word) for word in wanted if word is not None], value, path)
    if error.validator in ("minimum", "maximum"):
        limit = "least" if error.validator == "minimum" else "most"
        return Fault(path, f"{name} must be at {limit} {wanted}, not {value}")
    if error.validator == "pattern" and path[-1:] == ("overlap",):
        fault = _bad_word(name, wanted.strip("^()$").split("|"), value, path)
        return replace(fault, hint="Write  overlap: {allow: 3}") if value.startswith("allow:") else fault
    if error.validator == "pattern" and path[-1:] == ("defer",):
        return Fault(
            path, f"{_shown(value)} is no way to defer", "Write  defer: drop  or  defer: {delay: 5m}"
        )
    if error.validator == "pattern" and path[-1:] == ("ics",):
        return Fault(path, f"{_shown(value)} names no calendar file", "Write it like  holidays.ics")
    if error.validator == "pattern" and path[-1:] == ("log_url",):
        return Fault(
            path, f"{_shown(value)} is no web address", "Write it like  https://logs.example.org/?q={run}"
        )
    if error.validator == "pattern" and str(error.validator_value).startswith("^[0-9]+"):
        return Fault(path, f"{_shown(value)} is no size", "Write it like 64K, 512M or 2G")
    if error.validator == "pattern":
        hint = _VARIABLE_HINT if "inherit" in path else f"A name is {NAME_RULE}"
        return Fault(path, f"{_shown(value)} is no name{_what(path)}", hint)
    if error.validator == "maxItems":
        return Fault(path, f"{name} takes {wanted} jobs at most", "Join them in two steps")
    return Fault(path, f"{name} is empty", "Write a value, or leave the key out")


def _bad_type(name: str, wanted: list[str], value: Any, path: Path) -> Fault:
    if value is None:
        hint = "Indent its keys below it" if "object" in wanted else "Write a value, or leave the key out"
        hint = _MISSING["jobs"] if path == ("jobs",) else hint
        return Fault(path, f"{name} is empty", hint)
    words = [_TYPE_WORDS[kind] for kind in wanted if kind != "null"]
    listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    remedy = _example(words, value, path) or _remedy(words, value, path)
    return Fault(path, f"{name} must be {listed}, not {_found(value)}", remedy)


_CRONTAB_LINE = re.compile(r"\s*((?:\S+\s+){4}[\d*?A-Za-z,/#-]+|@[a-z]+)\s+(\S.*)", re.DOTALL)
_FIELD_OF_TIME = re.compile(r"(?:[\d*?,/#L-]|\b[A-Za-z]{3}\b)+")
_PLAIN = re.compile(r"[A-Za-z/.~-][\w/.+=~-]*")
"""A word that YAML reads as text in a list on one line."""
_MAPS_OF_TEXT = ("env", "labels", "headers", "variables")


def _example(words: list[str], value: Any, path: Path) -> str | None:
    """The shape to write instead of a crontab's line, or of a list where a map belongs."""
    if words != ["a map"]:
        return None
    if isinstance(value, str) and (not path or (path[0] == "jobs" and len(path) < 3)):
        return _from_crontab(value, path)
    if path == ("jobs",) and isinstance(value, list):
        return 'Name each job by a key:  jobs: {backup: {cron: "0 3 * * *", run: ./backup}}'
    if path and path[-1] in _MAPS_OF_TEXT and isinstance(value, list):
        pairs = [item.partition("=") for item in value if isinstance(item, str) and "=" in item]
        key, _, text = pairs[0] if pairs else ("NAME", "=", "VALUE")
        return f"Write  {path[-1]}: {{{key.strip()}: {quoted(text)}}}"
    return None


def _from_crontab(text: str, path: Path) -> str | None:
    """The job that a crontab's line is; None where the text is none."""
    match = _CRONTAB_LINE.fullmatch(text.partition("\n")[0])
    if match is None or not (text.lstrip()[0] == "@" or all(map(_FIELD_OF_TIME.fullmatch, match[1].split()))):
        return None
    job = f"{{cron: {quoted(match[1])}, run: {quoted(match[2].rstrip())}}}"
    if len(path) == 2:
        return f"Write  {path[1]}: {job}"
    return f"A line of a crontab is a job:  {'board: NAME, ' if not path else ''}jobs: {{NAME: {job}}}"


def _remedy(words: list[str], value: Any, path: Path) -> str | None:
    """The line to write instead, where what was meant can be told."""
    key = path[-1] if path and isinstance(path[-1], str) else None
    if isinstance(value, dict | list) or key is None:
        return None
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if words == ["true or false"] and text.lower() in ("yes", "no", "on", "off", "1", "0", "true", "false"):
        return f"Write  {key}: {'true' if text.lower() in ('yes', 'on', '1', 'true') else 'false'}"
    if isinstance(value, float):
        return f"Quote it as it stands, so that {key} is text"
    if key == "overlap" and words[-1] == "a map":
        return "Write  overlap: skip"
    if "text" in words:
        return f"Write  {key}: {quoted(text)}"
    if words == ["a list"]:
        return f"Write  {key}: [{_items(text)}]"
    if key == "retries":
        return f"Write  retries: {{max: {text}}}"
    return None


def _items(text: str) -> str:
    """The words of a text as a list of YAML's on one line; as it is where it has the commas of one."""
    try:
        words = [text] if "," in text else shlex.split(text)
    except ValueError:  # A quote that nothing closes.
        words = [text]
    return ", ".join(word if "," in text or _PLAIN.fullmatch(word) else quoted(word) for word in words)


def _bad_word(name: str, words: list[str], value: Any, path: Path) -> Fault:
    near = get_close_matches(str(value).lower(), words, n=1, cutoff=0.5)
    listed = ", ".join(words[:-1]) + f" or {words[-1]}"
    meant = f'; did you mean "{near[0]}"?' if near else ""
    return Fault(path, f"{name} must be {listed}, not {_shown(value)}{meant}")


def _name_of(path: Path) -> str:
    if not path:
        return "a board"
    if isinstance(path[-1], int):
        return f'item {path[-1] + 1} of "{path[-2]}"'
    if len(path) == 2 and path[0] == "jobs":
        return f'job "{path[1]}"'
    return f'"{path[-1]}"'


def _what(path: Path) -> str:
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    kinds = {
        "board": "board",
        "queue": "queue",
        "extend": "profile",
        "tags": "tag",
        "locks": "lock",
        "inherit": "variable",
        "from": "job",
        "to": "job",
        "job": "job",
    }
    return f" for a {kinds[key]}" if key in kinds else ""


def _found(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
