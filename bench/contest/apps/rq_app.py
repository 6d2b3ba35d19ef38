"""The tasks for rq; it finds functions by their module's name."""

import os

from redis import Redis
from rq import Queue

from bench.contest.apps import tally


def send(task: str, count: int) -> None:
    """Enqueue; a result is not kept."""
    queue = Queue(connection=Redis.from_url(os.environ["BENCH_URL"]))
    queue.enqueue_many([Queue.prepare_data(getattr(tally, task), result_ttl=0) for _ in range(count)])
