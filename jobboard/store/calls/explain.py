"""What a server says, in our words.

Every exception of the client library becomes one of ours, with the sentence a person needs and the way
out. This is the only place that knows the server's error codes.
"""

from __future__ import annotations

import re

from redis import exceptions as said

from jobboard import errors

_TOO_OLD = "jobboard needs Valkey, or Redis 7.0 or newer; leave --redis out to use the embedded store"
_RIGHT = re.compile(r"permissions to (?:run|access) (?:the '([^']+)' command|a key)")
_AUTH_PROBLEMS = ("invalid username-password", "Authentication required", "no password is set")


def explanation(error: Exception, where: str) -> errors.JobboardError | None:
    """Our error for one of the client library's, None for any other; `where` is shown as it is."""
    if not isinstance(error, said.RedisError):
        return None
    if isinstance(error, said.ConnectionError | said.TimeoutError):
        return _no_answer(error, where)
    if isinstance(error, said.InvalidResponse):
        return errors.NotOurs(f"what answers at {where} is no Redis or Valkey", "Check the host and the port")
    return _refusal(error, where)


def too_old(where: str, version: str) -> errors.NotOurs:
    """The error for a server of a version we cannot use."""
    return errors.NotOurs(f"the server at {where} is version {version}", _TOO_OLD)


def _no_answer(error: said.RedisError, where: str) -> errors.JobboardError:
    text = str(error)
    if isinstance(error, said.BusyLoadingError):
        return errors.StoreUnreachable(
            f"the server at {where} is still loading its data", "Try again in a moment"
        )
    if isinstance(error, said.AuthenticationError | said.AuthorizationError):
        return _wrong_password(where)
    if "Protocol Error" in text or "Protocol error" in text or "Invalid RESP" in text:
        return errors.NotOurs(f"what answers at {where} is no Redis or Valkey", "Check the host and the port")
    if "max number of clients" in text:
        return errors.StoreUnreachable(
            f"the server at {where} has no connection left to give", "Raise its maxclients"
        )
    return errors.StoreUnreachable(
        f"no answer from {where}: {_plain(text)}",
        "Check --redis or JOBBOARD_REDIS_URL, and that the server runs",
    )


def _refusal(error: said.RedisError, where: str) -> errors.JobboardError:
    text = str(error)
    if isinstance(error, said.OutOfMemoryError):
        return errors.StoreFull(
            f"the server at {where} has reached its memory limit and takes no more",
            "Raise its maxmemory; running jobs go on, and free room as they finish",
        )
    if text.startswith("MISCONF"):
        return errors.StoreFull(f"the server at {where} cannot write to its disk: {text}", "Make room there")
    if isinstance(error, said.NoPermissionError) or "ACL failure" in text:
        return _not_allowed(text, where)
    if isinstance(error, said.ReadOnlyError) or text.startswith("NOREPLICAS"):
        return errors.StoreReadOnly(
            f"the server at {where} is a replica or lacks replicas, and takes no writes",
            "Give the address of the primary",
        )
    if isinstance(error, said.MasterDownError | said.ClusterDownError | said.TryAgainError):
        return errors.StoreUnreachable(
            f"the server at {where} cannot serve now: {text}", "Try again in a moment"
        )
    if text.startswith("BUSY "):
        return errors.StoreUnreachable(
            f"the server at {where} is busy with one long script", "Try again in a moment"
        )
    return _other_refusal(text, where)


def _other_refusal(text: str, where: str) -> errors.JobboardError:
    if any(problem in text for problem in _AUTH_PROBLEMS):
        return _wrong_password(where)
    if "unknown command" in text and "HELLO" in text:
        return too_old(where, "older than 6.0")
    if text.startswith("WRONGTYPE"):
        return errors.StoreRefused(
            f"a key of the namespace at {where} holds something else than jobboard wrote: {text}",
            "Is the namespace shared with another program? jobboard fsck looks at every key",
        )
    return errors.StoreRefused(f"the server at {where} refused: {text}")


def _wrong_password(where: str) -> errors.StoreRefused:
    return errors.StoreRefused(
        f"the server at {where} does not accept the user or password",
        "Write them into the address: redis://USER:PASSWORD@HOST:PORT/DB",
    )


def _not_allowed(text: str, where: str) -> errors.StoreReadOnly:
    found = _RIGHT.search(text)
    command = found.group(1) if found else None
    if command is None:
        return errors.StoreReadOnly(
            f"the user at {where} may not touch the namespace's keys", "Grant it: ACL SETUSER USER ~jb:*"
        )
    return errors.StoreReadOnly(
        f"the user at {where} may not run {command.upper()}", f"Grant it: ACL SETUSER USER +{command}"
    )


def _plain(text: str) -> str:
    """The system's words for why a connection failed, without the library's frame around them."""
    return re.sub(r"^Error (?:-?\d+ )?(?:while )?connecting to .*?\.\s+", "", text).rstrip(".")
