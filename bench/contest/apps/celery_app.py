"""The tasks for celery; nobody asks for their results."""

import os

from celery import Celery

from bench.contest.apps import tally

app = Celery("contest", broker=os.environ["BENCH_URL"].replace("unix://", "redis+socket://"))
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True
TASKS = {each.__name__: app.task(each, ignore_result=True) for each in (tally.nothing, tally.program)}


def send(task: str, count: int) -> None:
    """Enqueue."""
    with app.producer_pool.acquire() as producer:
        for _ in range(count):
            TASKS[task].apply_async(producer=producer)
