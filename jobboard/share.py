"""What ships beside the code: the schema and the example boards.

In a checkout they stand at the top, where people look; an installed package carries them inside.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_share", _PACKAGE.parent)


def shared(name: str) -> Path:
    """The folder of that name: ``schemas`` or ``boards``."""
    return next(place / name for place in _PLACES if (place / name).is_dir())
