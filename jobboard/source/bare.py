"""Values that wanted quotes: which one it is, what YAML takes it for, and how it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jobboard.source.scalar import quoted
from jobboard.source.text import LONGEST_SHOWN
from jobboard.source.yamltree import Flaw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.source.text import Text

_FIRST_READ_AS = {
    "*": "YAML reads * as an alias",
    "&": "YAML reads & as an anchor",
    "!": "YAML reads ! as a tag",
    "@": "YAML reserves @",
    "`": "YAML reserves `",
    "%": "YAML reads % as a directive",
    "|": "YAML reads | as a block of text that begins on the next line",
    ">": "YAML reads > as a block of text that begins on the next line",
    "[": "YAML reads [ as a list",
    "{": "YAML reads { as a map",
    '"': "YAML ends the value at the second quote",
    "'": "YAML ends the value at the second quote",
    "-": "YAML reads - as an item of a list",
    "?": "YAML reads ? as a key",
}
# What makes a value no YAML at all by its first character; a star before a word may be an alias.
_NEVER_FIRST = {"*": r"\*[\s/*,]", "@": "@", "%": "%", "`": "`"}
_SCHEDULE_KEYS = ("cron",)
# A value that no value may begin like, in a map or list on one line.
_BARE_IN_FLOW = re.compile(
    r"""(?:[{,]\s*(?P<key>[\w.-]+):\s+|[\[,]\s*)(?P<value>[*&@%`!][^,{}\[\]"'\n]*?)\s*(?=[,}\]])"""
)


def unquoted(text: Text, content: str, offset: int, problem: str) -> tuple[list[Flaw], str] | None:
    """The flaw of a value that wants quotes, if `offset` stands in one, and of the later ones like it."""
    found = text.value_at(offset)
    if found is None or text.is_scarred(offset):
        return None
    key, start, value = found
    if "escape" in problem:
        text.scar(start)
        single = quoted(value.strip('"') + "\\").replace("\\'", "'")
        message = "a backslash in double quotes begins an escape"
        return [Flaw(offset, message, f"Write  {_pair(key, single)}", 2)], _blanked(content, [start])
    if value[:1] in ("{", "[") and (inner := _in_flow(text.content, start, offset)):
        text.scar(start)
        return [_bare(*inner)], _blanked(content, [start])
    places = [start, *_like(content, start, key)]
    for place in places:
        text.scar(place)
    return [_bare(*(text.value_at(place) or (None, place, ""))) for place in places], _blanked(
        content, places
    )


def _in_flow(content: str, start: int, offset: int) -> tuple[str | None, int, str] | None:
    """The key, place and text of the value inside of a map or list on one line that `offset` stands in."""
    end = content.find("\n", offset)
    for found in _BARE_IN_FLOW.finditer(content, start, end if end >= 0 else len(content)):
        if found.start("value") <= offset <= found.end("value"):
            return found["key"] or "", found.start("value"), found["value"]
    return None


def _like(content: str, start: int, key: str | None) -> list[int]:
    """Where later values of the same key, equally indented, begin with a character that no value may.

    A mistake is often made on every other line, and each would cost another reading of the whole file.
    """
    first = content[start]
    if key is None or first not in _NEVER_FIRST:
        return []
    head = content[content.rfind("\n", 0, start) + 1 : start]
    alike = re.compile(rf"^{re.escape(head)}(?={_NEVER_FIRST[first]})", re.MULTILINE)
    return [match.end() for match in alike.finditer(content, start)]


def _bare(key: str | None, start: int, value: str) -> Flaw:
    """The flaw of the value at `start`, which has no quotes, or has them in the wrong places."""
    message = "the schedule is not quoted" if key in _SCHEDULE_KEYS else _of(key) + " is not quoted"
    if value[:1] in ("'", '"'):
        message = "text goes on after the closing quote"
    cause = _FIRST_READ_AS.get(value[:1], 'YAML reads ": " as a key and its value')
    if len(value) > LONGEST_SHOWN:
        return Flaw(start, message, f"{cause}. Put the value in quotes")
    advice = "If it is text, write" if value[:1] in ("[", "{") else "Write"
    return Flaw(start, message, f"{cause}. {advice}  {_pair(key, quoted(_meant(value)))}")


def _meant(value: str) -> str:
    """`value` without the single quotes around it that an apostrophe inside has cut short."""
    inner = value[1:-1]
    apostrophe = value[:1] == value[-1:] == "'" and inner.count("'") % 2 == 1
    return inner if apostrophe else value


def _of(key: str | None) -> str:
    return f'the value of "{key}"' if key else "the item"


def _pair(key: str | None, value: str) -> str:
    if key is None:
        return f"- {value}"
    return f"{key}: {value}" if key else value


def _blanked(content: str, starts: Sequence[int]) -> str:
    """`content` with the rest of each of these lines replaced by a quoted word of the same length."""
    pieces = []
    done = 0
    for start in starts:
        end = content.find("\n", start)
        end = end if end >= 0 else len(content)
        room = end - start
        pieces += [content[done:start], "x" if room < 2 else f"'{'x' * (room - 2)}'"]
        done = end
    return "".join([*pieces, content[done:]])
