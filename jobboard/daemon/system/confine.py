"""Who a command runs as and how much it may use: settled by the worker, applied just before exec.

The agent applies it in the child, between fork and exec: safe there, as the agent has one thread, and paid
for by such commands alone, since all others are started without a copy of the agent (vfork).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GRACE_S = 2
"""Between SIGXCPU and SIGKILL (setrlimit(2))."""

_LIMITS = {"memory": "RLIMIT_AS", "cpu": "RLIMIT_CPU", "files": "RLIMIT_NOFILE", "file_size": "RLIMIT_FSIZE"}
_REASON_BYTES = 512


class UnknownUser(Exception):
    """There is no such user here, or this process may not start commands as that user."""


class Account(NamedTuple):
    """A user of this system."""

    name: str
    uid: int
    gid: int
    home: str

    def variables(self) -> dict[str, str]:
        """What its environment says of it."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def account_of(user: str) -> Account:
    """The user of a name or a number.

    Raises:
        UnknownUser: There is none, or a command cannot be started as that one.
    """
    import pwd

    try:
        found = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError as error:
        raise UnknownUser(f'there is no user "{user}" where the worker runs') from error
    me = os.geteuid()
    if me not in (0, found.pw_uid):
        raise UnknownUser(f'only a worker of root can run a command as "{user}"')
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def confinement_of(spec: Mapping[str, Any], account: Account | None) -> dict[str, Any] | None:
    """What the agent is to apply, as a message holds it; None where a job asks for nothing."""
    limits = {name: most for name, most in spec.get("limits", {}).items() if name in _LIMITS}
    asked = {"umask": spec.get("umask"), "nice": spec.get("nice"), "limits": limits}
    found: dict[str, Any] = {name: value for name, value in asked.items() if value}
    if account is not None and account.uid != os.geteuid():
        found["account"] = list(account)
    return found or None


def in_room(wanted: Mapping[str, Any], door: str) -> dict[str, Any]:
    """The same, with the bound on memory that of a control group."""
    limits = dict(wanted["limits"])
    room = {"door": door, "most_bytes": limits.pop("memory")}
    return {**wanted, "limits": limits, "room": room}


class Unconfined(Exception):
    """The system refused something. The message names it and says why."""


def apply(wanted: Mapping[str, Any]) -> None:
    """Apply everything to this process; limits last, as what comes before may need more.

    Raises:
        Unconfined: The system refused something.
    """
    for name, step in _STEPS.items():
        if name in wanted:
            try:
                step(wanted[name])
            except (OSError, ValueError, OverflowError) as error:
                raise Unconfined(f"{name}: {getattr(error, 'strerror', None) or error}") from error


class Confinement:
    """Applies it; called in the child. What goes wrong there comes back as `reason`.

    Args:
        wanted: As `confinement_of` made it.
    """

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self._wanted = wanted
        self._told, self._teller = os.pipe()

    def __call__(self) -> None:
        """Apply everything.

        Raises:
            Unconfined: The system refused something.
        """
        try:
            apply(self._wanted)
        except Unconfined as error:
            os.write(self._teller, str(error).encode())
            raise

    def close(self) -> str:
        """Close the pipe; what the child said went wrong."""
        os.close(self._teller)
        reason = os.read(self._told, _REASON_BYTES).decode()
        os.close(self._told)
        return reason


def _limit(most: Mapping[str, int]) -> None:
    import resource

    for name, value in most.items():
        number = getattr(resource, _LIMITS[name])
        soft = -(-value // 1000) if name == "cpu" else value
        hard = soft + _GRACE_S if name == "cpu" else soft
        highest = resource.getrlimit(number)[1]
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(number, (soft, hard))


def _become(account: list[Any]) -> None:
    name, uid, gid, _ = account
    with contextlib.suppress(PermissionError):  # a user namespace may forbid it; then it has no others
        os.initgroups(name, gid)
    os.setgid(gid)
    os.setuid(uid)


def _enter(room: Mapping[str, Any]) -> None:
    """Be in a control group (`daemon.agent.memory`); if that is not to be, the bound is on each process."""
    try:
        fd = os.open(room["door"], os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, b"0")
        finally:
            os.close(fd)
    except OSError:
        _limit({"memory": room["most_bytes"]})


_STEPS: Mapping[str, Callable[[Any], object]] = {
    "room": _enter,
    "nice": os.nice,
    "umask": lambda digits: os.umask(int(digits, 8)),
    "account": _become,
    "limits": _limit,
}
