"""A text looked for in what runs ran and in what they wrote; upper and lower case are one.

What a run ran is its own copy while it lives, what its record keeps of a pushed command, else its job's
present definition. Output is read up to a bound, and the result says how much that was. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jobboard.core.jobs.override import laid
from jobboard.core.names import split_address
from jobboard.store.boards import definitions
from jobboard.store.runs import past
from jobboard.store.runs.output import read_output
from jobboard.store.runs.recorded import own_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

MOST_BYTES = 64 << 20
"""Output that one search reads."""
MOST_RUNS = 5_000
"""Runs whose output one search asks for."""
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text was found: in a run's ``command`` or its ``output``, and what is around it there."""

    where: Literal["command", "output"]
    line: str


@dataclass(slots=True)
class Search:
    """Looks into one run after the other.

    Attributes:
        store: Where.
        text: What is looked for.
        matches: Run to where it was found.
        runs: Of how many runs the output was looked through.
        read_bytes: How much output that was.
        away: How many of them have output in files that are out of reach.
        complete: Whether the bound on output was never met.
    """

    store: Store
    text: str
    matches: dict[str, Match] = field(default_factory=dict)
    runs: int = 0
    read_bytes: int = 0
    away: int = 0
    complete: bool = True
    _commands: dict[str, str] = field(default_factory=dict)

    def finds(self, record: Record) -> bool:
        """Whether the text is in what a run ran or wrote; a nominal without a run has neither."""
        if not record.run_id:
            return False
        found = self._in_command(record) or self._in_output(record)
        if found is not None:
            self.matches[record.run_id] = found
        return found is not None

    def _in_command(self, record: Record) -> Match | None:
        own = past.read_spec(self.store, record.run_id) if record.live else own_spec(record)
        line = self._line(_text_of(own) if own is not None else self._command_of(record.job))
        return None if line is None else Match("command", line)

    def _command_of(self, address: str) -> str:
        if address not in self._commands:
            board, job = split_address(address)
            record = definitions.read_board(self.store, board)
            found = definitions.read_some(self.store, record.version, [job]) if record else {}
            self._commands[address] = _text_of(laid(found[job])) if job in found else ""
        return self._commands[address]

    def _in_output(self, record: Record) -> Match | None:
        if self.read_bytes >= MOST_BYTES or self.runs >= MOST_RUNS:
            self.complete = False
            return None
        self.runs += 1
        pieces: list[bytes] = []
        for chunk in read_output(self.store, record.run_id):
            if self.read_bytes >= MOST_BYTES:
                self.complete = False  # one file may hold more than all that is looked through
                break
            self.away += chunk.place is not None
            self.read_bytes += len(chunk.content)
            pieces.append(chunk.content)
        line = self._line(b"".join(pieces).decode("utf-8", "replace"))
        return None if line is None else Match("output", line)

    def _line(self, text: str) -> str | None:
        """The first line of a text that has it, cut to what is around it; None for none."""
        wanted = self.text.casefold()
        if wanted not in text.casefold():
            return None
        line = next((one for one in text.splitlines() if wanted in one.casefold()), text)
        at = max(0, line.casefold().find(wanted))
        begin = max(0, min(at - _SHOWN // 3, len(line) - _SHOWN))
        return line[begin : begin + _SHOWN].strip()


def _text_of(spec: Spec) -> str:
    """What a definition runs, as one text."""
    return " ".join(_strings(spec.get("command", {})))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
