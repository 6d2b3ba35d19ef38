"""How soon a command answers: ``--help``, and ``lint`` of 200 jobs, beside a bare interpreter's start."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import command, in_turn, run, show
from bench.read import board_text

ROUNDS = 15


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder, "board.yaml")
        board.write_text(board_text(200), encoding="utf-8")
        help_s, lint_s, bare_s = in_turn(
            [
                lambda: run(command("--help"), {}),
                lambda: run(command("lint", str(board)), {}, Path(folder)),
                lambda: run([sys.executable, "-c", "pass"], {}),
            ],
            ROUNDS,
        )
    show("jobboard --help", help_s, "bare interpreter", bare_s, "<= 6")
    show("jobboard lint, 200 jobs", lint_s, "bare interpreter", bare_s, "150 ms")


if __name__ == "__main__":
    main()
