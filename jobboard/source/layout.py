"""The canonical layout of a board's or a project's text: the order of keys, and how text is quoted.

The text itself is rewritten, by the places of its keys and values: comments, blank lines, anchors and block
texts stay as they are, and a key takes along the comments above it. What stands in braces on one line is
left in its order. The meaning never changes; `meaning_of` is how a caller makes sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jobboard.source.nodes import read_nodes, scalars
from jobboard.source.schema import project_schema, schema
from jobboard.source.text import Text
from jobboard.source.yamltree import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jobboard.source.nodes import Node

# What a person reads first of a job; the rest follows in the order of the schema.
_JOB_HEAD = (
    "description",
    "owner",
    "extend",
    "for_each",
    "name",
    "enabled",
    "run",
    "exec",
    "http",
    "call",
    "runner",
    "args",
    "with",
    "warm",
    "cron",
    "seconds",
    "days",
)
_SCHEDULE_KEYS = ("cron",)


def meaning_of(content: str) -> Any:
    """What a text says, whatever its layout; the order of jobs counts."""
    root = build(Text(content)).root
    jobs = root.get("jobs") if isinstance(root, dict) else None
    return root, list(jobs) if isinstance(jobs, dict) else None


def laid_out(content: str, kind: str = "board") -> str:
    """The canonical layout of a valid text.

    Args:
        content: The text.
        kind: ``board`` or ``project``.
    """
    plain = content.replace("\r\n", "\n")
    root = read_nodes(plain)
    if root is None:
        return plain
    quoted = _requoted(plain, root)
    lines = _trimmed(quoted.split("\n"), root)
    # Below a block text that keeps them, blank lines at the end of the file are part of it.
    floor = max((node.end.line for node, _ in scalars(root) if node.keeps), default=0)
    while len(lines) > floor and not lines[-1]:
        lines.pop()
    return "\n".join(_arranged(root, lines, 0, len(lines), _ROOTS[kind]())) + "\n"


def _requoted(content: str, root: Node) -> str:
    """The text with double quotes where single ones say the same, and around every cron expression."""
    edits = [
        (start, end, f'"{node.text}"')
        for node, key in scalars(root)
        if node.text.isprintable() and not set('"\\') & set(node.text)
        for start, end in _unquoted_span(content, node, key)
    ]
    for start, end, text in sorted(edits, reverse=True):
        content = content[:start] + text + content[end:]
    return content


def _unquoted_span(content: str, node: Node, key: str) -> Iterator[tuple[int, int]]:
    """Where a text stands that wants double quotes; nothing where it has them, or wants none."""
    source = content[node.start.index : node.end.index].rstrip()
    # Behind an anchor or a tag.
    lead = source.find("'") if node.quote == "'" else 0
    is_bare_schedule = key in _SCHEDULE_KEYS and not node.quote and source == node.text
    if node.start.line == node.end.line and (node.quote == "'" or is_bare_schedule):
        yield node.start.index + lead, node.start.index + len(source)


def _trimmed(lines: list[str], root: Node) -> list[str]:
    """The lines without blanks at their ends, but for those of texts that go over several lines."""
    within = {
        line
        for node, _ in scalars(root)
        if node.end.line > node.start.line and node.quote
        for line in range(node.start.line, node.end.line + (node.end.column > 0))
    }
    return [line if number in within else line.rstrip() for number, line in enumerate(lines)]


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a map is laid out: the order of its keys, or None to leave it, and the rule of each value."""

    order: Sequence[str] | None
    below: Callable[[str], _Rule | None]


def _leave(_key: str) -> _Rule | None:
    return None


def _job_rule() -> _Rule:
    keys = schema()["$defs"]["job"]["properties"]
    order = [*_JOB_HEAD, *(key for key in keys if key not in _JOB_HEAD)]
    policies = {name: _Rule(list(keys[name]["properties"]), _leave) for name in ("retries", "defer")}
    return _Rule(order, policies.get)


def _board_rule() -> _Rule:
    job = _job_rule()
    each = _Rule(None, lambda _key: job)
    return _Rule(list(schema()["properties"]), {"defaults": job, "profiles": each, "jobs": each}.get)


def _project_rule() -> _Rule:
    job = _job_rule()
    environment = _Rule(list(project_schema()["$defs"]["environment"]["properties"]), _leave)
    runner = _Rule(list(project_schema()["$defs"]["runner"]["properties"]), _leave)
    below = {
        "defaults": job,
        "runners": _Rule(None, lambda _key: runner),
        "profiles": _Rule(None, lambda _key: job),
        "queues": _Rule(None, lambda _key: job),
        "environments": _Rule(None, lambda _key: environment),
    }
    return _Rule(list(project_schema()["properties"]), below.get)


_ROOTS = {"board": _board_rule, "project": _project_rule}


@dataclass(slots=True)
class _Entry:
    """A key of a map with what belongs to it."""

    key: str
    lead: list[str]
    body: list[str]


def _arranged(node: Node, lines: Sequence[str], first: int, last: int, rule: _Rule) -> list[str]:
    """The lines of a map in canonical order.

    Args:
        node: The map.
        lines: All lines of the text.
        first: Where those of the map begin: behind the line of its key.
        last: Where they end: at the first line that is no longer its.
        rule: How it is laid out.
    """
    if not _is_block(node, lines):
        return list(lines[first:last])
    starts = [key.start.line for key, _ in node.entries]
    column = node.entries[0][0].start.column
    leads = [
        first,
        *(_lead_of(lines, start, above, column) for above, start in pairwise(starts)),
    ]
    tail = _lead_of(lines, last, starts[-1], column)
    entries = []
    for (key, value), lead, start, end in zip(node.entries, leads, starts, [*leads[1:], tail], strict=True):
        below = rule.below(key.text)
        body = list(lines[start:end])
        if below is not None and value.kind == "map":
            body = (
                [lines[start], *_arranged(value, lines, start + 1, end, below)]
                if _is_block(value, lines)
                else body
            )
        entries.append(_Entry(key.text, list(lines[lead:start]), body))
    header = _header(entries[0]) if first == 0 else []
    if rule.order is not None and not any(part.tied for part in node.parts):
        places = {key: place for place, key in enumerate(rule.order)}
        entries.sort(key=lambda entry: places.get(entry.key, len(places)))
    while entries[0].lead and not entries[0].lead[0]:
        del entries[0].lead[0]
    said = [line for entry in entries for line in (*entry.lead, *entry.body)]
    return [*header, *said, *lines[tail:last]]


def _is_block(node: Node, lines: Sequence[str]) -> bool:
    """Whether it is a map with each key at the beginning of a line of its own."""
    if node.kind != "map" or node.flow or not node.parts:
        return False
    return all(not lines[key.start.line][: key.start.column].strip() for key, _ in node.entries)


def _lead_of(lines: Sequence[str], start: int, above: int, column: int) -> int:
    """Where what belongs to the key at line `start` begins: blank lines and comments over it."""
    while start - 1 > above:
        line = lines[start - 1]
        stripped = line.lstrip()
        if stripped and not (stripped.startswith("#") and len(line) - len(stripped) <= column):
            break
        start -= 1
    return start


def _header(entry: _Entry) -> list[str]:
    """What stays at the top of a file, taken from the first entry: all up to the last gap, else all of it."""
    gaps = [number for number, line in enumerate(entry.lead) if not line or not line.startswith("#")]
    cut = gaps[-1] + 1 if gaps else len(entry.lead)
    header, entry.lead = entry.lead[:cut], entry.lead[cut:]
    return header
