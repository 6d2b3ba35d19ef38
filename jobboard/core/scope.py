"""What a hold is on, in words, and the command that ends it."""

from __future__ import annotations

from jobboard.core.names import plain_queue


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
