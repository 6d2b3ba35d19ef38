"""The tasks for huey; a result that is None is not kept, as is its default."""

import os

from huey import RedisHuey

from bench.contest.apps import tally

app = RedisHuey("contest", url=os.environ["BENCH_URL"])
TASKS = {each.__name__: app.task()(each) for each in (tally.nothing, tally.program)}


def send(task: str, count: int) -> None:
    """Enqueue."""
    for _ in range(count):
        TASKS[task]()
