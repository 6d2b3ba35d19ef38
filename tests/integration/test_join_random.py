"""Random graphs of jobs, random ends in a random order, held against a rule of three lines."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, Engine
from kit.events import events_of

from jobboard.core.times.instant import parse_instant
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000
NOMINALS = [T0 + n * MINUTE for n in range(4)]
ENDS: tuple[Word, ...] = ("ok", "ok", "failed")
FITTING = {"success": {"ok"}, "failed": {"failed"}, "finished": {"ok", "failed"}}


def _graph(dice: random.Random) -> dict[str, dict[str, Any]]:
    """A root and up to nine jobs, each after some of those before it."""
    jobs: dict[str, dict[str, Any]] = {"b/j0": {"schedule": {"every": MINUTE}}}
    for number in range(1, dice.randint(3, 10)):
        after = sorted(dice.sample(list(jobs), dice.randint(1, min(4, len(jobs)))))
        on = {parent: dice.choice(["finished", "failed"]) for parent in after if dice.random() < 0.3}
        jobs[f"b/j{number}"] = {"after": after, **({"on": on} if on else {})}
    return jobs


def _expected(
    jobs: dict[str, dict[str, Any]], fated: Mapping[tuple[str, int], str], nominal: int
) -> dict[str, str]:
    """How each job ends for a nominal: as fated if every parent ended as asked, skipped otherwise."""
    ends: dict[str, str] = {}
    for job, spec in jobs.items():
        asked = {
            parent: FITTING[spec.get("on", {}).get(parent, "success")] for parent in spec.get("after", ())
        }
        fits = all(ends[parent] in wanted for parent, wanted in asked.items())
        ends[job] = fated[job, nominal] if fits else "skipped"
    return ends


@pytest.mark.parametrize("_round", range(12))
def test_every_job_ends_once_for_every_nominal_as_its_parents_say(store: Store, _round: int) -> None:
    seed = random.SystemRandom().randrange(10**9)
    dice = random.Random(seed)
    jobs = _graph(dice)
    engine = Engine(store)
    engine.worker()
    for job, spec in jobs.items():
        engine.define(job, overlap="allow", **spec)
    fated = {(job, nominal): dice.choice(ENDS) for job in jobs for nominal in NOMINALS}
    for nominal in NOMINALS:
        engine.fired("b/j0", nominal)
    running = engine.reserve(limit=100)
    while running:
        run = running.pop(dice.randrange(len(running)))
        engine.finish(run, fated[run.address, run.nominal_ms])
        engine.runs.tick("s1")
        running += engine.reserve(limit=100)
    ended = _ends(store)
    for nominal in NOMINALS:
        for job, state in _expected(jobs, fated, nominal).items():
            assert ended[job, nominal] == [state], (job, nominal, f"seed {seed}")
    assert not any(engine.client.exists(engine.store.key("joins", job)) for job in jobs)
    assert fsck.check(store) == []


def _ends(store: Store) -> dict[tuple[str, int], list[str]]:
    """Job and nominal to the states they came to, by what was told as it happened."""
    ends: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for event in events_of(store):
        if event["e"] == "finished":
            ends[event["job"], parse_instant(event["run"].partition("@")[2])].append(event["state"])
        elif event["e"] == "skipped":
            ends[event["job"], int(event["nominal"])].append("skipped")
    return ends
