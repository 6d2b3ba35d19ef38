"""Who takes part, how each is set up, and what is left of a task when it has ended.

Each is set up as its own documentation has it for many small tasks in one worker process, and where that
leaves a choice, the quicker was taken. None keeps a result, as far as that can be turned off.
"""

from __future__ import annotations

from typing import NamedTuple

SLOTS = 8
OURS = "jobboard"


class Contestant(NamedTuple):
    """A worker to measure.

    Attributes:
        name: What it is a worker of; its tasks are in ``apps/NAME_app.py``.
        setting: How it is set up, for people.
        keeps: What is left of a task that has ended, for people.
        words: What starts it, after the interpreter; ``{url}`` stands for the store.
        lock: What it is installed from, of `environments.LOCKS`; None where it runs in our own interpreter.
        environ: What its environment has besides, by name.
    """

    name: str
    setting: str
    keeps: str
    words: str
    lock: str | None = "peers"
    environ: tuple[tuple[str, str], ...] = ()


class Heat(NamedTuple):
    """Those that do the same.

    Attributes:
        title: What that is.
        task: Which one of those of `apps.tally`.
        runs: How many are measured.
        warm: How many are done before.
        contestants: Ours first, by which the others are measured.
    """

    title: str
    task: str
    runs: int
    warm: int
    contestants: tuple[Contestant, ...]


_APPS = "bench.contest.apps"
_RQ = "-m rq.cli worker --quiet --url {url}"
_CELERY = f"-m celery -A {_APPS}.celery_app worker -l ERROR --without-gossip --without-mingle --pool"
_HUEY = f"-m huey.bin.huey_consumer {_APPS}.huey_app.app --quiet --worker-type thread --workers"
_TASKIQ = f"-m taskiq worker {_APPS}.taskiq_app:broker --workers 1 --log-level ERROR --max-async-tasks"
_WORKER = f"-m jobboard worker --slots {SLOTS}"

_KEPT = "history, events, counts"
_NONE = "nothing"
_LOST = "nothing, and no ack"

PATH = Contestant(OURS, f"reserve+finish, {SLOTS} a call", _KEPT, f"-m {_APPS}.jobboard_app {SLOTS}", None)
CALLS = Contestant(OURS, f"call, {SLOTS} slots", _KEPT, _WORKER, None)
PROGRAMS = Contestant(OURS, f"exec, {SLOTS} slots", _KEPT, _WORKER, None)

RQ = Contestant("rq", "Worker, a fork for each", _NONE, _RQ)
RQ_SIMPLE = Contestant("rq", "SimpleWorker", _NONE, f"{_RQ} --worker-class rq.SimpleWorker")
DRAMATIQ = Contestant(
    "dramatiq",
    f"{SLOTS} threads, prefetch 200",
    _NONE,
    f"-m dramatiq {_APPS}.dramatiq_app --processes 1 --threads {SLOTS}",
    environ=(("dramatiq_queue_prefetch", "200"),),
)
CELERY_SOLO = Contestant("celery", "pool solo", _NONE, f"{_CELERY} solo")
CELERY_THREADS = Contestant("celery", f"pool of {SLOTS} threads", _NONE, f"{_CELERY} threads -c {SLOTS}")
CELERY_FORKED = Contestant("celery", f"{SLOTS} processes that stay", _NONE, f"{_CELERY} prefork -c {SLOTS}")
ARQ = Contestant(
    "arq", "max_jobs 100, poll 1 ms", _NONE, f"-m arq {_APPS}.arq_app.WorkerSettings", "peers-arq"
)
SAQ = Contestant("saq", f"concurrency {SLOTS}", _NONE, f"-m saq {_APPS}.saq_app.settings")
HUEY = Contestant("huey", f"{SLOTS} threads", _LOST, f"{_HUEY} {SLOTS}")
TASKIQ = Contestant("taskiq", "list, 100 tasks at once", _LOST, f"{_TASKIQ} 100")

HEATS = (
    Heat(
        "functions called within the worker (jobboard: what the store does for a run, and no process)",
        "nothing",
        2000,
        200,
        (PATH, RQ_SIMPLE, DRAMATIQ, CELERY_SOLO, CELERY_THREADS, ARQ, SAQ, HUEY, TASKIQ),
    ),
    Heat(
        "functions called in processes of their own",
        "nothing",
        200,
        60,
        (CALLS, RQ, CELERY_FORKED),
    ),
    Heat(
        "programs, started with their output read",
        "program",
        300,
        60,
        (PROGRAMS, RQ_SIMPLE, DRAMATIQ, CELERY_THREADS, ARQ, SAQ, HUEY, TASKIQ),
    ),
)
