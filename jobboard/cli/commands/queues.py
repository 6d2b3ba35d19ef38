"""List queues: how much waits in each and for how long, who serves it, what rules it. Rule or trim one.

jobboard queues
jobboard queues slow                              this one
jobboard queues set slow --limit 2                two runs at once, over all workers
jobboard queues set mail --rate 30/1m             thirty may begin in a minute
jobboard queues set slow --unlimited              neither
jobboard queues set common --aging 10m            what has waited for ten minutes goes first
jobboard queues set common --aging off
jobboard queues trim slow --keep 100              the first hundred stay, the others are called off
jobboard queues trim slow --older 2h              what has been waiting for longer is called off
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.approval import add_approval
from jobboard.cli.arguments import natural, positive, span_ms
from jobboard.cli.commands.queues_trim import trim
from jobboard.cli.screen import Screen
from jobboard.core.times.duration import format_duration, parse_duration
from jobboard.core.times.moment import brief_span
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.store.runs.queues import Rule, Standing

_OPTIONS = {"set": ("limit", "rate", "aging", "unlimited"), "trim": ("keep", "older")}
"""By action, the options that it alone takes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard queues``."""
    parser.add_argument("action", nargs="?", metavar="set|trim", help="without it, list")
    parser.add_argument("queue", nargs="?", metavar="QUEUE", help="the queue to show, to limit or to trim")
    parser.add_argument("--limit", type=positive, metavar="N", help="how many runs at once, over all workers")
    parser.add_argument("--rate", metavar="N/SPAN", help="how many may begin in a span, as in 30/1m")
    parser.add_argument(
        "--aging", metavar="SPAN|off", help="after how long a wait a run goes before those of any priority"
    )
    parser.add_argument("--unlimited", action="store_true", help="take any limit and rate away")
    parser.add_argument(
        "--keep", type=natural, metavar="N", help="with trim, how many stay, the first in line"
    )
    parser.add_argument("--older", metavar="SPAN", help="with trim, what has been waiting for longer")
    add_approval(parser)


def execute(args: argparse.Namespace) -> int:
    """List, or set and say so."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import queues

    settings = Settings.from_args(args)
    _check(args)
    wanted = _wanted(args) if args.action == "set" else None
    with open_store(settings) as store:
        if args.action == "trim":
            return trim(store, args, settings)
        if wanted is not None:
            rule = wanted.over(queues.read_rules(store).get(args.queue))
            queues.limit(
                store,
                args.queue,
                by=project.by_of(settings),
                limit=rule.limit,
                rate=rule.rate,
                aging_ms=rule.aging_ms,
            )
        standings = queues.survey(store, clocks.now_ms(store))
    if args.action is None and args.queue is not None:
        standings = [_named(args.queue, standings)]
    if args.output == "json":
        print(json.dumps({"queues": [_as_json(standing) for standing in standings]}, indent=2))
    elif wanted is not None:
        print(f"Queue {args.queue}: {_limits(rule) or 'no limit'}.")
        for beside in (one.queue for one in standings if one.queue.startswith(f"{args.queue}:")):
            print(f"Queue {beside} beside it is limited on its own: jobboard queues set {beside}.")
    else:
        _show(standings)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Take a first word that is no action for the queue; refuse options that nothing would come of."""
    if args.action not in (None, *_OPTIONS):
        if args.queue is not None:
            raise errors.UsageError(
                f"{args.action!r} is not set or trim", "as in jobboard queues set slow --limit 2"
            )
        args.action, args.queue = None, args.action
    elif args.action is not None and args.queue is None:
        raise errors.UsageError(f"queues {args.action}: which queue?", "jobboard queues lists them")
    for action, names in _OPTIONS.items():
        given = [name for name in names if getattr(args, name) not in (None, False)]
        if given and action != args.action:
            value = getattr(args, given[0])
            option = f"--{given[0]}" if value is True else f"--{given[0]} {value}"
            hint = f"jobboard queues {action} {args.queue or 'QUEUE'} {option}"
            raise errors.UsageError(f"--{given[0]} is for queues {action}", hint)


def _named(queue: str, standings: list[Standing]) -> Standing:
    from difflib import get_close_matches

    by_name = {standing.queue: standing for standing in standings}
    if queue in by_name:
        return by_name[queue]
    near = get_close_matches(queue, by_name, n=3)
    raise errors.UsageError(
        f"no run has been in a queue {queue}, and nobody serves it",
        f"did you mean {' or '.join(near)}?" if near else "jobboard queues lists them",
    )


def _wanted(args: argparse.Namespace) -> Rule:
    from jobboard.store.runs.queues import Rule, check_rule, checked_queue

    checked_queue(args.queue)
    limited = args.limit is not None or args.rate is not None
    if (args.unlimited and limited) or not (args.unlimited or limited or args.aging is not None):
        raise errors.UsageError(
            "say --limit N, --rate N/SPAN, --aging SPAN or some of them; or --unlimited", "as in --rate 30/1m"
        )
    rate = _rate(args.rate) if args.rate is not None else None
    aging_ms = _aging_ms(args.aging) if args.aging is not None else None
    check_rule(args.limit, rate, aging_ms)
    return Rule(args.limit, rate, reset=args.unlimited, aging_ms=aging_ms)


def _aging_ms(text: str) -> int:
    if text == "off":
        return 0
    return max(1, span_ms(text, "--aging"))


def _rate(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9][0-9]*)/(.+)", text)
    try:
        if found is not None and (span_ms := parse_duration(found[2])) > 0:
            return int(found[1]), span_ms
    except ValueError as error:
        raise errors.UsageError(str(error), "as in --rate 30/1m") from error
    raise errors.UsageError(f"{text!r} is no rate", "write how many in what span, as in --rate 30/1m")


def _show(standings: list[Standing]) -> None:
    if not standings:
        print("No run has been in any queue yet.")
        return
    rows = [
        [
            standing.queue,
            str(standing.waiting),
            "-" if standing.oldest_ms is None else brief_span(standing.oldest_ms),
            str(standing.workers),
            ", ".join(filter(None, ["paused" if standing.paused else "", _limits(standing.rule)])),
        ]
        for standing in standings
    ]
    Screen().table(["QUEUE", "WAITING", "OLDEST", "WORKERS", "LIMITS"], rows)


def _limits(rule: Rule) -> str:
    parts = [] if rule.limit is None else [f"{rule.limit} at once"]
    if rule.rate is not None:
        parts.append(f"{rule.rate[0]} in {format_duration(rule.rate[1])}")
    if rule.aging_ms is not None:
        parts.append(f"aging {format_duration(rule.aging_ms)}")
    return ", ".join(parts)


def _as_json(standing: Standing) -> dict[str, Any]:
    rate = standing.rule.rate
    return {
        "queue": standing.queue,
        "waiting": standing.waiting,
        "oldest_ms": standing.oldest_ms,
        "workers": standing.workers,
        "paused": standing.paused,
        "limit": standing.rule.limit,
        "rate": None if rate is None else {"runs": rate[0], "span_ms": rate[1]},
        "aging_ms": standing.rule.aging_ms,
    }
