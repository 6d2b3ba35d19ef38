"""Giving what is wrong its place in a file: from paths and offsets to lines and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.diagnostic import Diagnostic, Fault, KeyFault

if TYPE_CHECKING:
    from jobboard.source.yamltree import Flaw, Tree


def flawed(path: str, tree: Tree | None, flaw: Flaw) -> Diagnostic:
    """A flaw of the YAML with its place; without a tree it concerns the file as a whole."""
    if tree is None or flaw.offset < 0:
        return Diagnostic("error", path, 0, 0, flaw.message, flaw.hint)
    line, column = tree.text.position(flaw.offset)
    return Diagnostic("error", path, line, column, flaw.message, flaw.hint, tree.text.line(line), flaw.length)


def placed(path: str, tree: Tree, fault: Fault) -> Diagnostic:
    """A fault, its path from the root of the tree, with its place."""
    is_key = isinstance(fault, KeyFault)
    offset = tree.offset(fault.path, key=is_key) + (
        tree.shift(fault.path, fault.offset) if fault.offset else 0
    )
    line, column = tree.text.position(offset)
    return Diagnostic(
        severity=fault.severity,
        file=path,
        line=line,
        column=column,
        message=fault.message,
        hint=fault.hint,
        source=tree.text.line(line),
        length=tree.text.length_at(offset),
        rule=fault.rule,
    )
