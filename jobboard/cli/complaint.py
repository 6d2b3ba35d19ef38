"""What argparse says of an argument, in the words of every other error."""

from __future__ import annotations

import re

_KINDS = {"int": "a whole number", "float": "a number"}
_NO_NUMBER = re.compile(
    r"argument (?P<flag>\S+): invalid (?P<kind>int|float) value: (?P<value>.*)", re.DOTALL
)
_NO_CHOICE = re.compile(
    r"argument (?P<flag>\S+): invalid choice: (?P<value>.*) \(choose from (?P<words>.*)\)", re.DOTALL
)
_NO_VALUE = re.compile(r"argument (?P<flag>\S+): expected (?:one argument|at least one argument)")


def plainly(message: str) -> str:
    """The complaint in plain words; as it is, where there are none for it.

    The forms are those of ``argparse`` in Python 3.11 to 3.14, which differ in how they quote choices.
    """
    if match := _NO_NUMBER.fullmatch(message):
        return f"{match['flag']} takes {_KINDS[match['kind']]}, not {match['value']}"
    if match := _NO_CHOICE.fullmatch(message):
        *others, last = [word.strip("'\"") for word in match["words"].split(", ")]
        listed = f"{', '.join(others)} or {last}" if others else last
        return f"{match['flag']} takes {listed}, not {match['value']}"
    if match := _NO_VALUE.fullmatch(message):
        return f"{match['flag']} needs a value"
    return message
