"""Policies that would keep a live value now and take it back at the next sync: refused, with the way out.

What is meant is, as a rule, that the live value stays for a while and the board's counts again afterwards.
That is an override, so the commands that lay one, for each value in conflict, are part of the refusal.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.override import FIXED
from jobboard.core.jobs.policy import Policy
from jobboard.core.jobs.written import written_keys
from jobboard.core.names import split_address
from jobboard.core.plans.compare import plan_jobs
from jobboard.source.values import parse_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.jobs.model import Definition
    from jobboard.reconcile.sources import Options
    from jobboard.source.board import Board

SHOWN = 5
"""Commands that a refusal shows; of more it says how many."""
REASON = "kept over the board's value"


def refuse_contradiction(
    policies: Mapping[str, Policy],
    boards: Mapping[str, Board],
    lives: Mapping[str, Mapping[str, Definition]],
    options: Options,
) -> None:
    """Raise if a board's policy and the flags together keep what they would overwrite.

    Args:
        policies: Board to policy, flags on top.
        boards: The boards that were read.
        lives: The jobs of each as they are live.
        options: The flags.

    Raises:
        errors.UsageError: They do.
    """
    contradictory = {name: policy.contradiction for name, policy in policies.items() if policy.contradiction}
    flagged = Policy().by_flag(options.on_drift, options.on_conflict).contradiction
    if not contradictory and flagged is None:
        return
    if flagged is not None:
        what = f"--on-drift {flagged} takes back"
    else:
        name, on_drift = next(iter(contradictory.items()))
        what = f"on_drift: {on_drift} of board {name} takes back"
    kept = "--on-conflict live" if options.on_conflict == "live" else "on_conflict: live"
    raise errors.UsageError(
        f"{kept} keeps what {what} at the next sync",
        "\n".join(_ways_out([boards[name] for name in contradictory], policies, lives)),
    )


def _ways_out(
    boards: list[Board], policies: Mapping[str, Policy], lives: Mapping[str, Mapping[str, Definition]]
) -> Iterator[str]:
    commands = [
        command
        for board in boards
        for command in _overrides(board, policies[board.name], lives.get(board.name, {}))
    ]
    if commands:
        paths = " ".join(shlex.quote(board.shown) for board in boards)
        yield "lay the live value over the board's for as long as it is needed, and take the file:"
        yield from commands[:SHOWN]
        if len(commands) > SHOWN:
            yield f"and {len(commands) - SHOWN} more like these: jobboard plan lists the conflicts"
        yield f"jobboard sync --on-conflict file {paths}"
        yield "or add --on-drift keep to keep it this time, or write it into the board"
    else:
        yield "add --on-drift keep to keep it this time, or write the live value into the board"


def _overrides(board: Board, policy: Policy, live: Mapping[str, Definition]) -> Iterator[str]:
    """For each value in conflict, the command that lays the live one over the definition."""
    asking = replace(
        policy,
        on_conflict="fail",
        fields={name: replace(rule, on_conflict="fail") for name, rule in policy.fields.items()},
    )
    for conflict in plan_jobs(board.name, board.jobs, live, asking)[2]:
        words = [
            word
            for field in conflict.fields
            if field.path not in FIXED
            for word in assignments(field.path, field.live, board=split_address(conflict.address)[0])
        ]
        if words:
            said = " ".join(shlex.quote(word) for word in words)
            yield f"jobboard override set {conflict.address} {said} --for 24h --reason {shlex.quote(REASON)}"


def assignments(path: str, value: Any, *, board: str) -> list[str]:
    """The ``KEY=VALUE`` words that give a path of a job a value; None for the built-in default."""
    name, _, part = path.partition(".")
    if value is None:
        return [f"{'cron' if name == 'schedule' else path}="]
    if part:
        return [_word(path, written_keys({name: {part: value}}, board)[name][part])]
    return [_word(key, written) for key, written in written_keys({name: value}, board).items()]


def _word(key: str, value: Any) -> str:
    """As `parse_value` reads it back: text as it stands where it can."""
    if isinstance(value, str) and value and parse_value(value) == value:
        return f"{key}={value}"
    return f"{key}={json.dumps(value, ensure_ascii=False)}"
