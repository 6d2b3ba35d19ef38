"""The functions: jobboard on the server itself, for programs that have nothing but a Redis client.

One library, ``jobboard``, is put together from the very scripts that the program runs (`store.calls.scripts`)
and from `lua/functions`, one file a function. It belongs to the server, not to a namespace: a call names the
namespace by its one key. Each takes a JSON object and gives a JSON value; what is wrong is an error that
begins with ``JOBBOARD``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from jobboard import __version__, errors
from jobboard.core.jobs.model import FIELD_BY_NUMBER
from jobboard.store.calls import scripts
from jobboard.store.calls.connect import FORMAT, explained, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.store.calls.connect import Store

LIBRARY = "jobboard"
NAMES = (
    *("push", "depend", "reschedule", "retry", "put", "skip_next", "get", "del"),
    *("count", "stats", "pop", "ack", "progress", "version"),
)
"""The functions, as ``FCALL jobboard_NAME`` calls them."""

_SCRIPTS = (
    *("push", "depend", "reschedule", "retry", "hello", "reserve", "finish", "beat", "report", "output"),
    *("cancel", "job", "skip_next"),
)
_HEADER = re.compile(r"^-- (TAKES|GIVES) *(.*(?:\n-- {6,}\S.*)*)$", re.MULTILINE)
# Every server keeps the source, and hands it to its replicas.
_REMARK = re.compile(r"^ *--.*\n", re.MULTILINE)
_TOLD = re.compile(r"jobboard (\S+), format (\S+), digest (\S+)")


@dataclass(frozen=True, slots=True)
class Function:
    """One function, as its file tells of it.

    Attributes:
        name: Without ``jobboard_``.
        about: What it does.
        takes: Name of each argument to its kind.
        gives: What comes back, in words.
        flags: Of the server: ``no-writes`` may be called with FCALL_RO.
    """

    name: str
    about: str
    takes: Mapping[str, str]
    gives: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """The library that a server has: what made it, and the format it writes."""

    version: str
    format: str
    digest: str

    @property
    def ours(self) -> bool:
        """Whether it is the one that this version would install."""
        return self.digest == digest()


def functions() -> list[Function]:
    """Every function."""
    return [_function(name) for name in NAMES]


def library() -> str:
    """The library's source, as FUNCTION LOAD takes it."""
    told = f"-- jobboard {__version__}, format {FORMAT}, digest {digest()}"
    words = f"local VERSION, DIGEST = '{__version__}', '{digest()}'"
    return "\n".join((f"#!lua name={LIBRARY}", told, words, _body()))


@cache
def digest() -> str:
    """What distinguishes this version's library from others."""
    return hashlib.sha256(_body().encode()).hexdigest()[:16]


def installed(store: Store) -> Installed | None:
    """The library that the server has; None where it has none.

    Raises:
        errors.StoreRefused: This user may not ask.
    """
    with explained(store.url):
        found: Any = _ask(store, "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE")
    if not found:
        return None
    (entry,) = found
    pairs = entry.items() if isinstance(entry, dict) else zip(entry[::2], entry[1::2], strict=True)
    code = next(value for name, value in pairs if name == b"library_code")
    told = _TOLD.search(code.decode())
    return Installed(*told.groups()) if told else Installed("unknown", "unknown", "")


def install(store: Store, *, force: bool = False) -> Literal["installed", "replaced", "unchanged"]:
    """Load the library into the server, in place of another version's.

    Raises:
        errors.Refused: The server has a newer one, and `force` was not given.
        errors.StoreRefused: The server would not.
    """
    before = installed(store)
    if before is not None and before.ours:
        return "unchanged"
    if before is not None and not force and version_of(before.version) > version_of(__version__):
        raise errors.Refused(
            f"the server has the functions of jobboard {before.version}, and this is {__version__}",
            "leave them: they serve both; or add --force",
        )
    with explained(store.url):
        _ask(store, "LOAD", "REPLACE", library())
    return "replaced" if before is not None else "installed"


def remove(store: Store) -> bool:
    """Take the library off the server; False where it has none.

    Raises:
        errors.StoreRefused: The server would not.
    """
    if installed(store) is None:
        return False
    with explained(store.url):
        _ask(store, "DELETE", LIBRARY)
    return True


def _ask(store: Store, *words: str) -> Any:
    client: Any = store.client
    return client.execute_command("FUNCTION", *words)


@cache
def _body() -> str:
    pairs = sorted(FIELD_BY_NUMBER.items())
    names = ", ".join(f"[{number}] = {_quoted(name)}" for number, name in pairs)
    numbers = ", ".join(f"[{_quoted(name)}] = {number}" for number, name in pairs)
    parts = [
        f"local FORMAT, SCRIPTS = '{FORMAT}', {{}}",
        f"local FIELDS, NUMBERS = {{{names}}}, {{{numbers}}}",
    ]
    parts += [
        f"SCRIPTS.{name} = function(KEYS, ARGV)\n{scripts.assembled(scripts.source_of(name))}\nend"
        for name in _SCRIPTS
    ]
    parts.append(source_of("common"))
    parts += [_registered(each) for each in functions()]
    return _REMARK.sub("", "\n".join(parts))


def _registered(function: Function) -> str:
    code = scripts.assembled(source_of(function.name))
    return (
        f"register('{function.name}', {_quoted(function.about)}, {_table(function.flags)}, "
        f"{{{', '.join(f'{name} = {_quoted(kind)}' for name, kind in function.takes.items())}}}, "
        f"function(KEYS, said)\n{code}\nend)"
    )


def _function(name: str) -> Function:
    source = source_of(name)
    flags = re.match(r"#!lua flags=(\S+)", source)
    sections = {word: " ".join(text.replace("\n--", " ").split()) for word, text in _HEADER.findall(source)}
    purpose = re.match(r"(?:#!.*\n)?((?:-- (?!TAKES).*\n)+)", source)
    assert purpose is not None
    return Function(
        name,
        " ".join(line.removeprefix("-- ") for line in purpose[1].splitlines()),
        dict(pair.split("=") for pair in sections["TAKES"].split()),
        sections["GIVES"],
        tuple(flags[1].split(",")) if flags else (),
    )


def source_of(name: str) -> str:
    """The text of one function's own file, or of ``common``, what they share."""
    return (files("jobboard.store") / "lua" / "functions" / f"{name}.lua").read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _table(words: Sequence[str]) -> str:
    return f"{{{', '.join(map(_quoted, words))}}}"
