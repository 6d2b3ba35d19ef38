"""End the hold on a job, a board, a tag, a queue or everything; holds on other scopes stay.

jobboard resume ops/backup
jobboard resume --tag db
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobboard.cli import project, scopes
from jobboard.cli.records import holds_json, instant_json, moment
from jobboard.core.diagnostic import visible
from jobboard.core.scope import resume_command, scope_text
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.runs.facts import Hold
    from jobboard.store.runs.overview import Standing


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard resume``."""
    scopes.add_scope(parser)
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit")


def execute(args: argparse.Namespace) -> int:
    """End the hold, and say what still holds."""
    from jobboard.store.boards import holds
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import overview

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        scope = scopes.scope_of(store, args)
        were = holds.read_holds(store, clocks.now_ms(store)).get(scope, [])
        ended = holds.resume(store, scope, by=project.by_of(settings, args.reason))
        now_ms = clocks.now_ms(store)
        covered = overview.covered_by(store, scope, now_ms)
    left = _left(covered)
    if args.output == "json":
        first_ms = min((s.due_at_ms for s in covered if s.due_at_ms is not None), default=None)
        said = {
            "scope": scope,
            "ended": ended,
            "next_due": instant_json(first_ms),
            "still": holds_json(left),
        }
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return 0
    for line in _of_others(were, settings.actor):
        print(line)
    _say(scope, ended, covered, left, now_ms)
    return 0


def _of_others(were: Sequence[Hold], actor: str) -> Iterator[str]:
    """The holds that ended and were somebody else's, in words: who set them may want to know."""
    for hold in were:
        if hold.by != actor:
            reason = f': "{visible(hold.reason)}"' if hold.reason else ""
            yield f"That ended the hold of {visible(hold.by)}{reason}."


def _left(covered: Sequence[Standing]) -> Mapping[str, Sequence[Hold]]:
    return {scope: holds for standing in covered for scope, holds in standing.holds.items()}


def _say(
    scope: str,
    ended: int,
    covered: Sequence[Standing],
    left: Mapping[str, Sequence[Hold]],
    now_ms: int,
) -> None:
    what = scopes.subject(scope)
    print(f"{what} {'goes on' if ended else 'was not paused'}.")
    for other, holds in left.items():
        whose = f"{what} is" if scope.startswith("job:") else "some of it is"
        by = ", ".join(sorted({hold.by for hold in holds}))
        print(f"But {whose} still held by the hold on {scope_text(other)} ({by}): {resume_command(other)}")
    if left or not ended:
        return
    upcoming = [s for s in covered if s.due_at_ms is not None]
    if upcoming:
        first = min(upcoming, key=lambda standing: standing.due_at_ms or 0)
        print(f"Next: {first.job} {moment(first.due_at_ms, first.zone, now_ms)}.")
