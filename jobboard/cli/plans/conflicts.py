"""What a person has to decide, where the file and Redis both changed or contradict each other; and how."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from jobboard.cli.plans.changes import change_lines, deed, who
from jobboard.cli.screen import visible
from jobboard.cli.values import shown
from jobboard.core.names import split_address
from jobboard.core.plans.drift import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.plans.clash import Clash
    from jobboard.core.plans.drift import Conflicted
    from jobboard.reconcile.around import Around

CLASH_PARTS = 6
"""Paths of a clash that are shown with their values."""


def conflict_lines(conflict: Conflicted, around: Around, place: str) -> Iterator[str]:
    """What both sides changed, with the three values; `place` is where the file says its own."""
    job = split_address(conflict.address)[1]
    for field in conflict.fields:
        if field.path == WHOLE:
            yield f"  ! conflict {job} {deed(field, around, conflict.address)}; the file changes it   {place}"
            yield from change_lines(conflict.moved)
            continue
        by = who(around, conflict.address, field)
        applied = f" (revision {conflict.revision})" if conflict.revision is not None else ""
        yield f"  ! conflict {job}.{field.path}"
        yield f"        last applied  {shown(field.path, field.base)}{applied}"
        yield f"        Redis         {shown(field.path, field.live)}{by}"
        yield f"        file          {shown(field.path, field.file)}   {place}".rstrip()


def adopting_ways_out(conflict: Conflicted, source: str, path: str) -> Iterator[str]:
    """How it ends where a job that is to be adopted differs from the file, as `ways_out`."""
    command = f"jobboard adopt {source} {conflict.address}"
    named = shlex.quote(path)
    yield f"      take the file:  {command} --on-conflict file {named}"
    yield f"      keep Redis:     {command} --on-conflict live {named}"
    yield f"      or write what is in Redis into {path} and:  {command} {named}"


def ways_out(path: str, conflicts: Sequence[Conflicted], *, reverting: bool) -> Iterator[str]:
    """How a board's conflicts end: commands that work as they stand here.

    Args:
        path: The board's file.
        conflicts: Of the board.
        reverting: Whether the board's policy takes live edits back, unless a flag says otherwise.
    """
    named = shlex.quote(path)
    keep = "--on-drift keep " if reverting else ""
    yield f"      take the file:  jobboard sync --on-conflict file {named}"
    yield f"      keep Redis:     jobboard sync {keep}--on-conflict live {named}"
    if sum(len(conflict.fields) for conflict in conflicts) > 1:
        first = f"{conflicts[0].address}:{conflicts[0].fields[0].path}"
        yield f"      or one by one:  jobboard sync --force-conflicts={shlex.quote(first)} {named}"
    wanted = (
        "take the job out of"
        if all(field.path == WHOLE for conflict in conflicts for field in conflict.fields)
        else "write the value you want into"
    )
    yield f"      or {wanted} {path} and:  jobboard plan {named}"


def clash_lines(clash: Clash, around: Around, places: Mapping[str, str]) -> Iterator[str]:
    """What would not hold together after the merge, and each side's say in it.

    Args:
        clash: The clash.
        around: Who edited what.
        places: Job to where its file says it.
    """
    yield f"  ! conflict {visible(clash.message)}"
    for part in clash.parts[:CLASH_PARTS]:
        path, field = ".".join(filter(None, (part.address, part.field.path))), part.field
        by = who(around, part.address, field)
        yield f"        {path}   {places.get(part.address, '')}".rstrip()
        yield f"          last applied  {shown(field.path, field.base)}"
        yield f"          Redis         {shown(field.path, field.live)}{by}"
        yield f"          file          {shown(field.path, field.file)}"
    if len(clash.parts) > CLASH_PARTS:
        yield f"        … and {len(clash.parts) - CLASH_PARTS} more"


def clash_ways_out(clash: Clash, paths: Sequence[str], *, reverting: bool) -> Iterator[str]:
    """How a clash ends: commands that work as they stand here.

    Args:
        clash: The clash.
        paths: The files that have a part in it, or that were to be synced.
        reverting: Whether a board's policy takes live edits back, unless a flag says otherwise.
    """
    named = " ".join(map(shlex.quote, paths))
    if "file" in clash.cures:
        yield f"      take the file:  jobboard sync --on-conflict file {named}"
    if "live" in clash.cures:
        keep = "--on-drift keep " if reverting else ""
        yield f"      keep Redis:     jobboard sync {keep}--on-conflict live {named}"
    yield f"      or change what jobboard set put into Redis, or {named}, and:  jobboard plan {named}"
