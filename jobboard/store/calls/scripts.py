"""Lua scripts: found, assembled, called.

Every state change is one script, so it becomes visible at once or not at all. A script is a file
``lua/NAME.lua``; it may name includes, ``-- @include NAME``, each a file of one local function in
``lua/include/``, and every one is put in once, ahead of the script, dependencies first.

A call passes one key, the namespace's ``meta`` (it routes the call in a cluster, where the namespace is
one hash tag and so one slot), and one argument, a msgpack map. The script derives all other keys from the
first and answers with one msgpack value. Callers therefore never list keys or count arguments.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"^-- @include (\w+)$", re.MULTILINE)
_SHEBANG = re.compile(r"\A#!lua[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Script:
    """An assembled script, ready to send.

    Attributes:
        name: Its file's name, without ``.lua``.
        text: Shebang, includes, then the script itself.
        sha: What EVALSHA calls it by.
        read_only: Whether it writes nothing, so that a user who may only read can run it.
    """

    name: str
    text: str
    sha: str
    read_only: bool


def script_names() -> list[str]:
    """Every script there is, by name."""
    folder = files("jobboard.store") / "lua"
    return sorted(f.name.removesuffix(".lua") for f in folder.iterdir() if f.name.endswith(".lua"))


def source_of(name: str) -> str:
    """The text of one script's own file."""
    return (files("jobboard.store") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def include_source(name: str) -> str:
    """The text of one include's file."""
    return (files("jobboard.store") / "lua" / "include" / f"{name}.lua").read_text(encoding="utf-8")


def includes_of(name: str) -> list[str]:
    """Every include a script needs, those of its includes too, in the order they must stand."""
    return includes_of_text(source_of(name))


def includes_of_text(source: str) -> list[str]:
    """Every include that a piece of Lua needs, as `includes_of`."""
    ordered: list[str] = []

    def visit(text: str, above: tuple[str, ...]) -> None:
        for needed in _INCLUDE.findall(text):
            if needed in above:
                raise ValueError(f"includes form a circle: {' -> '.join((*above, needed))}")
            if needed not in ordered:
                visit(include_source(needed), (*above, needed))
                ordered.append(needed)

    visit(source, ())
    return ordered


def assembled(source: str) -> str:
    """A piece of Lua behind all it includes, without its first line where that is ``#!lua``."""
    parts = [_INCLUDE.sub("", include_source(include)) for include in includes_of_text(source)]
    parts.append(_INCLUDE.sub("", _SHEBANG.sub("", source)))
    return "\n".join(parts)


@cache
def load(name: str) -> Script:
    """The assembled script of that name."""
    text = source_of(name)
    shebang = _SHEBANG.match(text)
    if shebang is None:
        raise ValueError(f"{name}.lua does not begin with #!lua")
    whole = f"{shebang.group()}\n{assembled(text)}"
    sha = hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest()
    return Script(name, whole, sha, read_only="no-writes" in shebang.group())
