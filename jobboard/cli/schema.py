"""Print the JSON schema of a board. Editors use it to complete and to check as you type."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """``jobboard schema`` takes no arguments of its own."""
    parser.set_defaults(redis=None)


def execute(args: argparse.Namespace) -> int:
    """Print the schema as it is shipped."""
    from jobboard.source.schema import schema_text

    del args
    sys.stdout.write(schema_text())
    return 0
