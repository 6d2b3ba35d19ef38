"""Printing what is wrong with boards: everything, unless that is more than a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.diagnostic import render, tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from jobboard.core.diagnostic import Diagnostic

SHOWN = 100
"""Diagnostics printed before the rest is only counted; ``-o json`` lists all."""


def print_faults(diagnostics: Sequence[Diagnostic], stream: TextIO) -> None:
    """Print them, errors first where not all are printed, and the line that counts them."""
    if len(diagnostics) <= SHOWN:
        stream.write(render(diagnostics))
        return
    worst = sorted(diagnostics, key=lambda d: d.severity != "error")[:SHOWN]
    stream.write(render(worst).removesuffix(tally(worst) + "\n"))
    stream.write(f"… and {len(diagnostics) - SHOWN:,} more; -o json lists all.\n{tally(diagnostics)}\n")
