"""List inboxes, and what came there that is no run; put that back, or drop it.

redis-cli LPUSH 'jb:{default}:inbox:common' './thumbnail.sh 4711'
redis-cli LPUSH 'jb:{default}:inbox:common' '{"run": "./mail.sh", "payload": {"to": "ana"}, "timeout": "1m"}'

jobboard inbox                        which inboxes are read, how much waits, what was set aside and why
jobboard inbox --again ID             back into its inbox, ahead of what came later; or --again all
jobboard inbox --drop ID              away with it; or --drop all

An entry is a command for the shell, or a JSON object with the keys of a job and, as push has them, payload,
id, delay, at, expires, after (ids of runs), replace, reason, name, or job instead of a command. Only a worker
started with --inbox QUEUE reads one: whoever can push there has commands run as that worker's user.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.commands.logs import say
from jobboard.cli.records import instant_json
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.inbox import Inbox, Rejected

_ALL = "all"
_SHOWN_BYTES = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard inbox``."""
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument(
        "--again", action="append", metavar="ID", help="put it back; again for more, or all of them"
    )
    deed.add_argument("--drop", action="append", metavar="ID", help="drop it; again for more, or all of them")


def execute(args: argparse.Namespace) -> int:
    """Show them; or deal with what was set aside, and say with how much."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import inbox

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        if args.again or args.drop:
            return _sort_out(store, args, settings)
        now_ms = clocks.now_ms(store)
        inboxes, rejected = inbox.read_inboxes(store, now_ms), inbox.read_rejected(store)
    if args.output == "json":
        said = {
            "inboxes": [
                {"queue": box.queue, "waiting": box.waiting, "readers": list(box.readers)} for box in inboxes
            ],
            "rejected": [_as_json(one) for one in rejected],
        }
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _show(inboxes, rejected, now_ms, settings.namespace)
    return 0


def _sort_out(store: Store, args: argparse.Namespace, settings: Settings) -> int:
    from jobboard.store.runs import inbox

    known = [one.id for one in inbox.read_rejected(store)]
    asked = args.again or args.drop
    for entry_id in asked:
        if entry_id not in (*known, _ALL):
            raise errors.UsageError(
                f"no entry {entry_id} is set aside", "jobboard inbox lists those there are"
            )
    # Oldest first to drop; put back, the last one is the next to be read.
    ids = known if _ALL in asked else [entry_id for entry_id in known if entry_id in asked]
    dealt, partial = inbox.sort_out(store, ids, again=bool(args.again), by=project.by_of(settings))
    if args.output == "json":
        print(json.dumps({"again" if args.again else "dropped": dealt, "partial": partial}, indent=2))
    else:
        entries = "1 entry" if dealt == 1 else f"{dealt} entries"
        print(f"{entries} {'put back' if args.again else 'dropped'}")
    for entry_id in partial:
        say(f"{entry_id} was too large and is kept in part: it cannot go back")
    return 1 if partial else 0


def _show(inboxes: Sequence[Inbox], rejected: Sequence[Rejected], now_ms: int, namespace: str) -> None:
    screen = Screen()
    if inboxes:
        rows = [[box.queue, str(box.waiting), ", ".join(box.readers) or "nobody"] for box in inboxes]
        screen.table(["INBOX", "WAITING", "READ BY"], rows)
    else:
        screen.line("No inbox is read, and nothing waits in one.")
        screen.line("  → jobboard worker --inbox common")
        screen.line(f"    redis-cli LPUSH 'jb:{{{namespace}}}:inbox:common' 'echo hello'")
    if rejected:
        screen.line("")
        rows = [
            [one.id, brief_instant(one.at_ms, None, now_ms), one.queue, _beginning(one.entry), one.reason]
            for one in rejected
        ]
        screen.table(["SET ASIDE", "AT (UTC)", "INBOX", "ENTRY", "WHAT IS WRONG"], rows)
        screen.line("  → jobboard inbox --drop ID, or --again ID; -o json shows them whole")


def _beginning(entry: bytes) -> str:
    text = " ".join(entry[: 4 * _SHOWN_BYTES].decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN_BYTES else f"{text[: _SHOWN_BYTES - 1]}…"


def _as_json(one: Rejected) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": instant_json(one.at_ms),
        "inbox": one.queue,
        "reason": one.reason,
        "entry": one.entry.decode("utf-8", "replace"),
        "bytes": one.size,
    }
