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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.reconcile.plancontent import plain_of, plan_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.reconcile.plancontent import SavedPlan
    from jobboard.reconcile.planning import Planned

KIND = "jobboard plan"
FORMAT_VERSION = "1.0"
"""Another major one is refused: it may say something that this version would not do."""


def write_plan(path: Path, planned: Planned) -> None:
    """Write a plan to a file, all of it or nothing, readable by its owner alone.

    Raises:
        errors.UsageError: The file cannot be written there.
    """
    content = {"kind": KIND, "format_version": FORMAT_VERSION, **plain_of(planned)}
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
    return plan_of(content)


def _sum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
