"""How soon a command answers: ``--help``, and ``lint`` of 200 jobs, beside a bare interpreter's start."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import command, costs_in_turn, run, show_costs
from bench.read import board_text

ROUNDS = 15


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder, "board.yaml")
        board.write_text(board_text(200), encoding="utf-8")
        told, linted, bare = costs_in_turn(
            [
                lambda: run(command("--help"), {}),
                lambda: run(command("lint", str(board)), {}, Path(folder)),
                lambda: run([sys.executable, "-c", "pass"], {}),
            ],
            ROUNDS,
        )
    show_costs("jobboard --help", told, "bare interpreter", bare, "<= 6")
    show_costs("jobboard lint, 200 jobs", linted, "bare interpreter", bare, "150 ms")


if __name__ == "__main__":
    main()
