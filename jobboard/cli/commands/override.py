"""Lay values over a job's definition for a time: what runs moves at once, neither definition nor board do.

jobboard override set ops/backup timeout=4h --for 2h --reason "vendor is slow tonight"
jobboard override set ops/backup enabled=false --until '2026-11-23 09:00' --reason "migration"
jobboard override clear ops/backup timeout      without a FIELD: all of the job
jobboard override ls

No sync touches an override, every plan shows it, and it ends by itself. Queued runs keep what they were
queued with. To change the definition itself: jobboard set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project, scopes
from jobboard.cli.plans.overlaid import override_value, under_text
from jobboard.cli.records import overrides_json
from jobboard.cli.screen import Screen
from jobboard.cli.values import brief, shown
from jobboard.core.jobs.override import lasting, value_at
from jobboard.core.names import split_address
from jobboard.core.runs.remedy import clear_command
from jobboard.core.times.moment import brief_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.reconcile.overriding import Overridden


DEEDS = ("set", "clear", "ls")
INTERMIXED = True
"""Options may stand between the words."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard override``."""
    parser.add_argument(
        "deed", choices=DEEDS, metavar="|".join(DEEDS), help="lay values on, take them off, or list"
    )
    parser.add_argument(
        "job", nargs="?", metavar="JOB", help="board/job, or the job alone where unique; for ls a board too"
    )
    parser.add_argument(
        "fields", nargs="*", metavar="FIELD[=VALUE]", help="as a board would write them; clear: names alone"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for all who ask later; set needs one")
    scopes.add_span(parser)


def execute(args: argparse.Namespace) -> int:
    """Do it, and say what is in force."""
    _check(args)
    return {"set": _set, "clear": _clear, "ls": _ls}[args.deed](args)


def _check(args: argparse.Namespace) -> None:
    if args.deed != "ls" and args.job is None:
        raise errors.UsageError(f"override {args.deed}: which JOB?", "jobboard ls lists the jobs")
    if args.deed == "ls" and args.fields:
        raise errors.UsageError("override ls takes one JOB or BOARD", f"jobboard override ls {args.job}")
    if args.deed == "set" and not args.fields:
        raise errors.UsageError(
            "override set: which value?", f'jobboard override set {args.job} timeout=2h --reason "…"'
        )
    if args.deed != "set" and (args.span or args.until):
        raise errors.UsageError(f"override {args.deed} takes no --for or --until", "override set does")


def _set(args: argparse.Namespace) -> int:
    from jobboard.cli.commands.set import parsed
    from jobboard.reconcile.overriding import set_overrides
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    wanted = parsed(args.fields)
    with open_store(settings) as store:
        address = find_job(store, args.job)
        now_ms = clocks.now_ms(store)
        done = set_overrides(
            store,
            address,
            wanted,
            reason=args.reason or "",
            until_ms=scopes.until_of(args, now_ms),
            by=project.by_of(settings, args.reason),
        )
    if args.output == "json":
        return _print_json(done)
    for override in done.moved:
        _say_moved(done, override.path)
    until_ms = done.moved[0].until_ms
    until = f" until {brief_instant(until_ms, None, now_ms)} UTC" if until_ms is not None else ""
    print(f"In force{until}; the definition stays, and no sync ends it.")
    print(f"{clear_command(address, done.moved[0])} does.")
    return 0


def _clear(args: argparse.Namespace) -> int:
    from jobboard.reconcile.overriding import clear_overrides
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job

    settings = Settings.from_args(args)
    for field in args.fields:
        if "=" in field:
            raise errors.UsageError(
                f"override clear takes names: {field}", f"write {field.partition('=')[0]}"
            )
    with open_store(settings) as store:
        address = find_job(store, args.job)
        done = clear_overrides(store, address, args.fields or None, by=project.by_of(settings, args.reason))
    if args.output == "json":
        return _print_json(done)
    for override in done.moved:
        _say_moved(done, override.path)
    print(
        f"{address} runs by its definition{' in these again' if done.definition.overrides else ' again'}."
        if done.moved
        else f"{address} has no override; nothing was written."
    )
    return 0


def _ls(args: argparse.Namespace) -> int:
    from jobboard.store.boards.overrides import read_overridden
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job, is_board

    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        if args.job is None:
            found = read_overridden(store)
        elif is_board(store, args.job):
            found = read_overridden(store, [args.job])
        else:
            address = find_job(store, args.job)
            board = read_overridden(store, [split_address(address)[0]])
            found = {address: board[address]} if address in board else {}
    if args.output == "json":
        listed = [
            {"job": address, **said}
            for address, definition in found.items()
            for said in overrides_json(lasting(definition, now_ms))
        ]
        print(json.dumps({"overrides": listed}, indent=2, ensure_ascii=False))
        return 0
    _table(found, now_ms)
    return 0


def _table(found: Mapping[str, Definition], now_ms: int) -> None:
    rows = [
        (
            address,
            override.path,
            override_value(override),
            under_text(definition.spec, override),
            brief_instant(override.until_ms, None, now_ms) if override.until_ms is not None else "cleared",
            override.by,
            override.reason,
        )
        for address, definition in found.items()
        for override in lasting(definition, now_ms)
    ]
    screen = Screen()
    if not rows:
        screen.line("Nothing is overridden.")
        return
    screen.table(("JOB", "FIELD", "IS", "DEFINITION", "UNTIL (UTC)", "BY", "REASON"), rows)


def _say_moved(done: Overridden, path: str) -> None:
    before, after = (_value(spec, path) for spec in (done.before, done.after))
    print(f"~ {done.address}  {path}  {before}  →  {after}")


def _value(spec: Spec, path: str) -> str:
    return brief(shown(path, value_at(spec, path)))


def _print_json(done: Overridden) -> int:
    moved = [
        {
            **said,
            "before": value_at(done.before, said["path"]),
            "after": value_at(done.after, said["path"]),
        }
        for said in overrides_json(done.moved)
    ]
    print(json.dumps({"job": done.address, "overrides": moved}, indent=2, ensure_ascii=False))
    return 0
