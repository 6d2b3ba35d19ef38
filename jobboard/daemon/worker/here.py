"""What a job means on the host it runs on: its user, its environment files, the values of its references."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.core.jobs import launch
from jobboard.daemon.system.confine import Account, UnknownUser, account_of
from jobboard.daemon.worker import envfile

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec

_LONGEST_FILE_BYTES = 1 << 20


def account_for(spec: Spec) -> Account | None:
    """Whom the job runs as; None for whoever the worker is.

    Raises:
        launch.Unresolvable: There is no such user, or it cannot be used.
    """
    user = spec.get("user")
    if user is None:
        return None
    try:
        return account_of(user)
    except UnknownUser as error:
        raise launch.Unresolvable(str(error)) from error


def files_for(spec: Spec) -> dict[str, str]:
    """What the job's `env_files` say.

    Raises:
        launch.Unresolvable: One is missing, or is none.
    """
    if "env_files" not in spec:
        return {}
    try:
        return envfile.read_files(spec["env_files"], spec.get("cwd"))
    except envfile.BadFile as error:
        raise launch.Unresolvable(str(error)) from error


def resolver(store_url: str) -> launch.Resolve:
    """How references get their values on this host; never the store's address."""

    def resolve(kind: str, name: str) -> str:
        reference = f"${{{kind}:{name}}}"
        value = _environment_value(reference, name) if kind == "env" else _file_value(reference, name)
        if store_url in value:
            raise launch.Unresolvable(f"{reference} would show where the store is")
        if "\0" in value:
            raise launch.Unresolvable(f"{reference} holds a zero byte, which no environment can")
        return value

    return resolve


def _environment_value(reference: str, name: str) -> str:
    value = os.environ.get(name)
    if value is None or name == launch.HIDDEN:
        raise launch.Unresolvable(f"{reference} is not set where the worker runs")
    return value


def _file_value(reference: str, name: str) -> str:
    path = Path(name)
    try:
        if not path.is_file():
            raise launch.Unresolvable(f"{reference} is not a file where the worker runs")
        with path.open("rb") as file:
            raw = file.read(_LONGEST_FILE_BYTES + 1)
    except OSError as error:
        raise launch.Unresolvable(f"{reference} cannot be read: {error.strerror}") from error
    if len(raw) > _LONGEST_FILE_BYTES:
        raise launch.Unresolvable(f"{reference} is over 1 MiB")
    return raw.decode("utf-8", "surrogateescape").removesuffix("\n")
