"""What a saved plan left undone because the file and Redis disagree, as far as they still do.

The files are not read again, so the file's side is what it was when the plan was made. Redis may have moved:
somebody took a live edit back, or a later sync settled the matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.merge import same
from jobboard.core.jobs.override import value_at
from jobboard.core.plans.drift import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Definition
    from jobboard.core.plans.clash import Clash, Part
    from jobboard.core.plans.drift import Conflicted


def conflicts_left(conflicts: Iterable[Conflicted], jobs: Mapping[str, Definition]) -> tuple[Conflicted, ...]:
    """The conflicts of which a field is still changed on both sides.

    Args:
        conflicts: As they were.
        jobs: What is live now, by address.
    """
    return tuple(c for c in conflicts if any(_is_contested(f, jobs.get(c.address)) for f in c.fields))


def clashes_left(clashes: Iterable[Clash], jobs: Mapping[str, Definition]) -> tuple[Clash, ...]:
    """The clashes of which Redis says no part as the file did, so that its jobs are left as they are."""
    return tuple(c for c in clashes if not any(_is_taken(part, jobs.get(part.address)) for part in c.parts))


def _is_contested(field: Merged, now: Definition | None) -> bool:
    if field.path == WHOLE:
        return now is None
    if now is None:
        return False
    base, live = value_at(now.base, field.path), value_at(now.spec, field.path)
    return not (same(field.file, live) or same(field.file, base) or same(live, base))


def _is_taken(part: Part, now: Definition | None) -> bool:
    if not part.field.path:
        return (now is None) == (part.field.file is None)
    return now is not None and same(value_at(now.spec, part.field.path), part.field.file)
