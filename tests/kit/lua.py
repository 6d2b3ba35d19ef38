"""What a Lua script says of itself in its header, and what its code does, so that a test compares them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobboard.store.calls import scripts

SECTIONS = ("KEYS", "ARGUMENTS", "TOUCHES", "RETURNS")
_TOUCHES = re.compile(r"^-- TOUCHES {3}(.*(?:\n-- {11}\S.*)*)$", re.MULTILINE)

_SECTION = re.compile(rf"^-- ({'|'.join(SECTIONS)})\b *(.*)$")
_CONTINUED = re.compile(r"^-- {6,}(\S.*)$")
_COMMENT = re.compile(r"--[^\n]*")
_KEY_CALL = re.compile(r"(?<![\w.])key\('(\w+)'(, *)?")
_ODD_KEY_CALL = re.compile(r"(?<![\w.])(?<!function )key\((?!'\w+'[,)])[^)]*\)?")
_COMMAND_ON_KEY = re.compile(r"redis\.call\('(\w+)', key\('(\w+)'(, *)?")
_COMMAND = re.compile(r"redis\.p?call\('(\w+)'")
_ARGUMENT = re.compile(r"(?<![\w.])arguments\.(\w+)")
_TAG = re.compile(r"cmsgpack\.pack\(\{ *'([A-Z_]+)'")
_TOP_LEVEL_LOCAL = re.compile(r"^local (?:function (\w+)|([\w, ]+?) *(?:=|$))", re.MULTILINE)

# Answered by every script through its first line, so not repeated in every header.
_TAG_OF_GUARD = "WRONG_FORMAT"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a script, section by section; `purpose` is what stands before the sections."""

    purpose: str
    sections: dict[str, str]

    @property
    def arguments(self) -> set[str]:
        return set(re.findall(r"(\w+)=", _outside_brackets(self.sections["ARGUMENTS"])))

    @property
    def tags(self) -> set[str]:
        return set(re.findall(r'"([A-Z_]+)"', self.sections["RETURNS"]))


def header_of(name: str) -> Header:
    """The header of a script; sections may go on in indented lines."""
    purpose: list[str] = []
    sections: dict[str, str] = {}
    current = None
    for line in scripts.source_of(name).splitlines()[1:]:
        if not line.startswith("--") or line.startswith("-- @include"):
            break
        if found := _SECTION.match(line):
            current = found.group(1)
            assert current not in sections, f"{name}.lua: {current} stands twice"
            sections[current] = found.group(2)
        elif current is None:
            purpose.append(line.removeprefix("--").strip())
        else:
            continued = _CONTINUED.match(line)
            assert continued, f"{name}.lua: this line of the header belongs nowhere: {line}"
            sections[current] += " " + continued.group(1)
    return Header(" ".join(purpose), sections)


def touches_of(source: str) -> dict[str, str]:
    """Shape of a key (see `shape`) -> type, as a script or an include says it of its own text."""
    found = _TOUCHES.search(source)
    named = (part.split() for part in found[1].replace("\n--", " ").split(",")) if found else ()
    return {shape(pattern): kind for pattern, kind in named}


def flags_of(name: str) -> set[str]:
    """The flags in a script's first line."""
    first = scripts.source_of(name).splitlines()[0]
    found = re.fullmatch(r"#!lua(?: flags=([a-z,-]+))?", first)
    assert found, f"{name}.lua: the first line is {first!r}"
    return set((found.group(1) or "").split(",")) - {""}


def code_of(source: str) -> str:
    """A source without its first line's shebang and without comments."""
    return _COMMENT.sub("", re.sub(r"\A#!lua[^\n]*\n", "", source))


def whole_code_of(name: str) -> str:
    """The code of a script and of every include that it needs."""
    sources = [*(scripts.include_source(i) for i in scripts.includes_of(name)), scripts.source_of(name)]
    return "\n".join(code_of(source) for source in sources)


def shape(pattern: str) -> str:
    """A key's pattern with what varies left out: ``run:<id>`` is ``run:``, ``wake:common`` is ``wake:``."""
    word, colon, _ = pattern.partition(":")
    return word + colon


def touched_by(code: str) -> set[str]:
    """The shapes of all keys that a piece of code names."""
    return {word + (":" if more else "") for word, more in _KEY_CALL.findall(code)}


def odd_key_calls_of(code: str) -> list[str]:
    """Calls of ``key`` that do not begin with one literal word."""
    return _ODD_KEY_CALL.findall(code)


def commands_on_keys_of(code: str) -> list[tuple[str, str]]:
    """Every (command, shape of key) where both stand in one call."""
    return [(command, word + (":" if more else "")) for command, word, more in _COMMAND_ON_KEY.findall(code)]


def commands_of(code: str) -> set[str]:
    return set(_COMMAND.findall(code))


def arguments_of(code: str) -> set[str]:
    return set(_ARGUMENT.findall(code))


def tags_of(code: str) -> set[str]:
    return set(_TAG.findall(code)) - {_TAG_OF_GUARD}


def top_level_locals_of(code: str) -> list[str]:
    """Every name a piece of code defines in the one scope that a script shares with its includes."""
    found = [one or many for one, many in _TOP_LEVEL_LOCAL.findall(code)]
    return [name.strip() for names in found for name in names.split(",")]


def asked_by(source: str) -> list[tuple[str, set[str]]]:
    """Each script that a function asks, with the names of the arguments it gives."""
    found = []
    for call in re.finditer(r"\bask\('(\w+)', KEYS, \{", source):
        rest, depth = source[call.end() :], 1
        for end, character in enumerate(rest):  # noqa: B007 - used below
            depth += (character in "[{(") - (character in "]})")
            if depth == 0:
                break
        found.append((call[1], set(re.findall(r"(\w+) = ", _outside_brackets(rest[:end])))))
    return found


def _outside_brackets(text: str) -> str:
    depth = 0
    kept = []
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        if depth == 0:
            kept.append(character)
    return "".join(kept)
