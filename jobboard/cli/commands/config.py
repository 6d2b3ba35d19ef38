"""Show or change the settings of a namespace: how much of the past is kept, and whether events are published.

jobboard config                             every setting, what it is and how much there is
jobboard config set history-bytes 1G
jobboard config set failures 30d
jobboard config unset history-bytes         the built-in one again
jobboard config set channels on             events on pub/sub channels too: jb:{NAMESPACE}:on:failed, …

Lowering one of bytes or of failures drops what is beyond it at once. Who set what is in the audit stream.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.screen import Screen
from jobboard.core.jobs.bound import BOUNDS, bound_named
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.runs.config import Setting


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard config``."""
    parser.add_argument(
        "action", nargs="?", choices=["get", "set", "unset"], help="without it, show everything"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help=", ".join(BOUNDS))
    parser.add_argument(
        "value", nargs="?", metavar="VALUE", help="a size as in 512M, a span as in 30d, or on and off"
    )


def execute(args: argparse.Namespace) -> int:
    """Show; or set, and show what was set."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import config

    settings = Settings.from_args(args)
    value = _value(args)
    with open_store(settings) as store:
        if args.action in ("set", "unset"):
            config.configure(store, args.name, value, by=project.by_of(settings))
        found = config.read_settings(store)
    shown = {name: one for name, one in found.items() if args.action is None or name == args.name}
    if args.output == "json":
        rows = [{"name": name, **_as_json(one)} for name, one in shown.items()]
        print(json.dumps({"config": rows}, indent=2))
    elif args.action == "get":
        print(*(one.bound.text(one.value) for one in shown.values()))
    else:
        lines = [
            [name, one.bound.text(one.value), "yes" if one.is_set else "", _kept(one), one.bound.of]
            for name, one in shown.items()
        ]
        Screen().table(["NAME", "VALUE", "SET", "KEPT NOW", "OF"], lines)
    return 0


def _value(args: argparse.Namespace) -> int | None:
    """What is to be set; the words checked, before any store is asked."""
    if args.action is None:
        return None
    bound = bound_named(args.name)
    if (args.action == "set") != (args.value is not None):
        raise errors.UsageError(
            f"{args.action} takes {'a name and a value' if args.action == 'set' else 'a name alone'}",
            "as in jobboard config set history-bytes 1G",
        )
    return bound.parse(args.value) if args.action == "set" else None


def _as_json(setting: Setting) -> dict[str, Any]:
    bound = setting.bound
    return {
        "value": setting.value,
        "unit": bound.unit,
        "default": bound.default,
        "set": setting.is_set,
        "kept": setting.kept,
        "of": bound.of,
    }


def _kept(setting: Setting) -> str:
    return "" if setting.kept is None else f"{setting.kept / setting.value:.1%}"
