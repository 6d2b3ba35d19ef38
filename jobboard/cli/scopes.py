"""What a hold is on, a job, a board, a tag or everything, and until when; as commands are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.arguments import instant_ms, span_ms
from jobboard.cli.records import instant_json
from jobboard.cli.screen import visible, when
from jobboard.core.scope import queue_scope, scope_text, tag_scope

if TYPE_CHECKING:
    import argparse

    from jobboard.core.runs.facts import Hold
    from jobboard.store.calls.connect import Store


def add_scope(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a scope."""
    parser.add_argument("what", nargs="?", metavar="JOB|BOARD", help="a job, or a whole board")
    parser.add_argument("--tag", metavar="TAG", help="every job with this tag, also later ones")
    parser.add_argument("--queue", metavar="QUEUE", help="a queue: its runs stay in it until the hold ends")
    parser.add_argument("--all", action="store_true", help="everything")


def scope_of(store: Store, args: argparse.Namespace) -> str:
    """The one scope named: ``job:ADDRESS``, ``board:NAME``, ``tag:NAME``, ``queue:NAME`` or ``all``.

    Raises:
        errors.UsageError: They name none, or several, or what is not there.
    """
    if sum((args.what is not None, args.tag is not None, args.queue is not None, args.all)) != 1:
        raise errors.UsageError(
            "name one: a JOB, a BOARD, --tag TAG, --queue QUEUE or --all", "as in jobboard pause ops/backup"
        )
    if args.all:
        return "all"
    if args.what is not None:
        from jobboard.store.runs.views import find_scope

        try:
            return find_scope(store, args.what)
        except errors.UsageError as error:
            if args.what == "all":
                raise errors.UsageError(error.message, "write --all for everything") from error
            raise
    return tag_scope(args.tag) if args.tag is not None else queue_scope(args.queue)


def subject(scope: str) -> str:
    """The scope as a sentence begins with it."""
    return "Everything" if scope == "all" else scope_text(scope)


def hold_text(scope: str, hold: Hold, zone: str | None) -> str:
    """What is held, by whom, until when and why."""
    until = f" until {when(hold.until_ms // 1000 * 1000, zone)}" if hold.until_ms is not None else ""
    reason = f': "{visible(hold.reason)}"' if hold.reason else ""
    return f"{visible(scope_text(scope))} by {visible(hold.by)}{until}{reason}"


def add_span(parser: argparse.ArgumentParser) -> None:
    """The arguments that say when something ends by itself."""
    parser.add_argument("--until", metavar="INSTANT", help="when it ends by itself")
    parser.add_argument("--for", dest="span", metavar="SPAN", help="how long it lasts, as in 2h")


def until_of(args: argparse.Namespace, now_ms: int) -> int | None:
    """The instant at which it ends by itself; None for never.

    Raises:
        errors.UsageError: It is told twice, is none, or is past.
    """
    if args.until is not None and args.span is not None:
        raise errors.UsageError("--until and --for are two ways to say one thing", "give one of them")
    if args.span is not None:
        until_ms: int = now_ms + span_ms(args.span, "--for")
    elif args.until is not None:
        until_ms = instant_ms(args.until, "--until")
    else:
        return None
    if until_ms <= now_ms:
        raise errors.UsageError(f"{instant_json(until_ms)} is not ahead", f"it is {instant_json(now_ms)} now")
    return until_ms
