"""What argparse says of an argument, in the words of every other error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_KINDS = {"int": "a whole number", "float": "a number"}
_NO_NUMBER = re.compile(
    r"argument (?P<flag>\S+): invalid (?P<kind>int|float) value: (?P<value>.*)", re.DOTALL
)
_NO_CHOICE = re.compile(
    r"argument (?P<flag>\S+): invalid choice: (?P<value>.*) \(choose from (?P<words>.*)\)", re.DOTALL
)
_OF_OURS = re.compile(r"argument (?P<flag>\S+): (?P<said>.*)", re.DOTALL)
_MISSING = re.compile(r"the following arguments are required: (?P<names>.*)", re.DOTALL)
_EXPLAINED = re.compile(r"  +")
"""What stands between an example and what is said of it."""
_UNKNOWN = "unrecognized arguments: "
_NO_VALUE = re.compile(r"argument (?P<flag>\S+): expected (?:one argument|at least one argument)")


def plainly(message: str, optional: Collection[str] = ()) -> str:
    """The complaint in plain words; as it is, where there are none for it.

    `optional` are arguments of which there may be none: what is missing is never one of them, although
    ``argparse`` counts those it did not get to.

    The forms are those of ``argparse`` in Python 3.11 to 3.14, which differ in how they quote choices.
    """
    if match := _NO_NUMBER.fullmatch(message):
        return f"{_flag(match)} takes {_KINDS[match['kind']]}, not {match['value']}"
    if match := _NO_CHOICE.fullmatch(message):
        *others, last = [word.strip("'\"") for word in match["words"].split(", ")]
        listed = f"{', '.join(others)} or {last}" if others else last
        return f"{_flag(match)} takes {listed}, not {match['value']}"
    if match := _NO_VALUE.fullmatch(message):
        return f"{_flag(match)} needs a value"
    if match := _MISSING.fullmatch(message):
        *others, last = [name for name in match["names"].split(", ") if name not in optional]
        return f"{', '.join(others)} and {last} are missing" if others else f"{last} is missing"
    if match := _OF_OURS.fullmatch(message):
        joint = " " if match["said"].startswith("takes ") else ": "
        return f"{_flag(match)}{joint}{match['said']}"
    return message


def is_of_missing(message: str) -> bool:
    """Whether the complaint is that something has to be said that was not."""
    return _MISSING.fullmatch(message) is not None


def example_of(command: str, description: str) -> str | None:
    """The first of the examples in what a command says of itself that gives it anything; None for none."""
    lines = (line.strip() for line in description.splitlines())
    return next((_EXPLAINED.split(line)[0] for line in lines if line.startswith(f"{command} ")), None)


def unknown_words(message: str) -> list[str]:
    """The words that nobody takes, if that is what the complaint is about."""
    return message.removeprefix(_UNKNOWN).split(" ") if message.startswith(_UNKNOWN) else []


def of_unknown(word: str) -> str:
    """The complaint about such a word."""
    return (
        f"there is no option {word.partition('=')[0]}"
        if word.startswith("-")
        else f"{word!r} is one word too many"
    )


def _flag(match: re.Match[str]) -> str:
    """An argument as it is called first, where it goes by several names."""
    return match["flag"].partition("/")[0]
