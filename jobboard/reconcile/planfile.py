"""A plan in a file: made and looked at in one place, applied in another, later.

The file says what the plan would write and what that was made from, job by job, and nothing else: no
connection, no state of the store beyond the definitions that change. It holds what boards hold, so it is
written for its owner alone. A sum over all of it tells a file that was edited from the plan that was shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.merge import Merged
from jobboard.source.git import Checkout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.change import Action, JobChange
    from jobboard.core.model import Spec
    from jobboard.core.plan import BoardPlan, OnPrune
    from jobboard.reconcile.planning import Planned

KIND = "jobboard plan"
FORMAT_VERSION = "1.0"
"""Another major one is refused: it may say something that this version would not do."""


@dataclass(frozen=True, slots=True)
class SavedChange:
    """One job that the plan would write.

    Attributes:
        address, action, source: As in `core.change.JobChange`.
        before: The live definition and its base that the plan was made from; None for no such job.
        after: Both afterwards; None for a destroyed job.
        fields: The paths that move.
        away: The base before and afterwards, of a job that was removed by hand and stays away.
    """

    address: str
    action: Action
    before: tuple[Spec, Spec] | None
    after: tuple[Spec, Spec] | None
    fields: tuple[Merged, ...]
    source: str | None
    away: tuple[Spec, Spec] | None = None


@dataclass(frozen=True, slots=True)
class SavedBoard:
    """One board of the plan; see `core.plan.BoardPlan` for what is not said here."""

    name: str
    path: str
    version: str | None
    changes: tuple[SavedChange, ...]
    left: tuple[str, ...]
    removed: bool
    released: bool
    recorded: bool
    meta: Mapping[str, Any]
    requeue: bool = False
    on_prune: OnPrune | None = None


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as a file holds it.

    Attributes:
        namespace: Where alone it may be applied.
        digest: Of the plan when it was made.
        checkout: Where its boards came from; None outside Git.
        boards: The boards that it would write.
    """

    namespace: str
    digest: str
    checkout: Checkout | None
    boards: tuple[SavedBoard, ...]


def write_plan(path: Path, planned: Planned) -> None:
    """Write a plan to a file, all of it or nothing, readable by its owner alone.

    Raises:
        errors.UsageError: The file cannot be written there.
    """
    checkout = planned.sources.checkout
    content = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "namespace": planned.plan.namespace,
        "digest": planned.plan.digest,
        "checkout": {**asdict(checkout), "root": None} if checkout else None,
        "boards": [_board(b) for b in planned.plan.boards if b.rewritten or b.recorded or b.released],
    }
    text = json.dumps({**content, "sum": _sum(content)}, indent=1, sort_keys=True)
    try:
        _write(path, text + "\n")
    except OSError as error:
        raise errors.UsageError(f"the plan cannot be written to {path}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def read_plan(path: Path, namespace: str) -> SavedPlan:
    """A plan from its file.

    Args:
        path: The file.
        namespace: Where it is to be applied.

    Raises:
        errors.UsageError: It is no plan, of a format that this version does not know, of another namespace,
            or not as it was written.
    """
    again = f"make it anew: jobboard plan --out {path}"
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise errors.UsageError(f"the plan {path} cannot be read: {error.strerror}", again) from error
    except ValueError as error:
        raise errors.UsageError(f"{path} is no plan: it is not JSON", again) from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise errors.UsageError(f"{path} is no plan that jobboard plan --out wrote", again)
    version = str(content.get("format_version"))
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise errors.UsageError(f"the plan {path} has format {version}, this reads {FORMAT_VERSION}", again)
    if content.pop("sum", None) != _sum(content):
        raise errors.UsageError(f"the plan {path} was edited since it was made", again)
    if content["namespace"] != namespace:
        raise errors.UsageError(
            f"the plan {path} is of namespace {content['namespace']}, and this is {namespace}",
            f"apply it there: --namespace {content['namespace']}",
        )
    checkout = content["checkout"]
    return SavedPlan(
        content["namespace"],
        content["digest"],
        Checkout(**{**checkout, "root": Path()}) if checkout else None,
        tuple(map(_saved_board, content["boards"])),
    )


def _sum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _board(board: BoardPlan) -> dict[str, Any]:
    return {
        "name": board.name,
        "path": board.path,
        "version": board.version,
        "changes": [_change(change) for change in board.changes],
        "left": list(board.left),
        "removed": board.removed,
        "released": board.released,
        "recorded": board.recorded,
        "meta": dict(board.meta),
        "requeue": board.requeue,
        "on_prune": board.on_prune,
    }


def _change(change: JobChange) -> dict[str, Any]:
    before = change.before
    return {
        "address": change.address,
        "action": change.action,
        "before": [dict(before.spec), dict(before.base)] if before else None,
        "after": [dict(change.after), dict(change.base or {})] if change.after is not None else None,
        **({} if change.away is None else {"away": [dict(change.away), dict(change.base or {})]}),
        "source": change.source,
        "fields": [[f.path, f.verdict, f.base, f.live, f.file, f.result] for f in change.fields],
    }


def _saved_board(said: Mapping[str, Any]) -> SavedBoard:
    changes = tuple(map(_saved_change, said["changes"]))
    return SavedBoard(**{**said, "changes": changes, "left": tuple(said["left"])})


def _saved_change(said: Mapping[str, Any]) -> SavedChange:
    return SavedChange(
        said["address"],
        said["action"],
        tuple(said["before"]) if said["before"] else None,
        tuple(said["after"]) if said["after"] else None,
        tuple(Merged(*each) for each in said["fields"]),
        said["source"],
        tuple(said["away"]) if "away" in said else None,
    )
