"""What a plain word of YAML means, by the core schema of YAML 1.2 and nothing beyond it.

Only ``true`` and ``false`` are booleans: ``on``, ``no`` and ``12:30`` are text. Only numbers written the
plain decimal way are numbers: ``08``, ``0644``, ``0x1f`` and ``+5`` stay text, since a board that says them
means a file mode or a code, and a number would forget how it was written. So do ``.inf`` and ``.nan``,
which JSON does not have.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
# Beyond this a number could be neither counted with nor stored; as text it is refused where it stands.
_DIGITS = 18
_FIRST = frozenset("-.0123456789")


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST or text[-1] not in "0123456789" or len(text) > _DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def quoted(text: str) -> str:
    """`text` as a quoted scalar that YAML reads back as it is; for text on one line."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
