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
    if not is_answered_yes(f"{question}? Only 'yes' does it: "):
        raise errors.Interrupted("nothing was done")


def is_answered_yes(question: str) -> bool:
    """Ask on the terminal; whether the answer is yes. No answer is none: Ctrl-D, and Ctrl-C too."""
    # On standard error: whoever sends the result into a pipe still sees what they are asked.
    sys.stdout.flush()
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        answer = ""
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return answer.strip() == "yes"
