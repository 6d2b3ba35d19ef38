"""What a key's reader answers for a value that something was already said about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobboard.core.diagnostic import Fault

if TYPE_CHECKING:
    from jobboard.core.diagnostic import Path


class Broken:
    """The value of a key that something was already said about."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


def broken(faults: list[Fault], fault: Fault) -> Broken:
    """Say what is wrong, and answer that it was said."""
    faults.append(fault)
    return BROKEN


def refused(error: ValueError, path: Path, faults: list[Fault]) -> Broken:
    """A fault made of an error whose sentence goes on, after a semicolon, with the way out."""
    message, _, hint = str(error).partition("; ")
    return broken(faults, Fault(path, message, sentence(hint)))


def sentence(hint: str | None) -> str | None:
    """A hint as a sentence of its own."""
    return hint[0].upper() + hint[1:] if hint else None
