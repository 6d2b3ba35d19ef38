"""Asking before something that is not easily undone: on a terminal by a question, elsewhere by a flag."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jobboard import errors

if TYPE_CHECKING:
    import argparse


def add_approval(parser: argparse.ArgumentParser) -> None:
    """The flag that answers the question beforehand."""
    parser.add_argument("--auto-approve", action="store_true", help="do not ask")


def approve(args: argparse.Namespace, question: str) -> None:
    """Ask, unless the flag answers.

    Raises:
        errors.UsageError: There is nobody to ask.
        errors.Interrupted: The answer is no.
    """
    if args.auto_approve:
        return
    if not sys.stdin.isatty() or args.output == "json":
        raise errors.UsageError(
            f"{question}, and there is no terminal to ask on", "add --auto-approve to do it"
        )
    # On standard error: whoever sends the result into a pipe still sees what they are asked.
    sys.stdout.flush()
    sys.stderr.write(f"{question}? Only 'yes' does it: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise errors.Interrupted("nothing was done")
