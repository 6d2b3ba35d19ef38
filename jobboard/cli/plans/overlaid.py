"""What stands beside a plan, since no sync touches it: overrides and holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard.cli.records import overriding
from jobboard.cli.screen import moment, visible
from jobboard.cli.values import brief, shown
from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.override import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import Hold
    from jobboard.reconcile.around import Around


def override_lines(address: str, around: Around) -> Iterator[str]:
    """What is laid over a job's definition, and what the definition says."""
    for text in override_texts(address, around):
        yield f"  override {address}  {text}"


def override_texts(address: str, around: Around) -> Iterator[str]:
    """The same without the job."""
    definition = around.overridden[address]
    for override in around.overrides(address):
        under = under_text(definition.spec, override)
        how = overriding(override, around.now_ms)
        yield f"{override.path} {override_value(override)}, not {under}{how}"


def override_value(override: Override) -> str:
    """The value of an override in words."""
    return "nothing" if override.value is None else brief(shown(override.path, override.value))


def under_text(spec: Spec, override: Override) -> str:
    """What a definition says where it is overridden, in words; what is built in where it says nothing."""
    value = value_at(spec, override.path)
    known = FIELDS.get(override.path)
    if value is None and known is not None:
        value = known.default
    return override_value(replace(override, value=value))


def hold_text(scope: str, hold: Hold, now_ms: int) -> str:
    """Who holds what, until when, and why."""
    kind, _, name = scope.partition(":")
    what = {"all": "everything", "job": name}.get(kind, f"{kind} {name}")
    until = f" until {moment(hold.until_ms, None, now_ms=now_ms)}" if hold.until_ms is not None else ""
    reason = f': "{brief(visible(hold.reason))}"' if hold.reason else ""
    return f"{what} is paused{until} ({visible(hold.by)}{reason})"
