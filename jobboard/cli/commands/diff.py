"""Compare what the boards said at two revisions, or at one and at the last sync: per job, per field.

jobboard diff 12          what has changed since revision 12
jobboard diff 12 14       what changed between the two; 0 is before the first
jobboard diff 12 -o diff  the same for any viewer of patches
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.commands.history import number_of
from jobboard.cli.outputs import outputs_of, write_all
from jobboard.cli.plans.changes import change_lines
from jobboard.cli.plans.diff import job_diff
from jobboard.cli.records import field_json
from jobboard.core.plans.blame import moved_between
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Spec


OUTPUTS = ("text", "diff", "json")
SEVERAL_OUTPUTS = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard diff``."""
    parser.add_argument("revisions", nargs="+", metavar="REV", help="one or two revisions, by number")
    parser.add_argument("--board", metavar="BOARD", help="only this board")


def execute(args: argparse.Namespace) -> int:
    """Read both sides, show what is between them."""
    from jobboard.store.boards import history
    from jobboard.store.calls.connect import open_store

    if len(args.revisions) > 2:
        raise errors.UsageError("diff compares two revisions", "jobboard diff 12 14")
    boards = [args.board] if args.board else None
    with open_store(Settings.from_args(args)) as store:
        newest = history.newest(store)
        numbers = [number_of(text) for text in args.revisions]
        for number in numbers:
            if number > newest:
                raise errors.UsageError(f"there is no revision {number}", "jobboard history lists them")
        old, new = (*numbers, newest)[:2]
        before, after = history.bases_at(store, old, boards), history.bases_at(store, new, boards)
    write_all(outputs_of(args), lambda form, screen: _write(form, screen, (old, new), before, after))
    return 0


def _write(
    form: str,
    screen: Screen,
    revisions: tuple[int, int],
    before: Mapping[str, Spec],
    after: Mapping[str, Spec],
) -> None:
    addresses = [a for a in sorted({**before, **after}) if before.get(a) != after.get(a)]
    if form == "diff":
        for address in addresses:
            for line in job_diff(address, before.get(address), after.get(address)):
                screen.line(line, {"+": "add", "-": "destroy"}.get(line[0], ""))
        return
    moved = {address: moved_between(before.get(address), after.get(address)) for address in addresses}
    if form == "json":
        changes = [
            {
                "job": address,
                "action": _action(address, before, after),
                "fields": [field_json(field) for field in fields],
            }
            for address, fields in moved.items()
        ]
        said = {"from": revisions[0], "to": revisions[1], "changes": changes}
        screen.line(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _write_text(screen, revisions, moved, before, after)


def _action(address: str, before: Mapping[str, Spec], after: Mapping[str, Spec]) -> str:
    if address not in before:
        return "add"
    return "change" if address in after else "destroy"


def _write_text(
    screen: Screen,
    revisions: tuple[int, int],
    moved: Mapping[str, tuple[Merged, ...]],
    before: Mapping[str, Spec],
    after: Mapping[str, Spec],
) -> None:
    old, new = revisions
    if not moved:
        screen.line(f"The boards said the same at revisions {old} and {new}.")
        return
    screen.line(f"What the boards said, revision {old} → {new}", "bold")
    for address, fields in moved.items():
        action = _action(address, before, after)
        symbol = {"add": "+", "change": "~", "destroy": "-"}[action]
        screen.line(f"  {symbol} {address}", action)
        for line in change_lines(fields) if action != "destroy" else ():
            screen.line(line)
