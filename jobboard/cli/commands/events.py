"""Print what happens, as it happens: runs made, started, ended, passed over; workers that come and go.

jobboard events                          the last twenty
jobboard events -f --job backup          and go on, until Ctrl-C
jobboard events -f --tracked             of runs that are tracked, or come to be
jobboard events -f -o json --after 1795154567890-0 --kind finished

With -o json every event is one line. Its id, given to --after, goes on behind it, so that a reader who was
away misses nothing that is still kept: at least about the last ten thousand.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.arguments import natural
from jobboard.cli.screen import visible
from jobboard.core.times.instant import format_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.events import Event

_BLOCK_MS = 5_000
_SHOWN_LAST = ("state", "reason", "worker", "lock", "by", "percent", "text", "nominal")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard events``."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--job", metavar="JOB", help="only this job's")
    parser.add_argument("--tracked", action="store_true", help="only of runs that are tracked")
    parser.add_argument(
        "--kind", action="append", metavar="KIND", help="only of this kind, as in finished; again for more"
    )
    parser.add_argument("--after", metavar="ID", help="everything later than the event of this id")
    parser.add_argument(
        "-n", type=natural, default=20, metavar="N", help="how many of the last (default: 20)"
    )


def execute(args: argparse.Namespace) -> int:
    """Print what there is, then what comes."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.marks import tracked_ids
    from jobboard.store.runs.views import find_job_or_past

    wanted_kinds = _kinds(args.kind)
    if args.after is not None and not re.fullmatch(r"\d+(-\d+)?", args.after):
        raise errors.UsageError(f"{args.after!r} is no event's id", "the id that -o json shows, or 0 for all")
    with open_store(Settings.from_args(args)) as store:
        job = find_job_or_past(store, args.job) if args.job else None
        tracked = tracked_ids(store) if args.tracked else None

        def wanted(event: Event) -> bool:
            return (
                job in (None, event.get("job"))
                and (not wanted_kinds or event["e"] in wanted_kinds)
                and (tracked is None or event.get("run") in tracked)
            )

        printer = _Printer(as_json=args.output == "json")
        try:
            for event in _events(args, store, wanted, printer):
                if tracked is not None and event["e"] == "tracked":
                    tracked.add(event["run"])
                if wanted(event):
                    printer.print(event)
        except KeyboardInterrupt:
            return 0
        except errors.StoreUnreachable as error:
            raise errors.StoreUnreachable(error.message, printer.way_on() or error.hint) from error
    return 0


def _kinds(asked: list[str] | None) -> frozenset[str]:
    from difflib import get_close_matches

    from jobboard.store.runs.events import KINDS

    for kind in asked or ():
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(KINDS)}"
            raise errors.UsageError(f"there is no event {kind!r}", hint)
    return frozenset(asked or ())


def _events(
    args: argparse.Namespace, store: Store, wanted: Callable[[Event], bool], printer: _Printer
) -> Iterator[Event]:
    from jobboard.store.runs import events

    # Asked first: what comes while the last ones are read is then not missed.
    newest = events.latest_id(store)
    if args.after is None:
        last = events.last_events(store, wanted, args.n)
        yield from (e for e in last if events.place_of(e["id"]) <= events.place_of(newest))
    else:
        _tell_gap(store, args.after)
        newest = args.after
        for event in events.later_events(store, args.after):
            newest = event["id"]
            yield event
    while args.follow:
        printer.seen = newest
        for event in events.read_events(store, newest, block_ms=_BLOCK_MS):
            newest = event["id"]
            yield event


def _tell_gap(store: Store, after: str) -> None:
    from jobboard.store.runs.events import first_id, place_of

    oldest = first_id(store)
    if oldest is not None and (0, 0) < place_of(after) < place_of(oldest):
        at = format_instant(place_of(oldest)[0])
        sys.stderr.write(f"jobboard: events before {at} may be missing: no older ones are kept\n")


class _Printer:
    """One line an event, seen at once by whoever reads.

    Attributes:
        seen: The id of the last event there was; empty before any.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.seen = ""

    def print(self, event: Event) -> None:
        from jobboard.store.runs.events import event_json

        self.seen = event["id"]
        line = json.dumps(event_json(event), ensure_ascii=False) if self._as_json else event_text(event)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def way_on(self) -> str | None:
        """How to go on behind what was seen."""
        return f"--after {self.seen} goes on where this stopped" if self.seen else None


def event_text(event: Event) -> str:
    """An event in one line."""
    from jobboard.store.runs.events import event_json

    told = event_json(event)
    about = told["run"] or told["job"] or ""
    if told.get("reason") == told.get("state"):
        told["reason"] = None
    rest = ", ".join(_word(name, told[name]) for name in _SHOWN_LAST if told.get(name))
    return visible(
        f"{format_instant(int(event['at']) // 1000 * 1000)}  {event['e']:<11} {about}  {rest}".rstrip()
    )


def _word(name: str, value: Any) -> str:
    return {
        "percent": f"{value}%",
        "worker": f"on {value}",
        "lock": f"for lock {value}",
        "by": f"by {value}",
    }.get(name, str(value))
