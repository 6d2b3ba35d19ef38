"""What is wrong with a board, said so that a person can put it right.

A **fault** knows what is wrong and where in the board's tree; the pure code returns faults. A **diagnostic**
is a fault that has been given its place in a file: file, line, column and the source line. Nothing here
decides what is wrong, and nothing here prints.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Severity: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]

# Wider source lines are cut around the place they are shown for.
SOURCE_WIDTH = 100

_WORDS: Mapping[Severity, str] = {"error": "error", "warning": "warn"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, without a position in a file.

    Attributes:
        path: Keys and indexes from the job's root, or from the board's where no job is concerned.
        message: One sentence for a person, without the way out.
        hint: The way out: what to write instead, or what to type next.
        severity: A warning never stops anything.
        offset: How many characters into the text at `path` it stands.
        rule: The name of the rule it breaks (`core.rules`), which every warning has; empty for an error.
    """

    path: Path
    message: str
    hint: str | None = None
    severity: Severity = "error"
    offset: int = 0
    rule: str = ""

    def under(self, *prefix: str | int) -> Self:
        """The same fault, seen from further up the tree."""
        return replace(self, path=(*prefix, *self.path))


@dataclass(frozen=True, slots=True)
class KeyFault(Fault):
    """A fault of the last key of `path` itself, not of what stands beside it."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A fault with its place in a file.

    Attributes:
        line: 1-based; 0 where the fault concerns the file as a whole.
        column: 1-based, in characters; 0 where the line is 0.
        source: The text of that line, without its end; None where there is none to show.
        length: How many characters of the line are meant.
        rule: The name of the rule that is broken, if it is one that can be configured.
    """

    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str | None = None
    source: str | None = None
    length: int = 1
    rule: str = ""

    @property
    def place(self) -> str:
        """``file:line:column``, as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def text(self, width: int = 0) -> str:
        """The diagnostic for a terminal, without a line end; `width` pads the place so that several align."""
        rule = f" [{self.rule}]" if self.rule else ""
        head = f"{visible(self.place):<{width}}  {_WORDS[self.severity]:<5}  {visible(self.message)}{rule}"
        if self.source is None:
            return head if self.hint is None else f"{head}. {visible(self.hint)}"
        return f"{head}\n{self._excerpt(self.source)}"

    def as_json(self) -> dict[str, Any]:
        """The diagnostic for programs; keys are stable."""
        return {
            "severity": self.severity,
            "rule": self.rule or None,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "length": self.length,
            "message": self.message,
            "hint": self.hint,
            "source": self.source,
        }

    def _excerpt(self, source: str) -> str:
        shown, before = _clip(source, self.column - 1)
        gutter = f"{self.line:>4} | "
        mark = "^" + "~" * (min(self.length, len(shown) - before) - 1)
        hint = "" if self.hint is None else f" {visible(self.hint)}"
        return f"{gutter}{visible(shown)}\n{'|':>6} {' ' * _columns(shown[:before])}{mark}{hint}"


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """All diagnostics and the line that counts them, for a terminal; empty where there are none."""
    if not diagnostics:
        return ""
    width = max(len(visible(d.place)) for d in diagnostics)
    lines = [d.text(width) for d in diagnostics]
    return "\n".join([*lines, tally(diagnostics)]) + "\n"


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """How many of what, in how many files, such as ``3 errors, 1 warning in 1 file``, as a sentence."""
    listed = tuple(diagnostics)
    errors = sum(d.severity == "error" for d in listed)
    parts = [_count(errors, "error")] if errors else []
    if len(listed) > errors:
        parts.append(_count(len(listed) - errors, "warning"))
    return f"{', '.join(parts) or 'no errors'} in {_count(len({d.file for d in listed}), 'file')}."


def visible(text: str) -> str:
    """`text` without anything that could move a terminal's cursor, reorder what is read, or not be seen."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return "→" if character == "\t" else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _columns(text: str) -> int:
    """How many columns a terminal needs for `text`."""
    shown = visible(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in shown)
    return len(shown) + wide - sum(unicodedata.combining(character) > 0 for character in shown)


def _clip(source: str, index: int) -> tuple[str, int]:
    """The part of a long line around `index`, and where `index` stands in it."""
    if len(source) <= SOURCE_WIDTH:
        return source, index
    start = max(0, min(index - SOURCE_WIDTH // 2, len(source) - SOURCE_WIDTH))
    end = start + SOURCE_WIDTH
    left, right = "…" if start else "", "…" if end < len(source) else ""
    return f"{left}{source[start:end]}{right}", index - start + len(left)
