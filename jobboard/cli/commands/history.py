"""List the syncs of this namespace, newest first, or show one of them job by job.

jobboard history                 who synced what, when, from which commit
jobboard history ops             only what wrote that board; or one job, by its name or address
jobboard history show 12         what revision 12 did to each job
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.arguments import positive
from jobboard.cli.plans.changes import ALIKE, change_lines
from jobboard.cli.plans.words import SYMBOLS
from jobboard.cli.records import deed_json, field_json, instant_json
from jobboard.cli.screen import Screen, ago, visible, when
from jobboard.core.plans.blame import moved_between
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.merge import Merged
    from jobboard.store.boards.history import Change, Revision
    from jobboard.store.calls.connect import Store

LISTED = 20
SHOW = "show"
_NUMBERED = "as in  jobboard history show 12; without show, jobboard history lists them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard history``."""
    parser.add_argument(
        "what", nargs="*", metavar="BOARD|JOB", help="only revisions that wrote it; or: show REV"
    )
    parser.add_argument(
        "-n", type=positive, default=LISTED, dest="count", metavar="N", help=f"how many (default: {LISTED})"
    )


def execute(args: argparse.Namespace) -> int:
    """List revisions, or show one."""
    from jobboard.store.calls.connect import open_store

    with open_store(Settings.from_args(args)) as store:
        if len(args.what) == 2 and args.what[0] == SHOW:
            return show(store, number_of(args.what[1]), as_json=args.output == "json")
        if len(args.what) > 1:
            raise errors.UsageError("history takes one board or job", _NUMBERED)
        return _list(store, args)


def number_of(text: str) -> int:
    """A revision's number as it is typed: ``12`` or ``r12``.

    Raises:
        errors.UsageError: It is none.
    """
    if not is_number(text):
        raise errors.UsageError(f'"{text}" is no revision', "write its number; jobboard history lists them")
    return int(text.removeprefix("r"))


def is_number(text: str) -> bool:
    """Whether it can be the number of a revision."""
    return text.removeprefix("r").isdecimal()


def revision_json(revision: Revision) -> dict[str, Any]:
    """A revision with stable keys."""
    return {
        "revision": revision.number,
        "at": instant_json(revision.at_ms),
        **deed_json(revision.by),
        "commit": revision.commit,
        "branch": revision.branch,
        "author": revision.author,
        "dirty": revision.dirty,
        "digest": revision.digest,
        "counts": dict(revision.counts),
        "boards": list(revision.boards),
        "rollback": revision.rollback,
    }


def source_text(revision: Revision) -> str:
    """Where a revision came from: ``3f2c1ab main, dirty``, ``revision 12``; a dash outside Git."""
    if revision.rollback is not None:
        return f"revision {revision.rollback}"
    if not revision.commit:
        return "-"
    branch = f" {revision.branch}" if revision.branch else ""
    return f"{revision.commit[:7]}{branch}{', dirty' if revision.dirty else ''}"


def _list(store: Store, args: argparse.Namespace) -> int:
    from jobboard.store.calls import clocks

    found = list(islice(_asked(store, args.what), max(0, args.count)))
    if args.output == "json":
        print(json.dumps({"revisions": [revision_json(revision) for revision in found]}, indent=2))
        return 0
    if not found:
        print("No sync has written anything like that yet. jobboard sync brings boards here.")
        return 0
    now_ms = clocks.now_ms(store)
    Screen().table(
        ("REVISION", "WHEN", "WHO", "VIA", "COMMIT", "DID", "REASON"),
        [
            (
                str(revision.number),
                ago(now_ms - revision.at_ms),
                str(revision.by.get("actor")),
                str(revision.by.get("via")),
                source_text(revision),
                _counts(revision.counts),
                str(revision.by.get("reason") or ""),
            )
            for revision in found
        ],
    )
    return 0


def _asked(store: Store, what: Sequence[str]) -> Iterator[Revision]:
    from jobboard.core.names import is_address
    from jobboard.store.boards import history
    from jobboard.store.runs.views import find_job, is_board

    if not what:
        return history.read_revisions(store)
    name = what[0]
    if is_board(store, name):
        return (r for r in history.read_revisions(store) if name in r.boards)
    # A job, or a board, that is gone still has a history.
    address = name if is_address(name) else None
    if address is None or not _has_history(store, address):
        try:
            address = find_job(store, name)
        except errors.UsageError:
            gone = [r for r in history.read_revisions(store) if name in r.boards]
            if gone:
                return iter(gone)
            if name == SHOW:
                raise errors.UsageError("which revision?", _NUMBERED) from None
            if is_number(name):
                raise errors.UsageError(
                    f"there is no board or job {name}", f"jobboard history show {name} shows revision {name}"
                ) from None
            raise
    return (revision for revision, _ in history.changes_of(store, address))


def _has_history(store: Store, address: str) -> bool:
    from jobboard.store.boards import history

    return next(iter(history.changes_of(store, address)), None) is not None


def _counts(counts: Mapping[str, int]) -> str:
    words = [f"{symbol}{counts[action]}" for action, symbol in SYMBOLS.items() if counts.get(action)]
    return " ".join(words) or "-"


def show(store: Store, number: int, *, as_json: bool) -> int:
    """Print what a revision did to each job.

    Raises:
        errors.UsageError: There is none of that number.
    """
    from jobboard.store.boards import history

    revision = history.read_revision(store, number)
    changes = history.read_changes(store, revision)
    if as_json:
        said = {**revision_json(revision), "changes": [_change_json(change) for change in changes]}
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return 0
    screen = Screen()
    by = revision.by
    screen.line(f"Revision {number}   {when(revision.at_ms // 1000 * 1000)}", "bold")
    reason = f': "{by["reason"]}"' if by.get("reason") else ""
    screen.line(f"  by {by.get('actor')} ({by.get('via')}, {by.get('host')}){reason}")
    screen.line(f"  from {source_text(revision)}, boards {', '.join(revision.boards) or '-'}")
    if revision.author:
        screen.line(f"  a commit by {visible(revision.author)}")
    screen.line()
    if not changes and any(revision.counts.values()):
        screen.line(f"  {_counts(revision.counts)}; what it did job by job is no longer kept.", "dim")
    added = [change for change in changes if change.action == "add"]
    for change in changes:
        if change.action != "add" or len(added) < ALIKE:
            screen.line(f"  {SYMBOLS[change.action]} {_named(change)}", change.action)
            for line in change_lines(_fields(change)):
                screen.line(line)
    if len(added) >= ALIKE:
        screen.line(f"  + {len(added):,} jobs", "add")
        screen.folded(f"        {', '.join(change.address for change in added)}", "dim", hang=8, width=100)
    screen.line(f"  → jobboard diff {max(0, number - 1)} {number} · jobboard rollback {max(1, number - 1)}")
    return 0


def _named(change: Change) -> str:
    return f"{change.source} → {change.address}" if change.source else change.address


def _fields(change: Change) -> tuple[Merged, ...]:
    """The paths that moved: live, or for a recorded job in its base."""
    if change.before is None or change.after is None:
        return ()
    if change.action == "record":
        return moved_between(change.before.base, change.after.base)
    return moved_between(change.before.spec, change.after.spec)


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "job": change.address,
        "action": change.action,
        "source": change.source,
        "before": change.before.spec if change.before else None,
        "after": change.after.spec if change.after else None,
        "fields": [field_json(field) for field in _fields(change)],
    }
