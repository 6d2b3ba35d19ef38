"""Values written into the text of a job: as few characters as say it, and every other one stays as it is.

What a key says is replaced in its place; a key that comes is put behind the last one, one that goes takes its
lines along; where another takes its place, as `every` does of `cron`, it stands where that stood. Whether the
text means what it should is for the caller to see: an anchor, for one, may be shared with another job.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.written import differences
from jobboard.source.scalar import plain_scalar, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.source.nodes import Node

_WORD = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+=-]*")
_WORDS = re.compile(rf"{_WORD.pattern}(?: {_WORD.pattern})*")
# What a block text can say as it stands: printable lines, of which the first is not indented.
_LINES = re.compile(r"[^\s\x00-\x1f\x7f-\x9f][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
# Keys that stand in quotes although a plain word would do: what is in them is a language of its own.
_QUOTED = frozenset({"cron"})


class Unwritable(Exception):
    """The text has no place for the value; the message says why, in words that follow ``not written:``."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


def applied(content: str, edits: Iterable[Edit]) -> str:
    """The text with all of the edits made.

    Raises:
        Unwritable: Two of them are about the same characters.
    """
    pieces, reached = [], 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < reached:
            raise Unwritable("the values stand in each other's way")
        pieces += [content[reached : edit.start], edit.text]
        reached = edit.end
    return "".join([*pieces, content[reached:]])


def edits_of(
    content: str, job: Node, changes: Mapping[str, tuple[Any, Any]], lower: Mapping[str, Any]
) -> list[Edit]:
    """How the text of a job changes.

    Args:
        content: The text of the file.
        job: The job's node in it.
        changes: Key to what it says and what it is to say, as a board writes them; None for an absent key.
        lower: What the layers below the job say: a key that goes must take that back as well.

    Raises:
        Unwritable: The job is not written as a map.
    """
    if job.kind != "map":
        raise Unwritable("the job is not written out here, but stands for another")
    return _Writer(content).map_edits(job, changes, lower)


class _Writer:
    def __init__(self, content: str) -> None:
        self.content = content
        self.newline = "\r\n" if "\r\n" in content else "\n"

    def map_edits(
        self, node: Node, changes: Mapping[str, tuple[Any, Any]], lower: Mapping[str, Any]
    ) -> list[Edit]:
        """The edits of a map's entries."""
        edits: list[Edit] = []
        gone: list[int] = []
        come: list[tuple[str, Any]] = []
        for key, (before, after) in changes.items():
            entry = node.entry(key)
            if entry is None:
                # A zone that nothing is local to any more is in nobody's way.
                if after is None and (lower.get(key) is None or key == "timezone"):
                    continue
                come.append((key, _over(key, before, after, lower.get(key))))
            elif (after is None and lower.get(key) is None) or self._empties(entry[1], before, after):
                gone.append(node.entries.index(entry))
            else:
                edits += self._value_edits(node, entry, before, after, lower.get(key))
        while gone and come and come[0][1] is not None:
            edits.append(self._swap(node, gone.pop(0), *come.pop(0)))
        return [*edits, *self._deletions(node, gone), *self._insertions(node, come)]

    def _empties(self, value: Node, before: Any, after: Any) -> bool:
        """Whether a map would be left without anything in it."""
        if value.kind != "map" or not isinstance(before, dict) or not isinstance(after, dict):
            return False
        return not after and all(key.text in before for key, _ in value.entries)

    def _value_edits(
        self, node: Node, entry: tuple[Node, Node], before: Any, after: Any, lower: Any
    ) -> list[Edit]:
        key, value = entry
        if value.kind == "map" and value.parts and isinstance(before, dict) and isinstance(after, dict):
            return self.map_edits(value, differences(before, after), lower if isinstance(lower, dict) else {})
        if value.kind == "list" and _is(key.text, "set") and after:
            return self._list_edits(key, value, after)
        if after is None and isinstance(lower, dict) and _is(key.text, "map"):
            after = dict.fromkeys(lower)
        return [self._replaced(node, key, value, after)]

    def _replaced(self, node: Node, key: Node, value: Node, after: Any) -> Edit:
        if value.kind in ("map", "list") and not value.flow:
            start = self.content.index(":", key.end.index) + 1
            return Edit(start, self._end(value), f" {_flow(after)}")
        text = self._spelled(after, key.text, key, quote=value.quote, lines=self._has_lines(node, value))
        start = value.start.index
        # A key with nothing behind it ends at its colon.
        return Edit(start, self._end(value), text if self.content[start - 1 : start] != ":" else f" {text}")

    def _list_edits(self, key: Node, value: Node, after: Sequence[Any]) -> list[Edit]:
        """A set: what stays keeps its place, what comes is put behind it."""
        here = [part.text for part in value.parts]
        there = {str(item): item for item in after}
        new = [item for text, item in there.items() if text not in here]
        stays = [index for index, text in enumerate(here) if text in there]
        if value.flow or not stays or any(part.kind != "scalar" for part in value.parts):
            kept = [there[here[index]] for index in stays]
            start = value.start.index if value.flow else self.content.index(":", key.end.index) + 1
            text = _flow([*kept, *new])
            return [Edit(start, self._end(value), text if value.flow else f" {text}")]
        edits = [self._lines_gone(p, p) for i, p in enumerate(value.parts) if i not in stays]
        dash = " " * value.start.column + "- "
        lines = [dash + _flow(item) for item in new]
        return [*edits, *([self._line_behind(value, lines)] if lines else [])]

    def _swap(self, node: Node, index: int, key: str, value: Any) -> Edit:
        """Another key in the place of one that goes."""
        old, said = node.entries[index]
        text = self._spelled(value, key, old, lines=self._has_lines(node, said))
        return Edit(old.start.index, self._end(said), f"{key}: {text}")

    def _deletions(self, node: Node, gone: list[int]) -> list[Edit]:
        entries = node.entries
        if not node.flow:
            return [self._lines_gone(*entries[index]) for index in gone]
        last = len(entries)
        while last - 1 in gone:
            last -= 1
        edits = [
            Edit(entries[index][0].start.index, entries[index + 1][0].start.index, "")
            for index in gone
            if index < last
        ]
        if last < len(entries):
            start = self._end(entries[last - 1][1]) if last else entries[0][0].start.index
            edits.append(Edit(start, self._end(entries[-1][1]), ""))
        return edits

    def _insertions(self, node: Node, come: Sequence[tuple[str, Any]]) -> list[Edit]:
        if not come:
            return []
        if node.flow:
            said = ", ".join(f"{_name(key)}: {_flow(value)}" for key, value in come)
            if not node.entries:
                return [Edit(node.start.index + 1, node.start.index + 1, said)]
            end = self._end(node.entries[-1][1])
            return [Edit(end, end, f", {said}")]
        first = node.entries[0][0]
        margin = " " * first.start.column
        lines = [
            f"{margin}{_name(key)}: {self._spelled(value, key, first, lines=True)}" for key, value in come
        ]
        return [self._line_behind(node, lines)]

    def _line_behind(self, node: Node, lines: Sequence[str]) -> Edit:
        """New lines below the last one of a node."""
        end = self.content.find("\n", self._end(node))
        if end < 0:
            return Edit(len(self.content), len(self.content), "".join(self.newline + line for line in lines))
        return Edit(end + 1, end + 1, "".join(line + self.newline for line in lines))

    def _lines_gone(self, first: Node, last: Node) -> Edit:
        """The lines of an entry taken out."""
        start = self.content.rfind("\n", 0, first.start.index) + 1
        end = self.content.find("\n", self._end(last))
        return Edit(start, end + 1 if end >= 0 else len(self.content), "")

    def _end(self, node: Node) -> int:
        """Where what a node says ends: a block ends with the last thing in it, before blank lines."""
        while node.kind in ("map", "list") and not node.flow and node.parts:
            node = node.parts[-1]
        said = self.content[node.start.index : node.end.index]
        return int(node.start.index + len(said.rstrip()))

    def _has_lines(self, node: Node, value: Node) -> bool:
        """Whether a text of several lines may stand where a value stands: nothing follows on its line."""
        end = self._end(value)
        return not node.flow and not self.content[end : (self.content + "\n").index("\n", end)].strip()

    def _spelled(self, value: Any, key: str, place: Node, *, lines: bool, quote: str = "") -> str:
        """A value as it stands behind a key.

        Args:
            value: The value.
            key: Its key.
            place: The key's node, or that of another key in the same column.
            lines: Whether it may go over several lines.
            quote: How the value before it was quoted.
        """
        if not isinstance(value, str):
            return _flow(value)
        body = value.removesuffix("\n")
        if lines and "\n" in value and not body.endswith("\n") and _LINES.fullmatch(body):
            margin = " " * (place.start.column + 2)
            said = [f"{margin}{line}" if line else "" for line in body.split("\n")]
            return self.newline.join(["|-" if body == value else "|", *said])
        if quote in ("'", '"') or key in _QUOTED:
            return _quoted(value)
        return value if _is_plain(value, _WORDS) else _quoted(value)


def _over(key: str, before: Any, after: Any, lower: Any) -> Any:
    """What a key says that is new in the job: of a map that is merged, only what differs."""
    if isinstance(lower, dict) and _is(key, "map"):
        now = after or {}
        return {name: now.get(name) for name in differences(before or {}, now)}
    return after


def _is(key: str, kind: str) -> bool:
    return key in FIELDS and FIELDS[key].kind == kind


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_name(name)}: {_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return value if _is_plain(value, _WORD) else _quoted(value)
    return json.dumps(value)


def _name(key: str) -> str:
    return key if _WORD.fullmatch(key) else _quoted(key)


def _is_plain(text: str, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.fullmatch(text)) and plain_scalar(text) == text


def _quoted(text: str) -> str:
    """Text in quotes; what cannot be printed is escaped."""
    if text.isprintable():
        return quoted(text)
    return '"' + "".join(_ESCAPES.get(char) or _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08X}"
