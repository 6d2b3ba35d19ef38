"""The tasks for taskiq, over a list: the quickest of its brokers, which does not acknowledge."""

import asyncio
import os

from taskiq import AsyncTaskiqDecoratedTask
from taskiq_redis import ListQueueBroker

from bench.contest.apps import tally

broker = ListQueueBroker(os.environ["BENCH_URL"])
AT_ONCE = 100


@broker.task
async def nothing() -> None:
    """Return at once."""
    tally.nothing()


@broker.task
async def program() -> None:
    """Run a program."""
    await tally.program_async()


def send(task: str, count: int) -> None:
    """Enqueue."""
    asyncio.run(_send({"nothing": nothing, "program": program}[task], count))


async def _send(task: AsyncTaskiqDecoratedTask[[], None], count: int) -> None:
    await broker.startup()
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(task.kiq() for _ in range(min(AT_ONCE, count - start))))
    await broker.shutdown()
