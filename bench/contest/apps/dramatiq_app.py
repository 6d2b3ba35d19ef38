"""The tasks for dramatiq."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.contest.apps import tally

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_URL"]))
ACTORS = {each.__name__: dramatiq.actor(each) for each in (tally.nothing, tally.program)}


def send(task: str, count: int) -> None:
    """Enqueue."""
    for _ in range(count):
        ACTORS[task].send()
