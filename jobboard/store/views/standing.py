"""How things stand in a store, as a simulation begins with it: who works, what rules queues, what is decided.

Uses read commands only, one after the other: what happens meanwhile may be seen in part.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.gate import Ask, Need, Span, needs_of
from jobboard.core.jobs.model import seed_of
from jobboard.core.runs.facts import World
from jobboard.core.simulation.standing import Begun, Crew, QueueRule, Standing
from jobboard.core.times.schedule import compile_schedule
from jobboard.store.boards.codec import decode_spec
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.joins import read_ends
from jobboard.store.runs.made import FIELDS, read_made
from jobboard.store.runs.queues import read_rules
from jobboard.store.runs.walking import PAGE
from jobboard.store.runs.world import all_live, read_schedulers, read_workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store
    from jobboard.store.calls.direct import Command

MOST_BEGUN = 100_000
"""So many runs that are under way are known to a simulation."""
_BAND = 1 << 40
"""What of a run's score its priority decides is a multiple of this."""
_STATES = {"skipped": "skip", "failed": "fail", "cancelled": "cancel"}
_FACTS = ("spec", "expires", "catchup", "forced", "doomed", "fate")


def is_scheduled(store: Store, now_ms: int) -> bool:
    """Whether any scheduler is alive."""
    return World(now_ms, read_schedulers(store)).scheduled


def read_crews(store: Store, now_ms: int) -> list[Crew]:
    """The workers that are alive and take runs, those that serve the same together."""
    alike: dict[Any, list[Any]] = defaultdict(list)
    for worker in read_workers(store):
        if worker.lease_until_ms > now_ms and worker.state == "up":
            own = tuple(sorted(worker.own_slots.items()))
            alike[worker.queues, worker.slots, own, worker.order].append(worker.name)
    return [
        Crew(
            queues,
            slots * len(names),
            {queue: most * len(names) for queue, most in own},
            order,
            tuple(names),
        )
        for (queues, slots, own, order), names in alike.items()
    ]


def read_queue_rules(store: Store) -> dict[str, QueueRule]:
    """What rules which queue, and up to when its rate is used up."""
    (used_to,) = read_hashes(store, store.key("pace"))
    return {
        queue: QueueRule(rule.limit, rule.rate, rule.aging_ms, float(used_to.get(queue.encode(), 0)))
        for queue, rule in read_rules(store).items()
    }


def read_standing(store: Store, specs: Mapping[str, Spec]) -> Standing:
    """What is decided of these jobs, and every run that is not over."""
    return Standing(
        begun=read_begun(store),
        cursors=_cursors(store, specs),
        outcomes=_outcomes(store, {need.parent for spec in specs.values() for need in needs_of(spec)}),
        joins=read_ends(store, specs),
    )


def read_begun(store: Store) -> list[Begun]:
    """Every run that is not over, with what only its own record knows; at most `MOST_BEGUN`."""
    records = all_live(store, MOST_BEGUN)[0]
    found: list[Begun] = []
    for start in range(0, len(records), PAGE):
        page = records[start : start + PAGE]
        asked: list[Command] = []
        for record in page:
            run_id = record.run_id
            asked += [
                ("HMGET", store.key("run", run_id), *_FACTS, *FIELDS),
                ("SMEMBERS", store.key("needs", run_id)),
                ("HVALS", store.key("gate", run_id)),
                ("ZSCORE", store.key("line", record.job), run_id),
                ("ZSCORE", store.key("deadlines"), run_id),
            ]
        answers = store.read(*asked)
        found += _begun(page, [answers[i : i + 5] for i in range(0, len(answers), 5)])
    return found


def _begun(records: Sequence[Record], rows: Sequence[Sequence[Any]]) -> Iterator[Begun]:
    for record, (values, needs, asks, place, deadline) in zip(records, rows, strict=True):
        made = read_made(values[len(_FACTS) :])
        if made is None:
            continue
        facts = dict(zip(_FACTS, values, strict=False))
        doomed = facts["doomed"]
        yield Begun(
            record,
            spec=_spec(facts["spec"]),
            rank=int(made["score"]) // _BAND * _BAND,
            number=int(made["score"]) % _BAND,
            needs=sorted(need.decode() for need in needs),
            asks=[_ask(unpack(ask)) for ask in asks],
            due_ms=int(made["due_at"]),
            expires_ms=_number(facts["expires"]),
            deadline_ms=_number(deadline),
            in_line=place is not None,
            caught_up=facts["catchup"] is not None,
            forced=facts["forced"] is not None,
            doomed=None
            if doomed is None
            else (_STATES[(facts["fate"] or b"skipped").decode()], doomed.decode("utf-8", "surrogateescape")),
        )


@lru_cache(maxsize=10_000)
def _spec(raw: bytes) -> Spec:
    """What runs were made with: many with the same."""
    return decode_spec(raw)


def _ask(ask: Mapping[str, Any]) -> tuple[Ask, int | None]:
    """What a run waits for of one job, as `lua/include/gate.lua` keeps it."""
    need = Need(
        ask["parent"], on=ask.get("on") or None, on_timeout=ask["policy"], strict=bool(ask.get("strict"))
    )
    left, until = int(ask["left"]), ask.get("until")
    asked = Ask(need, Span(int(ask["low"]), int(ask["high"]), left), left, int(ask["open"]))
    return asked, int(until) if until else None


def _cursors(store: Store, specs: Mapping[str, Spec]) -> dict[str, int]:
    """The greatest nominal decided of each job that is scheduled; as a scheduler has it where none was."""
    found: dict[str, int] = {}
    scheduled = [address for address, spec in specs.items() if "schedule" in spec]
    for start in range(0, len(scheduled), PAGE):
        page = scheduled[start : start + PAGE]
        cursors, dues = store.read(
            ("HMGET", store.key("cursor"), *page), ("ZMSCORE", store.key("sched"), *page)
        )
        for address, cursor, due in zip(page, cursors, dues, strict=True):
            if cursor is not None:
                found[address] = int(cursor)
            elif due is not None:
                found[address] = _before(address, specs[address], int(due))
    return found


def _before(address: str, spec: Spec, due_ms: int) -> int:
    """An instant before the nominal that is due, as a scheduler takes it."""
    nominal_ms = compile_schedule(spec["schedule"], seed_of(address, spec)).prev_at(due_ms)
    return (due_ms if nominal_ms is None else nominal_ms) - 1


def _outcomes(store: Store, parents: set[str]) -> dict[str, dict[int, str]]:
    """How the nominals of these jobs ended; of those that are remembered, since somebody asks."""
    asked = sorted(parents)
    found: dict[str, dict[int, str]] = {}
    for start in range(0, len(asked), PAGE):
        page = asked[start : start + PAGE]
        askers = store.read(*(("ZCARD", store.key("asks", address)) for address in page))
        known = [address for address, count in zip(page, askers, strict=True) if count]
        rows = store.read(*(("ZRANGE", store.key("outcomes", address), 0, -1) for address in known))
        for address, row in zip(known, rows, strict=True):
            pairs = (outcome.decode().split(":") for outcome in row)
            found[address] = {int(nominal): state for nominal, state in pairs}
    return found


def _number(raw: bytes | float | None) -> int | None:
    return None if raw is None else int(float(raw))
