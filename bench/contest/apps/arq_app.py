"""The tasks for arq; nobody asks for their results.

It looks for work every half second unless told otherwise, which would be all that is measured.
"""

import asyncio
import os
from typing import ClassVar
from urllib.parse import urlsplit

from arq import create_pool
from arq.connections import RedisSettings

from bench.contest.apps import tally

STORE = RedisSettings(unix_socket_path=urlsplit(os.environ["BENCH_URL"]).path)
AT_ONCE = 100


async def nothing(_context: object) -> None:
    """Return at once."""
    tally.nothing()


async def program(_context: object) -> None:
    """Run a program."""
    await tally.program_async()


class WorkerSettings:
    """What its worker reads."""

    functions: ClassVar = [nothing, program]
    redis_settings = STORE
    max_jobs = 100
    poll_delay = 0.001
    keep_result = 0


def send(task: str, count: int) -> None:
    """Enqueue."""
    asyncio.run(_send(task, count))


async def _send(task: str, count: int) -> None:
    pool = await create_pool(STORE)
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(pool.enqueue_job(task) for _ in range(min(AT_ONCE, count - start))))
    await pool.aclose()
