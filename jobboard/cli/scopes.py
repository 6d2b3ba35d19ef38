"""What a hold is on, a job, a board, a tag or everything, and until when; as commands are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.records import instant_json
from jobboard.core.names import NAME_RULE, QUEUE_RULE, is_name, is_queue, split_address
from jobboard.core.override import in_force
from jobboard.core.runner import queue_of
from jobboard.core.scope import scope_text, scopes_of_queue

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from jobboard.store.connect import Store
    from jobboard.store.overview import Standing


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
        return _named(store, args.what)
    kind, name = ("tag", args.tag) if args.tag is not None else ("queue", args.queue)
    allowed, rule = (is_queue, QUEUE_RULE) if kind == "queue" else (is_name, NAME_RULE)
    if not allowed(name):
        raise errors.UsageError(f'"{name}" cannot be a {kind}', f"Use {rule}")
    return f"{kind}:{name}"


def _named(store: Store, name: str) -> str:
    """A board or a job; one name for both is refused, since a hold on the wrong one does harm."""
    from jobboard.store.views import find_job, is_board

    board = name.removesuffix("/")
    if not is_board(store, board):
        return f"job:{find_job(store, name)}"
    if board == name and (job := _job_too(store, name)):
        raise errors.UsageError(
            f"{name} is a board and a job", f"write {job} for the job, {name}/ for the board"
        )
    return f"board:{board}"


def _job_too(store: Store, name: str) -> str | None:
    from jobboard.store.views import find_job

    try:
        return find_job(store, name)
    except errors.UsageError:
        return None


def subject(scope: str) -> str:
    """The scope as a sentence begins with it."""
    return "Everything" if scope == "all" else scope_text(scope)


def covered_by(store: Store, scope: str, now_ms: int) -> list[Standing]:
    """The jobs that a hold on that scope is about."""
    from jobboard.store import definitions
    from jobboard.store.overview import survey

    kind, _, name = scope.partition(":")
    boards: Mapping[str, definitions.BoardRecord] = definitions.read_boards(store)
    board = {"board": name, "job": split_address(name)[0]}.get(kind)
    if board is not None:
        boards = {board: boards[board]} if board in boards else {}
    standings: Sequence[Standing] = survey(
        store,
        now_ms,
        boards=boards,
        wanted=lambda address, definition: (
            (kind != "job" or address == name)
            and (kind != "tag" or name in in_force(definition, now_ms).get("tags", ()))
            and (kind != "queue" or scope in scopes_of_queue(queue_of(in_force(definition, now_ms))))
        ),
    )
    return list(standings)


def add_span(parser: argparse.ArgumentParser) -> None:
    """The arguments that say when something ends by itself."""
    parser.add_argument("--until", metavar="INSTANT", help="when it ends by itself")
    parser.add_argument("--for", dest="span", metavar="SPAN", help="how long it lasts, as in 2h")


def until_of(args: argparse.Namespace, now_ms: int) -> int | None:
    """The instant at which it ends by itself; None for never.

    Raises:
        errors.UsageError: It is told twice, is none, or is past.
    """
    from jobboard.core.duration import parse_duration
    from jobboard.core.instant import parse_instant

    if args.until is not None and args.span is not None:
        raise errors.UsageError("--until and --for are two ways to say one thing", "give one of them")
    try:
        if args.span is not None:
            until_ms = now_ms + parse_duration(args.span)
        elif args.until is not None:
            until_ms = parse_instant(args.until)
        else:
            return None
    except ValueError as error:
        raise errors.UsageError(str(error)) from error
    if until_ms <= now_ms:
        raise errors.UsageError(f"{instant_json(until_ms)} is not ahead", f"it is {instant_json(now_ms)} now")
    return until_ms
