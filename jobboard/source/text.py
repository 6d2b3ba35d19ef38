"""The text of a board: where its lines begin, and what stands on each."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from jobboard.source.scalar import quoted

# The head of a line up to its value: list dashes, and a key with its colon.
_VALUE = re.compile(
    r"""(?P<lead>[ ]*(?:-[ ]+)*)
        (?:(?P<key>[A-Za-z0-9_."'/-]+[ ]*):[ ]+)?
        (?P<value>[^\n#][^\n]*)?""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"[ \t]+#.*$")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\n]|\'\')*\'|(?:[^\s,:\[\]{}"\']|:(?=\S))+')


# A longer value is not written out in a message.
LONGEST_SHOWN = 300


class Text:
    """A file's text, with offsets counted in characters.

    Some lines are **scarred**: something was already said about them, and whatever else they seem to be wrong
    about only follows from it.
    """

    def __init__(self, content: str) -> None:
        self.content = content
        self._scars: set[int] = set()
        # The line last asked for: a line with many faults is cut out once.
        self._shown = (0, "")

    @cached_property
    def _starts(self) -> list[int]:
        lengths = (len(line) + 1 for line in self.content.split("\n"))
        return list(accumulate(lengths, initial=0))[:-1]

    @property
    def lines(self) -> int:
        """How many lines there are, an empty one behind the last line's end included."""
        return len(self._starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both 1-based."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_at(self, offset: int) -> str:
        """The line an offset stands on, without its end."""
        return self.line(self.position(offset)[0])

    def start_of(self, number: int) -> int:
        """Where line `number`, 1-based, begins."""
        return self._starts[number - 1]

    def line(self, number: int) -> str:
        """Line `number`, 1-based, without its end."""
        if self._shown[0] != number:
            start = self._starts[number - 1]
            end = self.content.find("\n", start)
            self._shown = (number, self.content[start : end if end >= 0 else None].rstrip("\r"))
        return self._shown[1]

    def length_at(self, offset: int) -> int:
        """How many characters the word or quoted text at an offset takes; at least 1."""
        match = _TOKEN.match(self.content, offset)
        return len(match[0]) if match else 1

    def scar(self, offset: int) -> None:
        """Say nothing more about the line of `offset`."""
        self._scars.add(self.position(offset)[0])

    @property
    def scarred(self) -> bool:
        """Whether something was said about any line."""
        return bool(self._scars)

    def is_scarred(self, offset: int) -> bool:
        """Whether something was already said about the line of `offset`."""
        return self.position(offset)[0] in self._scars

    def value_at(self, offset: int) -> tuple[str | None, int, str] | None:
        """Key, offset and text of the value that `offset` stands in; None where it stands in no value.

        The value is taken as a person would: all that follows the key on its line, less a comment.
        """
        line, column = self.position(offset)
        match = _VALUE.match(self.line(line))
        if match is None or match["value"] is None or match.start("value") > column - 1:
            return None
        if match["key"] is None and not match["lead"].strip():
            return None
        key = match["key"].strip() if match["key"] else None
        return key, self._starts[line - 1] + match.start("value"), _COMMENT.sub("", match["value"]).rstrip()

    def closes_on_line(self, offset: int) -> bool:
        """Whether the bracket at `offset` has its partner on the same line."""
        closing = {"[": "]", "{": "}"}.get(self.content[offset : offset + 1], "")
        end = self.content.find("\n", offset)
        return bool(closing) and closing in self.content[offset : end if end >= 0 else None]

    def quoting_hint(self, offset: int) -> str | None:
        """The line to write instead, its value quoted; None where `offset` stands in no value.

        In a map or a list on one line it is not the whole of that which wants quotes.
        """
        found = self.value_at(offset)
        if found is None or (found[1] < offset and found[2][:1] in ("{", "[")):
            return None
        key, _, value = found
        if len(value) > LONGEST_SHOWN:
            return "Put the value in quotes"
        return f"Write  {key + ': ' if key else '- '}{quoted(value)}"
