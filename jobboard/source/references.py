"""References in a board's text that are resolved as it is read: ``${var:NAME}``.

A value that is nothing but a reference becomes what the reference stands for, a number too; beside other
text it is text. ``$${`` writes the characters themselves. References that a worker resolves when it starts
a command (``${env:NAME}``, ``${file:PATH}``) are none of these and stay as they are.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobboard.core.diagnostic import Path

_PATTERNS = {kind: re.compile(rf"(\$?)\$\{{{kind}:([^}}]*)(\}}?)") for kind in ("var", "each")}
_USED = re.compile(rb"\$\{var:([A-Za-z_][A-Za-z0-9_]*)")


class BadReference(Exception):
    """A reference that stands for nothing.

    Attributes:
        message, hint: As of a `Fault`.
        offset: Where in the text it stands.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = 0


def interpolated(text: str, kind: str, find: Callable[[str], Any]) -> Any:
    """`text` with every reference of a kind replaced by what `find` gives for it.

    Raises:
        BadReference: From `find`, or a reference is not closed, or is a list or a map beside other text.
    """
    pattern = _PATTERNS[kind]
    whole = pattern.fullmatch(text)
    if whole is not None and not whole[1]:
        return _found(whole, find)
    return pattern.sub(lambda match: match[0][1:] if match[1] else _text_of(match, find), text)


def _found(match: re.Match[str], find: Callable[[str], Any], *, within: bool = False) -> Any:
    try:
        return _checked(match[0], find(match[2]) if match[3] else None, within=within)
    except BadReference as bad:
        bad.offset = match.start()
        raise


def _checked(reference: str, value: Any, *, within: bool) -> Any:
    if not reference.endswith("}"):
        raise BadReference(f"{reference} is never closed", "Write  }  at its end")
    if within and isinstance(value, dict | list):
        what = "a map" if isinstance(value, dict) else "a list"
        raise BadReference(f"{reference} is {what}, which cannot stand within text", "Let it stand alone")
    return value


def _text_of(match: re.Match[str], find: Callable[[str], Any]) -> str:
    value = _found(match, find, within=True)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def fill_in(root: Any, variables: Mapping[str, Any]) -> list[Fault]:
    """Put variables into every text of a tree, in place; what is wrong, by path from the root.

    Keys are left alone. What an alias shares is filled in once.
    """
    faults: list[Fault] = []

    def find(body: str) -> Any:
        return _variable(body, variables)

    for container, key, path in _texts(root, "${var:"):
        try:
            container[key] = interpolated(container[key], "var", find)
        except BadReference as bad:
            faults.append(Fault(path, bad.message, bad.hint, offset=bad.offset))
    return faults


def _texts(root: Any, mark: str) -> Iterator[tuple[Any, Any, Path]]:
    """Container, key and path of every text that contains `mark`, each container once."""
    seen: set[int] = set()
    stack: list[tuple[Any, Path]] = [(root, ())]
    while stack:
        container, path = stack.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        pairs = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(pairs) if isinstance(container, dict | list) else ():
            if isinstance(value, dict | list):
                stack.append((value, (*path, key)))
            elif isinstance(value, str) and mark in value:
                yield container, key, (*path, key)


def _variable(body: str, variables: Mapping[str, Any]) -> Any:
    name, has_default, default = body.partition(":-")
    if name in variables:
        return variables[name]
    if has_default:
        return default
    near = get_close_matches(name, variables, n=1)
    hint = (
        f'Did you mean "{near[0]}"?'
        if near
        else f"Set it below  variables:  in jobboard.yaml, or write  ${{var:{name}:-DEFAULT}}"
    )
    raise BadReference(f'there is no variable "{name}"', hint)


def variables_used(raw: bytes) -> list[str]:
    """The names of the variables that a file's bytes refer to, sorted; comments count too."""
    return sorted({name.decode() for name in _USED.findall(raw)}) if b"${var:" in raw else []
