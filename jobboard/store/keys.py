"""The keys of a namespace: one function each, with its type and its owner.

Everything of a namespace lies behind one hash tag, ``jb:{NAMESPACE}:``, hence in one slot of a cluster.
Lua derives the same names from the tag (`lua/include/key.lua`); `tests/unit/test_scripts.py` holds the two
to one list.
"""

from __future__ import annotations


def prefix(namespace: str) -> str:
    """What every key of a namespace begins with."""
    return f"jb:{{{namespace}}}:"
