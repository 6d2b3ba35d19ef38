"""The shape of a board and of a project: the files in `schemas` are the truth, and this module applies them.

A fast validator says whether a board holds; only what it rejects goes to the reference implementation, whose
reasons are then put in words. A test holds the two to one verdict.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from jobboard.core.names import is_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.diagnostic import Fault

_PACKAGE = Path(__file__).resolve().parent.parent
# In an installed package the schema lies inside; in a checkout it stands at the top.
_BOARD = "board.schema.json"
_PLACES = (_PACKAGE / "_share" / "schemas", _PACKAGE.parent / "schemas")


def schema_text(kind: str = "board") -> str:
    """The schema of a ``board`` or a ``project``, as it is shipped."""
    path = next(place for place in _PLACES if place.is_dir()) / f"{kind}.schema.json"
    return path.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The schema, parsed. Never change it."""
    parsed: dict[str, Any] = json.loads(schema_text())
    return parsed


@lru_cache(maxsize=1)
def project_schema() -> dict[str, Any]:
    """The schema of a project, whole: what it has in common with a board's stands in it. Never change it."""
    parsed: dict[str, Any] = json.loads(schema_text("project"))
    parsed["$defs"] = {**schema()["$defs"], **parsed.get("$defs", {})}
    of_queues = parsed["properties"]["queues"]
    environment = parsed["$defs"]["environment"]["properties"]
    for parts in (parsed["properties"], environment, of_queues):
        for name, part in parts.items():
            reference = part.get("$ref", "") if isinstance(part, dict) else ""
            _, found, key = reference.partition(f"{_BOARD}#/properties/")
            if found:
                parts[name] = schema()["properties"][key]
    return parsed


@lru_cache(maxsize=1)
def _board_validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema())


@lru_cache(maxsize=1)
def _job_validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(job_schema())


@lru_cache(maxsize=1)
def job_schema() -> dict[str, Any]:
    """The schema of one job alone."""
    whole = schema()
    return {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": "#/$defs/job"}


def is_valid(board: Any) -> bool:
    """Whether a board has the right shape."""
    return bool(_board_validator().is_valid(board))


def check_board(board: Any) -> list[Fault]:
    """What is wrong with a board's shape, by path from its root."""
    if is_valid(board):
        return []
    from jobboard.source.misfit import explain

    if not isinstance(board, dict) or not isinstance(board.get("jobs"), dict):
        return explain(schema(), board)
    # Names and jobs apart, so that among thousands of sound jobs only the others take time.
    faults = explain(schema(), {**board, "jobs": {name: {} for name in board["jobs"] if not is_name(name)}})
    for name, job in board["jobs"].items():
        if not _job_validator().is_valid(job):
            faults += explain(job_schema(), job, ("jobs", name))
    return faults


def check_project(project: Any) -> list[Fault]:
    """What is wrong with the shape of a project file, by path from its root."""
    if jsonschema_rs.Draft202012Validator(project_schema()).is_valid(project):
        return []
    from jobboard.source.misfit import explain

    return explain(project_schema(), project)


def check_keys(keys: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with the shape of some keys of a job, by path from the job's root."""
    if _job_validator().is_valid(keys):
        return []
    from jobboard.source.misfit import explain

    return explain(job_schema(), keys)
