"""What a board comes to mean, as a digest: equal digests are equal boards, and such a file is not parsed."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from jobboard.core.jobs.meaning import VERSION, zone_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.source.project import Project

CalendarFile: TypeAlias = tuple[bytes, str | None]
"""A calendar file's bytes, and why they were not read if they were not."""


def digest_of(
    raw: bytes,
    project: Project | None = None,
    beside: Mapping[str, CalendarFile] = MappingProxyType({}),
) -> str:
    """What a board's bytes come to mean, as ``sha256:…``: with other rules or other zone data, another.

    So it is with other defaults or profiles of the project, and with another value of a variable that the
    board refers to; variables that it does not refer to change nothing. So it is with calendar files.
    """
    digest = hashlib.sha256(f"{VERSION} {zone_version()}\0".encode())
    digest.update(raw)
    if project is not None:
        digest.update(_surroundings(raw, project).encode())
    for name, (content, refusal) in sorted(beside.items()) if beside else ():
        digest.update(f"\0{name}\0{refusal}\0{len(content)}\0".encode())
        digest.update(content)
    return "sha256:" + digest.hexdigest()


def _surroundings(raw: bytes, project: Project) -> str:
    """What of a project a board depends on, as text; empty where that is nothing."""
    import json

    from jobboard.source.references import variables_used

    used = {name: project.variables.get(name) for name in variables_used(raw)}
    variables = json.dumps(used, sort_keys=True) if used else ""
    return f"\0{project.meaning}\0{variables}" if project.meaning or variables else ""
