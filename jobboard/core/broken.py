"""What a key's reader answers for a value that something was already said about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jobboard.core.diagnostic import Fault


class Broken:
    """The value of a key that something was already said about."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


def broken(faults: list[Fault], fault: Fault) -> Broken:
    """Say what is wrong, and answer that it was said."""
    faults.append(fault)
    return BROKEN
