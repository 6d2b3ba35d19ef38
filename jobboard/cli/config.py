"""Show or set how much of the past is kept, in this namespace, from now on.

jobboard config                             every setting, what it is and how much there is
jobboard config set history-bytes 1G
jobboard config set failures 30d
jobboard config unset history-bytes         the built-in one again

Lowering one of bytes or of failures drops what is beyond it at once. Who set what is in the audit stream.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.screen import Screen
from jobboard.core.duration import format_duration, parse_duration
from jobboard.core.size import format_size, parse_size
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_NAMES = {
    "history-bytes": "history_bytes",
    "failures": "failures_ms",
    "ids": "ids_ms",
    "output-bytes": "output_bytes",
}
_LEAST_BYTES = 64 * 1024
_LEAST_MS = 60_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard config``."""
    parser.add_argument(
        "action", nargs="?", choices=["get", "set", "unset"], help="without it, show everything"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help=", ".join(_NAMES))
    parser.add_argument("value", nargs="?", metavar="VALUE", help="a size as in 512M, or a span as in 30d")


def execute(args: argparse.Namespace) -> int:
    """Show; or set, and show what was set."""
    from jobboard.store import config
    from jobboard.store.connect import open_store

    settings = Settings.from_args(args)
    name = _name(args)
    value = _value(name, args.value) if name and args.action == "set" else None
    with open_store(settings) as store:
        if name and args.action in ("set", "unset"):
            config.set_bounds(store, {name: value}, by=project.by_of(settings))
        bounds, kept = config.read_bounds(store), config.kept_bytes(store)
    rows = {shown: _row(inner, bounds, kept) for shown, inner in _NAMES.items() if name in (None, inner)}
    if args.output == "json":
        print(json.dumps({"config": [{"name": shown, **row} for shown, row in rows.items()]}, indent=2))
    elif args.action == "get":
        print(*(_text(_NAMES[shown], row["value"]) for shown, row in rows.items()))
    else:
        lines = [
            [shown, _text(_NAMES[shown], row["value"]), "yes" if row["set"] else "", _kept(row), row["of"]]
            for shown, row in rows.items()
        ]
        Screen().table(["NAME", "VALUE", "SET", "KEPT NOW", "BOUNDS"], lines)
    return 0


def _name(args: argparse.Namespace) -> str | None:
    if args.action is None:
        return None
    if args.name not in _NAMES:
        said = "name a setting" if args.name is None else f"there is no setting {args.name!r}"
        raise errors.UsageError(said, f"known are {', '.join(_NAMES)}")
    if (args.action == "set") != (args.value is not None):
        raise errors.UsageError(
            f"{args.action} takes {'a name and a value' if args.action == 'set' else 'a name alone'}",
            "as in jobboard config set history-bytes 1G",
        )
    return _NAMES[args.name]


def _value(name: str, text: str) -> int:
    in_bytes = name.endswith("_bytes")
    try:
        value = parse_size(int(text) if text.isdecimal() else text) if in_bytes else parse_duration(text)
    except ValueError as error:
        raise errors.UsageError(str(error), "as in 512M, or 30d for a span") from error
    least = _LEAST_BYTES if in_bytes else _LEAST_MS
    if value < least:
        raise errors.UsageError(f"{text} is too little", f"{_text(name, least)} is the least")
    return value


def _row(name: str, bounds: Mapping[str, int], kept: Mapping[str, int]) -> dict[str, Any]:
    from jobboard.store.config import BOUNDS

    bound = BOUNDS[name]
    return {
        "value": bounds.get(name, bound.default),
        "unit": bound.unit,
        "default": bound.default,
        "set": name in bounds,
        "kept": kept.get(name),
        "of": bound.of,
    }


def _text(name: str, value: int) -> str:
    return format_duration(value) if name.endswith("_ms") else format_size(value)


def _kept(row: Mapping[str, Any]) -> str:
    return "" if row["kept"] is None else f"{row['kept'] / row['value']:.1%}"
