"""What to say when a file is not YAML: where the reader stumbled, in words for whoever wrote the line.

Nearly every such file has one cause: a value that YAML takes for something else and that wanted quotes. The
faulty value is then blanked out, at equal length so that every offset stays true, and reading goes on: a
person sees all such lines at once, and what else is wrong besides.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

import yaml

from jobboard.source.bare import unquoted
from jobboard.source.text import Text
from jobboard.source.yamltree import EMPTY_HINT, Broken, Flaw, Tree, build

if TYPE_CHECKING:
    from collections.abc import Sequence

# Every repair reads the file once more; this bounds the characters read that way.
REPAIR_BUDGET = 8 * 1024 * 1024
REPAIR_LIMIT = 100

_WIDE_MARKS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes) -> Text | Flaw:
    """The text of a board's bytes, or why they are none: only UTF-8 is read, with or without a mark."""
    for mark, name in _WIDE_MARKS:
        if raw.startswith(mark):
            return Flaw(-1, f"the file is {name}", "Save it as UTF-8")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _undecodable(raw, error)
    if not content.strip():
        return Flaw(-1, "the file is empty; an empty file is never an empty board", EMPTY_HINT)
    return Text(content)


def _undecodable(raw: bytes, error: UnicodeDecodeError) -> Flaw:
    if b"\0" in raw:
        return Flaw(-1, "the file is not text", "Save it as UTF-8")
    line = raw.count(b"\n", 0, error.start) + 1
    return Flaw(
        -1, f"the file is not UTF-8: byte 0x{raw[error.start]:02x} in line {line}", "Save it as UTF-8"
    )


def parse(text: Text) -> Tree:
    """The tree of a board's text, with everything wrong with it as YAML in its `flaws`.

    The root is None where the text cannot be read even with its faulty values blanked out.
    """
    flaws: list[Flaw] = []
    content = text.content
    budget = REPAIR_BUDGET
    for _ in range(REPAIR_LIMIT):
        try:
            tree = build(text, content)
        except Broken as broken:
            return Tree(text, None, [*flaws, broken.flaw])
        except yaml.reader.ReaderError:
            return Tree(text, None, [*flaws, _unprintable(text)])
        except yaml.YAMLError as error:
            found, patched = _explain(text, content, error)
        else:
            tree.flaws.extend(flaws)
            return tree
        flaws += found
        budget -= len(content)
        if patched is None or budget < 0:
            break
        content = patched
    return Tree(text, None, flaws)


def _unprintable(text: Text) -> Flaw:
    """The flaw of the first character that YAML does not allow."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text.content)
    if match is None:
        return Flaw(-1, "the file is not text", "Save it as UTF-8")
    if match[0] == "\0":
        return Flaw(match.start(), "the file is not text: it holds a zero byte", "Save it as UTF-8")
    escape = f"\\u{ord(match[0]):04x}"
    message = f"the character U+{ord(match[0]):04X} may not stand in YAML"
    return Flaw(match.start(), message, f'Write it in double quotes, as "{escape}", if it is meant')


def _explain(text: Text, content: str, error: yaml.YAMLError) -> tuple[list[Flaw], str | None]:
    """What is wrong, and the text with the faulty value blanked out where that lets reading go on."""
    place = getattr(error, "problem_mark", None)
    if place is None:
        return [Flaw(0, "the file is not YAML", "Save it as UTF-8 text")], None
    offset = min(place.index, max(len(content) - 1, 0))
    context = getattr(error, "context_mark", None)
    start = context.index if context is not None else offset
    problem, task = str(getattr(error, "problem", "")), str(getattr(error, "context", ""))
    whole = (
        _unclosed(task, problem, start, text)
        or _cut_off(text, offset)
        or _misplaced(content, offset)
        or _wordless(text, problem, start)
    )
    if whole is not None:
        return [whole], None
    return unquoted(text, content, offset, problem) or ([_indented(text, offset)], None)


def _unclosed(task: str, problem: str, start: int, text: Text) -> Flaw | None:
    if "quoted scalar" in task and "end of stream" in problem:
        return Flaw(start, "this quote is never closed", "Close it, or see whether the file was saved whole")
    for kind, closing, words in (("sequence", "]", "list"), ("mapping", "}", "map")):
        if f"flow {kind}" in task and not text.closes_on_line(start):
            return Flaw(start, f"this {words} is never closed", f"Write  {closing}  at its end")
    return None


def _cut_off(text: Text, offset: int) -> Flaw | None:
    """A list or map on the last line that goes on into nothing: half a file."""
    found = text.value_at(max(offset - 1, 0))
    if found is None or found[2][:1] not in ("[", "{") or text.content[offset + 1 :].strip():
        return None
    _, start, value = found
    if text.closes_on_line(start):
        return None
    closing, word = ("]", "list") if value[0] == "[" else ("}", "map")
    hint = f"Write  {closing}  at its end, or see whether the file was saved whole"
    return Flaw(start, f"this {word} is never closed", hint)


def _wordless(text: Text, problem: str, start: int) -> Flaw | None:
    """A word alone on its line among keys: a key without a colon, or the last line of half a file."""
    word = text.line_at(start).strip()
    if "expected ':'" not in problem or text.value_at(start) is not None:
        return None
    if re.fullmatch(r"[^\s:]+:[^\s:]\S*.*", word):
        key, _, value = word.partition(":")
        return Flaw(start, "there is no space after the colon", f"Write  {key}: {value}")
    return Flaw(start, "a key without a colon", f"Write  {word}:  or see whether the file was saved whole")


def _misplaced(content: str, offset: int) -> Flaw | None:
    line_start = content.rfind("\n", 0, offset) + 1
    if content[offset] == "\t" and not content[line_start:offset].strip():
        return Flaw(offset, "this line is indented with a tab", "Indent with spaces")
    return None


def _indented(text: Text, offset: int) -> Flaw:
    line, column = text.position(offset)
    begin = offset - column + 1
    above = text.line(line - 1) if line > 1 else ""
    glued = re.fullmatch(r"(\s*)([\w.-]+):([^\s:]\S*.*)", above)
    if glued:
        start = text.start_of(line - 1) + len(glued[1])
        hint = f"Write  {glued[2]}: {glued[3]}"
        return Flaw(start, "there is no space after the colon", hint, len(glued[2]))
    shown = text.line(line)
    start = begin + len(shown) - len(shown.lstrip(" "))
    return Flaw(
        start, "this line does not fit the lines above it", "Give keys of one map the same indentation"
    )
