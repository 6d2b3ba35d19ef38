"""Values that come from a command line, written as a board would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Diagnostic, Fault, KeyFault
from jobboard.core.jobs.value import read_keys
from jobboard.core.jobs.value.when import read_zone
from jobboard.core.times.timing import KINDS, OPTIONS, compose_schedule
from jobboard.source.placing import flawed, placed
from jobboard.source.scalar import plain_scalar
from jobboard.source.schema import check_keys
from jobboard.source.syntax import decode, parse
from jobboard.source.text import Text
from jobboard.source.yamltree import Flaw, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping


_TIMED = tuple(key for key in (*KINDS, *OPTIONS) if key != "after")


def parse_value(text: str) -> Any:
    """The value of ``KEY=text``: a list, a map or quoted text if it begins like one, else one word or text.

    Text needs no quotes here, since the shell has had its own: ``cron=*/5 * * * *`` means what it says.
    Nothing at all is None.
    """
    stripped = text.strip()
    if stripped[:1] in ("[", "{", '"', "'"):
        tree = parse(Text(f"value: {stripped}"))
        if not tree.flaws and isinstance(tree.root, dict):
            return tree.root["value"]
    return plain_scalar(stripped) if stripped == text else text


def read_schedule(
    text: str, timezone: str | None = None, *, shown: str = "--schedule"
) -> tuple[Mapping[str, Any] | None, list[Diagnostic]]:
    """The canonical schedule of a YAML or JSON map with a job's schedule keys, and what is wrong with it.

    Args:
        text: As in ``{every: 5m, start: 2026-01-01}``.
        timezone: Of local times, where the map names none.
        shown: What diagnostics call the place the text came from.
    """
    decoded = decode(text.encode())
    if isinstance(decoded, Flaw):
        return None, [flawed(shown, None, decoded)]
    tree = parse(decoded)
    diagnostics = [flawed(shown, tree, flaw) for flaw in tree.flaws]
    if diagnostics:
        return None, diagnostics
    schedule, faults = _composed(tree, timezone)
    return schedule, [placed(shown, tree, fault) for fault in faults]


def _composed(tree: Tree, timezone: str | None) -> tuple[Mapping[str, Any] | None, list[Fault]]:
    raw = tree.root
    if not isinstance(raw, dict):
        return None, [Fault((), "a schedule is a map", 'Write  {every: 5m}  or  {cron: "0 2 * * *"}')]
    faults = check_keys(raw)
    faults += [KeyFault((key,), f'"{key}" is no part of a schedule') for key in raw if key not in _TIMED]
    if faults:
        return None, list({fault.path: fault for fault in faults}.values())
    zone = None if timezone is None else read_zone(timezone, ("timezone",), faults)
    schedule = compose_schedule(read_keys(raw, faults), zone, None, faults)
    if schedule is None and not faults:
        faults.append(Fault((), "no schedule", "Write one of  cron, every and at"))
    return None if schedule is BROKEN or faults else schedule, faults
