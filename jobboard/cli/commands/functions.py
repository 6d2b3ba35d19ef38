"""Install jobboard's functions on the server, for programs that have nothing but a Redis client.

jobboard functions install
redis-cli FCALL jobboard_push 1 'jb:{default}:meta' '{"queue": "common", "run": "./thumbnail.sh 4711"}'
redis-cli FCALL jobboard_count 1 'jb:{default}:meta' '{}'

jobboard functions                    which there are, what they take, and whether the server has them
jobboard functions show --code        the library itself, for redis-cli -x FUNCTION LOAD REPLACE
jobboard functions remove

The library is the server's, for all its namespaces; a call names one by its key. To call one is to run
commands: whoever may FCALL can push, and so have a worker run what it pushes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import __version__, errors
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.calls.functions import Installed


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard functions``."""
    parser.add_argument("action", nargs="?", choices=["show", "install", "remove"], default="show")
    parser.add_argument("--force", action="store_true", help="install in place of a newer version's too")
    parser.add_argument("--code", action="store_true", help="show the library's source, and nothing else")


def execute(args: argparse.Namespace) -> int:
    """Show; install or remove, and say what that did."""
    from jobboard.store.calls import functions
    from jobboard.store.calls.connect import open_store

    _check(args)
    if args.code:
        print(functions.library())
        return 0
    with open_store(Settings.from_args(args)) as store:
        done: str | None = None
        if args.action == "install":
            done = functions.install(store, force=args.force)
        elif args.action == "remove":
            done = "removed" if functions.remove(store) else "absent"
        found = functions.installed(store)
    if args.output == "json":
        print(json.dumps(_as_json(done, found), indent=2))
    elif done is None:
        _show(found)
    else:
        print(_WORDS[done])
    return 0


_WORDS = {
    "installed": f"installed the functions of jobboard {__version__}",
    "replaced": f"installed the functions of jobboard {__version__}, in place of others",
    "unchanged": f"the functions of jobboard {__version__} are installed already",
    "removed": "removed the functions",
    "absent": "there are no functions to remove",
}


def _check(args: argparse.Namespace) -> None:
    if args.force and args.action != "install":
        raise errors.UsageError("--force of what?", "jobboard functions install --force")
    if args.code and args.action != "show":
        raise errors.UsageError("--code shows the library", "jobboard functions show --code")


def _show(found: Installed | None) -> None:
    from jobboard.store.calls.functions import functions

    screen = Screen()
    if found is None:
        screen.line("The server does not have them.")
        screen.line("  → jobboard functions install")
    elif found.ours:
        screen.line(f"Installed: those of jobboard {found.version}, format {found.format}.")
    else:
        screen.line(f"Installed: those of jobboard {found.version}, which are not this version's.")
        screen.line("  → jobboard functions install")
    for function in functions():
        screen.line("")
        screen.line(f"jobboard_{function.name}", "bold")
        screen.line(f"  {function.about}")
        if function.takes:
            screen.line(f"  takes {', '.join(f'{name} ({kind})' for name, kind in function.takes.items())}")
        screen.line(f"  gives {function.gives}")


def _as_json(done: str | None, found: Installed | None) -> dict[str, object]:
    from jobboard.store.calls.functions import functions

    library = None
    if found is not None:
        library = {"version": found.version, "format": found.format, "current": found.ours}
    return {
        "done": done,
        "installed": library,
        "functions": [
            {"name": f"jobboard_{each.name}", "about": each.about, "takes": each.takes, "gives": each.gives}
            for each in functions()
        ],
    }
