"""How a job's spec becomes a process: its words, and the environment it starts with.

Nothing is read here: the worker hands in its own environment and a way to resolve references, so that the
same rules serve the worker, `lint` and the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from jobboard.core.jobs.model import FIELDS, Spec, effective

KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")
"""What every run gets of its worker's environment, where the worker has it."""

HIDDEN = "JOBBOARD_REDIS_URL"
"""Where the store is, and often its password: no run ever sees it, not even by name."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

# What a text may consist of and still mean the same to a shell and to us: words and blanks. Everything else
# (quotes, expansions, redirections, lists, comments, globs, newlines) is the shell's to read.
_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%= \t-]+")
# Reserved words, and builtins that no program on PATH stands in for.
_SHELL_WORD = re.compile(
    r"\.|:|alias|bg|break|builtin|case|cd|command|continue|declare|do|done|elif|else|esac|eval|exec|exit|export"
    r"|fc|fg|fi|for|function|getopts|hash|if|in|jobs|let|local|login|logout|popd|pushd|read|readonly|return"
    r"|select|set|shift|shopt|source|then|time|times|trap|type|typeset|ulimit|umask|unalias|unset|until|wait"
    r"|while"
)
_REFERENCE = re.compile(r"\$(\$\{)|\$\{(env|file):([^}]*)\}")

Resolve: TypeAlias = Callable[[str, str], str]
"""Given a reference's kind (``env`` or ``file``) and name, its value; raises `Unresolvable`."""


class Unresolvable(Exception):
    """A reference in `env` has no value here. The message names the reference and says why."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run starts with.

    Attributes:
        values: Name to value, complete: nothing else is passed on.
        secrets: Values that came from references, to be masked in captured output.
    """

    values: dict[str, str]
    secrets: tuple[str, ...]


def needs_shell(text: str) -> bool:
    """Whether only a shell can run `text`; without one, a start costs half as much.

    The rule is make's: a text without any character or first word that a shell gives a meaning to is split
    at blanks and run as it stands.
    """
    if _PLAIN.fullmatch(text) is None:
        return True
    words = text.split()
    return not words or _SHELL_WORD.fullmatch(words[0]) is not None or "=" in words[0]


def argv_of(spec: Spec) -> list[str]:
    """The words to execute for a job.

    ``exec`` is taken as it is. ``run`` goes to ``shell -c``, unless it has no shell syntax and the job names
    no shell of its own.
    """
    command = spec["command"]
    if "exec" in command:
        return list(command["exec"])
    text, shell = command["run"], effective(spec, "shell")
    if shell == FIELDS["shell"].default and not needs_shell(text):
        return list(text.split())
    return [shell, "-c", text]


def expand(text: str, resolve: Resolve) -> tuple[str, list[str]]:
    """Put values in place of ``${env:NAME}`` and ``${file:PATH}``; ``$${`` stands for ``${``.

    Returns:
        The text, and the values that were put in.

    Raises:
        Unresolvable: As `resolve` raises it.
    """
    found: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        found.append(resolve(match[2], match[3]))
        return found[-1]

    return _REFERENCE.sub(value_of, text), found


def environment(
    spec: Spec,
    outer: Mapping[str, str],
    own: Mapping[str, str],
    resolve: Resolve,
    store_url: str,
    *,
    between: Mapping[str, str] = MappingProxyType({}),
) -> Environment:
    """The whole environment of a run.

    Args:
        spec: The job.
        outer: The worker's environment; of it, `KEPT` and what the job inherits by name pass on.
        own: The run's ``JOBBOARD_*`` values; a job cannot override them.
        resolve: How a reference gets its value.
        store_url: Where the store is; nothing inherited may carry it.
        between: What wins over the worker's environment and not over the job's `env`: its user's variables
            and those of its files.

    Raises:
        Unresolvable: A reference has no value.
    """
    values = {"PATH": DEFAULT_PATH}
    values.update((name, outer[name]) for name in KEPT if name in outer)
    for name in spec.get("inherit", ()):
        if name in outer and name != HIDDEN and store_url not in outer[name]:
            values[name] = outer[name]
    values.update(between)
    secrets: list[str] = []
    for name, text in spec.get("env", {}).items():
        values[name], found = expand(text, resolve)
        secrets += found
    values.update(own)
    values.pop(HIDDEN, None)
    return Environment(values, tuple(dict.fromkeys(secrets)))
