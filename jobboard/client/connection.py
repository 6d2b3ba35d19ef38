"""An open namespace of a store: what all calls of a client share."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Self

from jobboard.settings import Settings
from jobboard.store.calls.connect import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobboard.source.project import Project


class Connection:
    """Where calls go, and whom they are attributed to."""

    def __init__(
        self,
        url: str | None = None,
        namespace: str | None = None,
        *,
        environment: str | None = None,
        actor: str | None = None,
    ) -> None:
        def read_project(root: Path) -> Project | None:
            return _project(root, environment)

        asked = argparse.Namespace(redis=url, namespace=namespace, actor=actor, read_project=read_project)
        self._settings = Settings.from_args(asked)
        self._store = open_store(self._settings, shared=True)

    def close(self) -> None:
        """Drop the connections. Safe to call twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _by(self, reason: str | None) -> Mapping[str, Any]:
        host = os.uname().nodename
        return {"actor": self._settings.actor, "via": "api", "host": host, "reason": reason}


def _project(root: Path, environment: str | None) -> Project | None:
    asked = environment or os.environ.get("JOBBOARD_ENV") or None
    if asked is None and not (root / "jobboard.yaml").is_file():
        return None
    # A program that names its store has no need of the YAML reader.
    from jobboard.source.projectfile import load_project

    return load_project(root, environment=asked, assignments=())
