"""Rules silenced in place: ``# jobboard: ignore RULE REASON``.

Behind something, such a comment is about what begins on its line; on a line of its own, about what begins on
the next. Either way it reaches as far as what is indented below: over a key, a job, or all jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import yaml

from jobboard.core.diagnostic import Diagnostic, Fault
from jobboard.core.rules import RULES
from jobboard.source.yamltree import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.rules import Level
    from jobboard.source.text import Text

MARK = "jobboard: ignore"
_COMMENT = re.compile(
    r"(?:^|(?<=[ \t]))#[ \t]*jobboard:[ \t]*ignore\b[ \t]*(\S*)[ \t]*(.*?)[ \t\r]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Silence:
    """A comment that silences a rule.

    Attributes:
        offset: Where the comment begins.
        first, last: The lines it is about, 1-based.
    """

    offset: int
    rule: str
    reason: str
    first: int
    last: int

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether it is this one's affair."""
        return diagnostic.rule == self.rule and self.first <= diagnostic.line <= self.last


def hushed(
    shown: str, text: Text, diagnostics: Sequence[Diagnostic], levels: Mapping[str, Level]
) -> list[Diagnostic]:
    """The diagnostics of a file less those that are silenced, and what is wrong with the silences.

    Args:
        shown: The file, as messages show it.
        text: Its text.
        diagnostics: Of this file, each at its level.
        levels: Of the rules: a silence of one that is off is not idle.
    """
    silences = list(silences_of(text))
    kept = [d for d in diagnostics if not any(silence.covers(d) for silence in silences)]
    for silence in silences:
        is_idle = not any(silence.covers(diagnostic) for diagnostic in diagnostics)
        if is_idle and levels.get(silence.rule) != "off":
            kept.append(_about(shown, text, silence, _idleness(silence.rule)))
        elif not silence.reason:
            kept.append(_about(shown, text, silence, _unreasoned(silence.rule)))
    return kept


def _unreasoned(rule: str) -> Fault:
    hint = f"Write it behind:  # {MARK} {rule} REASON"
    return Fault((), f'"{rule}" is silenced without a reason', hint, "warning", rule="silence-reason")


def _idleness(rule: str) -> Fault:
    message, hint = _cause(rule)
    return Fault((), message, hint, "warning", rule="idle-silence")


def _cause(rule: str) -> tuple[str, str]:
    """Why nothing is silenced, and the way out."""
    if rule in RULES:
        return f'nothing here breaks "{rule}"', "Take the comment out"
    near = get_close_matches(rule, RULES, n=1)
    hint = f'Did you mean "{near[0]}"?' if near else f"Rules are  {', '.join(RULES)}"
    return (f'there is no rule "{rule}"' if rule else "no rule is named"), hint


def _about(shown: str, text: Text, silence: Silence, fault: Fault) -> Diagnostic:
    line, column = text.position(silence.offset)
    source = text.line(line)
    length = len(source.rstrip()) - column + 1
    return Diagnostic(
        fault.severity, shown, line, column, fault.message, fault.hint, source, length, fault.rule
    )


def silences_of(text: Text) -> Iterator[Silence]:
    """The silences of a file, in order."""
    spans = None
    for match in _COMMENT.finditer(text.content):
        spans = _quoted_spans(text.content) if spans is None else spans
        if not any(start < match.start() < end for start, end in spans):
            first = _first_line(text, match.start())
            yield Silence(match.start(), match[1], match[2], first, _last_line(text, first))


def _quoted_spans(content: str) -> list[tuple[int, int]]:
    """Where texts stand in which a # begins no comment."""
    try:
        events = [event for event in yaml.parse(content, Loader) if isinstance(event, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return []
    marks = [(event.start_mark, event.end_mark) for event in events if event.style]
    return [(start.index, end.index) for start, end in marks if start is not None and end is not None]


def _first_line(text: Text, offset: int) -> int:
    """The line that a comment is about: its own, or the next with something on it."""
    line, column = text.position(offset)
    if text.line(line)[: column - 1].strip():
        return line
    while line < text.lines and _is_idle(text.line(line)):
        line += 1
    return line


def _last_line(text: Text, first: int) -> int:
    """The last line of what begins on a line: all that is indented deeper."""
    depth = _depth(text.line(first))
    last = first
    for number in range(first + 1, text.lines + 1):
        line = text.line(number)
        if line.strip() and _depth(line) <= depth:
            break
        last = number
    return last


def _is_idle(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
