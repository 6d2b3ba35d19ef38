"""What the command line can do with a running namespace, for programs in Python.

    from jobboard import Client

    with Client("redis://queue.example/0", namespace="shop") as jobboard:
        thumbnail = jobboard.push("images", exec=["./thumbnail.sh", "4711"], id="thumbnail-4711")
        jobboard.wait(thumbnail.run_id, timeout="5m")

A client may be shared by any number of threads; their calls are under way at once on one connection. Keys
of a job are spelled as on a board (``run``, ``exec``, ``timeout``, ``retries``, …). A span is a `timedelta`
or a text such as ``10m``; an instant is an aware `datetime` or ISO 8601, UTC where it names no zone. Boards
are not written here: they are files, and are synced. What goes wrong is a `jobboard.errors.JobboardError`.
"""

from __future__ import annotations

from jobboard.client.jobs import JobCalls
from jobboard.client.knowing import KnowingCalls
from jobboard.client.marks import MarkCalls
from jobboard.client.operations import OperatorCalls
from jobboard.client.runs import RunCalls


class Client(RunCalls, MarkCalls, JobCalls, KnowingCalls, OperatorCalls):
    """A namespace of a store, open until `close`.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://`` or ``embedded://``. Without one what the command line
            would use here: JOBBOARD_REDIS_URL, else the project file's, else the embedded store.
        namespace: The same way.
        environment: An environment of the project file.
        actor: Who every write is attributed to. Without one JOBBOARD_ACTOR, else the user and the host.

    Raises:
        errors.StoreUnreachable: No server answers.
        errors.StoreRefused: One answers that cannot be used.
        errors.UsageError: The address or the namespace is none.
    """
