"""Whose a job's definition is: each of its fields, and the revision or the live edit it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.merge import merge_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Definition, Spec

EMPTY: Spec = {}


def moved_between(before: Spec | None, after: Spec | None) -> tuple[Merged, ...]:
    """The paths in which two definitions differ: `live` is the value before, `result` the one after."""
    old = before or EMPTY
    return merge_job(old, old, after or EMPTY).fields


def paths_of(spec: Spec) -> dict[str, object]:
    """Every path of a definition and its value, maps key by key."""
    return {field.path: field.result for field in moved_between(None, spec)}


def origins(
    definition: Definition, changes: Iterable[tuple[int, Definition | None, Definition | None]]
) -> Mapping[str, int | str | None]:
    """Path to the revision that gave it its value; ``live`` for a live edit, None for longer ago than known.

    Args:
        definition: The job as it is.
        changes: Revision, definition before and after, of every revision that changed the job, newest first.
            A revision that added it has no definition before it.
    """
    found: dict[str, int | str | None] = dict.fromkeys(paths_of(definition.spec))
    edited = {field.path for field in moved_between(definition.base, definition.spec)}
    found.update(dict.fromkeys(sorted(edited), "live"))
    for number, before, after in changes:
        if before is None:
            moved = set(found)
        elif after is None:
            continue
        else:
            fields = (*moved_between(before.base, after.base), *moved_between(before.spec, after.spec))
            moved = {field.path for field in fields}
        found.update({path: number for path in moved if path in found and found[path] is None})
        if before is None:
            break
    return found
