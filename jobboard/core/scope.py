"""What a hold is on, in words, and the command that ends it."""

from __future__ import annotations

from jobboard import errors
from jobboard.core.names import NAME_RULE, QUEUE_RULE, is_name, is_queue, plain_queue


def tag_scope(tag: str) -> str:
    """The scope of a hold on every job with a tag.

    Raises:
        errors.UsageError: It cannot be a tag.
    """
    if not is_name(tag):
        raise errors.UsageError(f'"{tag}" cannot be a tag', f"Use {NAME_RULE}")
    return f"tag:{tag}"


def queue_scope(queue: str) -> str:
    """The scope of a hold on a queue.

    Raises:
        errors.UsageError: It cannot be a queue.
    """
    if not is_queue(queue):
        raise errors.UsageError(f'"{queue}" cannot be a queue', f"Use {QUEUE_RULE}")
    return f"queue:{queue}"


def scopes_of_queue(queue: str) -> tuple[str, ...]:
    """The scopes whose holds keep the runs of a queue in it: its own, and that of the queue it is beside."""
    return tuple(dict.fromkeys((f"queue:{queue}", f"queue:{plain_queue(queue)}")))


def scope_text(scope: str) -> str:
    """A hold's scope in words: ``everything``, ``board ops``, ``tag db``, ``ops/backup``."""
    kind, _, name = scope.partition(":")
    return {"all": "everything", "job": name}.get(kind, f"{kind} {name}")


def resume_command(scope: str) -> str:
    """What to type to end a hold of that scope."""
    kind, _, name = scope.partition(":")
    flags = {"all": "--all", "tag": f"--tag {name}", "queue": f"--queue {name}"}
    return f"jobboard resume {flags.get(kind, name)}"
