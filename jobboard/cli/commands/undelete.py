"""Bring a job back that was removed by hand, or destroyed by a sync; without a JOB, list those that are gone.

  jobboard undelete
  jobboard undelete ops/backup --reason "it was needed after all"

It runs again from its next due instant on: nothing is caught up with. Where its file does not declare it,
plans show it as drift, and keep it. A job whose board is gone comes back on no board, as loose/JOB.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard.cli import project
from jobboard.cli.records import deed_json, instant_json
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jobboard.store.boards.tombstones import Tombstone
    from jobboard.store.calls.connect import Store


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard undelete``."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="board/job (default: list what could be meant)")
    parser.add_argument("--reason", metavar="TEXT", help="why, for all who see the plan")


def execute(args: argparse.Namespace) -> int:
    """Bring it back, or list."""
    from jobboard.store.calls.connect import open_store

    settings = Settings.from_args(args)
    as_json = args.output == "json"
    with open_store(settings) as store:
        if args.job is None:
            return _list(store, as_json=as_json)
        from jobboard.reconcile.removing import restore_job

        asked = _asked(store, args.job)
        address = restore_job(store, asked, by=project.by_of(settings, args.reason))
    if as_json:
        print(json.dumps({"job": address, "outcome": "restored"}))
    elif address == asked:
        print(f"+ {address}   jobboard next {address}")
    else:
        print(f"+ {address}: the board of {asked} is gone, so it is on none   jobboard next {address}")
    return 0


def _asked(store: Store, text: str) -> str:
    """The address that is meant: in full, or by a name that only one of the jobs that are gone has."""
    if "/" in text:
        return text
    from jobboard import errors
    from jobboard.core.names import split_address
    from jobboard.store.boards import tombstones

    found = [address for address in tombstones.read_all(store) if split_address(address)[1] == text]
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.UsageError(f'"{text}" was on several boards', f"write {' or '.join(found)}")
    raise errors.UsageError(
        f'no job "{text}" was removed, as far as is known', "jobboard undelete lists them"
    )


def _list(store: Store, *, as_json: bool) -> int:
    from jobboard.cli.screen import Screen, ago
    from jobboard.store.boards import tombstones
    from jobboard.store.calls import clocks

    found = tombstones.read_all(store)
    if as_json:
        gone = {"gone": [_tombstone_json(*each) for each in found.items()]}
        print(json.dumps(gone, indent=2, ensure_ascii=False))
        return 0
    screen = Screen()
    if not found:
        screen.line("No job is gone.")
        return 0
    now_ms = clocks.now_ms(store)
    rows = [
        (address, ago(now_ms - one.at_ms), str(one.by.get("actor")), _why(one.commit, one.by))
        for address, one in found.items()
    ]
    screen.table(("JOB", "GONE SINCE", "BY", "WHY"), rows)
    return 0


def _why(commit: str | None, by: Mapping[str, Any]) -> str:
    return str(by.get("reason") or (f"a sync of {commit[:7]}" if commit else "-"))


def _tombstone_json(address: str, one: Tombstone) -> dict[str, Any]:
    return {
        "job": address,
        "at": instant_json(one.at_ms),
        **deed_json(one.by),
        "commit": one.commit,
        "by_hand": one.base is not None,
        "spec": dict(one.spec),
    }
