"""Which store, which namespace, who is asking: read from flags and the environment, once, at the start.

A flag wins over the environment, that over the project file, and that over the default. Nothing here opens
a store; the same values mean the same for every kind of store.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jobboard.core.names import NAME_RULE, is_name
from jobboard.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jobboard.source.project import Project

EMBEDDED_URL = "embedded://"
SCHEMES = ("embedded", "redis", "rediss", "unix")

# The variable in which each CI service names the person whose push or click it runs for.
_CI_ACTORS = (
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILDKITE_BUILD_CREATOR",
    "CIRCLE_USERNAME",
    "BUILD_USER_ID",
    "DRONE_COMMIT_AUTHOR",
)
# To the last @, since a password pasted unescaped may hold a slash.
_PASSWORD_IN_AUTHORITY = re.compile(r"(?<=://)([^/?#@:]*):.*@")
_PASSWORD_IN_QUERY = re.compile(r"([?&][a-z_]*password=)[^&#]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What every command needs to know before it does anything.

    Attributes:
        redis_url: ``embedded://``, ``redis://``, ``rediss://`` or ``unix://``; may hold a password, so show
            it only as `masked`.
        namespace: The namespace all keys lie in.
        home: Where the embedded store lives.
        actor: Who every write is attributed to.
        via: ``cli``, or ``ci`` where a CI service runs us.
        root: The project's top directory.
        project: What its project file says, with the environment that was picked; None where nothing is said.
    """

    redis_url: str
    namespace: str
    home: Path
    actor: str
    via: str
    root: Path
    project: Project | None = None

    @property
    def environment(self) -> str | None:
        """The environment of the project file that was picked; None if there is none."""
        return self.project.environment if self.project is not None else None

    @property
    def watched(self) -> bool:
        """Whether the project file lets every save be synced to the store, although others may rely on it."""
        return self.project is not None and self.project.watched

    @property
    def log_url(self) -> str | None:
        """Where else the output of runs is kept, as the project file says; see `core.jobs.log_url`."""
        return self.project.log_url if self.project is not None else None

    @property
    def embedded(self) -> bool:
        """Whether the store is the one we start ourselves."""
        return is_embedded(self.redis_url)

    @classmethod
    def from_args(
        cls,
        args: argparse.Namespace,
        environ: Mapping[str, str] = os.environ,
        cwd: Path | None = None,
    ) -> Settings:
        """Settings of one command, from its ``redis``, ``namespace`` and ``actor`` arguments where given.

        The project file is read by the command's ``read_project``, where it has one.

        Raises:
            UsageError: The URL or the namespace is none, or there is no such environment.
            errors.InvalidBoards: Something is wrong with the project file.
        """
        root = project_root(cwd or Path.cwd())
        reader = getattr(args, "read_project", None)
        project: Project | None = reader(root) if reader is not None else None
        url = getattr(args, "redis", None) or environ.get("JOBBOARD_REDIS_URL") or ""
        asked = getattr(args, "namespace", None) or environ.get("JOBBOARD_NAMESPACE")
        if project is not None:
            url = url or project.store_url(environ) or ""
            asked = asked or project.namespace
        url = url or EMBEDDED_URL
        return cls(
            redis_url=_checked_url(url),
            namespace=_checked_namespace(asked) if asked else default_namespace(url, root),
            home=home_directory(environ),
            actor=getattr(args, "actor", None) or actor_of(environ),
            via="ci" if environ.get("CI") else "cli",
            root=root,
            project=project,
        )


def is_embedded(url: str) -> bool:
    """Whether the URL asks for the store we start ourselves."""
    return urlsplit(url).scheme == "embedded"


def masked(url: str) -> str:
    """The URL with every password in it replaced, fit for a message."""
    return _PASSWORD_IN_QUERY.sub(r"\1***", _PASSWORD_IN_AUTHORITY.sub(r"\1:***@", url))


def home_directory(environ: Mapping[str, str]) -> Path:
    """Where the embedded store lives: ``JOBBOARD_HOME``, else ``~/.local/state/jobboard``."""
    named = environ.get("JOBBOARD_HOME")
    return Path(named).expanduser().absolute() if named else Path.home() / ".local" / "state" / "jobboard"


def project_root(start: Path) -> Path:
    """The project that `start` lies in.

    The nearest directory upwards with a ``jobboard.yaml``, else with a ``.git``, else with a ``boards``
    directory; else `start` itself.
    """
    upwards = (start.resolve(), *start.resolve().parents)
    for mark in ("jobboard.yaml", ".git", "boards"):
        for directory in upwards:
            if (directory / mark).exists():
                return directory
    return upwards[0]


def default_namespace(url: str, root: Path) -> str:
    """The namespace where none is named: the project's own on the embedded store, else ``default``.

    The embedded store is shared by all projects of a user; six hex digits of the root's path keep two of
    one name apart.
    """
    if not is_embedded(url):
        return "default"
    path_digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:6]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).lstrip("._-")[:90] or "project"
    return f"{name}-{path_digest}"


def actor_of(environ: Mapping[str, str]) -> str:
    """Who is asking: ``JOBBOARD_ACTOR``, else the CI service's user, else user@host."""
    for variable in ("JOBBOARD_ACTOR", *_CI_ACTORS):
        if named := environ.get(variable):
            return named
    return f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container's user id often has no name.
        return f"uid-{os.getuid()}"


def _checked_url(url: str) -> str:
    scheme, found, _ = url.partition("://")
    if not found or scheme not in SCHEMES:
        raise UsageError(
            f'"{masked(url)}" is not the address of a store',
            "Write embedded://, redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH",
        )
    return url


def _checked_namespace(namespace: str) -> str:
    if not is_name(namespace):
        raise UsageError(f'"{namespace}" cannot name a namespace', f"Use {NAME_RULE}")
    return namespace
