"""The runner that does nothing but say what it was asked for, to try a board out before its program is there.

A project has it by ``runners: {console: {}}``.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def show(run: Mapping[str, Any]) -> None:
    """Print the run as a runner gets it."""
    json.dump(run, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
