"""The tasks for saq; nobody asks for their results."""

import asyncio
import os

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

from bench.contest.apps import tally

# Made from a client: its own reading of URLs knows no socket files.
queue = RedisQueue(Redis.from_url(os.environ["BENCH_URL"]))
AT_ONCE = 100


async def nothing(_context: object) -> None:
    """Return at once."""
    tally.nothing()


async def program(_context: object) -> None:
    """Run a program."""
    await tally.program_async()


settings = {
    "queue": queue,
    "functions": [nothing, program],
    "concurrency": int(os.environ["BENCH_SLOTS"]),
}


def send(task: str, count: int) -> None:
    """Enqueue; nothing is kept of a job that has ended."""
    asyncio.run(_send(task, count))


async def _send(task: str, count: int) -> None:
    await queue.connect()
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(queue.enqueue(task, ttl=-1) for _ in range(min(AT_ONCE, count - start))))
    await queue.disconnect()
