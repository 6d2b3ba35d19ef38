"""The rest of a day, simulated from what the store holds in its midst, beside the real one that goes on."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kit.day import WAIT_AT_GATE, Day
from kit.story import BY, Story
from kit.work import working

from jobboard.cli.scenario import Sourced, from_store
from jobboard.core.jobs.override import laid, outlook
from jobboard.core.simulation.simulate import Scenario, simulate
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule
from jobboard.reconcile.overriding import set_overrides
from jobboard.store.calls.wire import pack
from jobboard.store.runs import queues
from jobboard.store.runs.past import live_runs
from jobboard.store.runs.pushes import Parcel, depend, push
from jobboard.store.runs.reschedule import reschedule
from jobboard.store.runs.runs import Runs
from jobboard.store.runs.world import read_workers
from jobboard.store.views import fsck
from jobboard.store.views.usual import live_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from kit.clock import StoreClock

    from jobboard.core.simulation.simulate import Simulation
    from jobboard.store.calls.connect import Store

S = 1_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
T0 = parse_instant("2026-03-28T00:00:00Z")
NOW = T0 + 3 * HOUR + 21 * MINUTE + 30 * S
END = T0 + 8 * HOUR

PUSHED = ("push/common", "b/waits-in-vain")
"""What is pushed in a test, under ids that name no instant."""

Outcomes = list[tuple[str, int, str]]
Jobs = dict[str, dict[str, Any]]


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    made = tmp_path / "gates"
    made.mkdir()
    return made


def spec(gates: Path, **more: Any) -> dict[str, Any]:
    if "schedule" in more:
        more["schedule"] = {**more["schedule"], "stop": END}
    return {"command": {"run": WAIT_AT_GATE}, "env": {"GATES": str(gates)}, **more}


def sync(store: Store, gates: Path, jobs: Jobs) -> None:
    """Have a board of just these jobs, due from now on."""
    specs = {name: spec(gates, **more) for name, more in jobs.items()}
    due: dict[str, int] = {}
    for name, one in specs.items():
        if "schedule" in one:
            schedule = compile_schedule(one["schedule"], f"b/{name}")
            due[name] = schedule.due(schedule.next_after(T0 - 1) or END)
    Story(store).board("b", specs, due=due)


@contextmanager
def crew(store: Store, home: Path, workers: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Workers, by name."""
    with ExitStack() as stack:
        for name, options in workers.items():
            stack.enter_context(working(store, home / name, name=name, **options))
        yield


def rest_of(store: Store, scenario: Scenario) -> Simulation:
    """What is simulated of what the store holds now."""
    definitions = live_definitions(store)
    jobs = {address: laid(definition) for address, definition in definitions.items()}
    seen = from_store(Sourced(scenario, 0, 0, len(jobs)), store, scenario.from_ms, jobs)
    now, later = outlook(definitions, scenario.from_ms)
    return simulate(now, seen.scenario, later)


def live_on(
    store: Store, clock: StoreClock, gates: Path, scenario: Scenario, meanwhile: Callable[[], None]
) -> tuple[Day, Simulation]:
    """Play a day up to NOW, do something, simulate the rest, and go on with the day."""
    day = Day(store, clock, gates, scenario, workers=2)
    day.play(NOW)
    clock.set(NOW - S)
    meanwhile()
    day.meet(NOW - S)
    for worker in read_workers(store):
        # Their leases are by the clock, which was moved.
        Runs(store).beat(worker.name, 30_000)
    started = len(day.starts())
    simulation = rest_of(
        store,
        Scenario(
            NOW, END, durations=scenario.durations, default_ms=scenario.default_ms, exits=scenario.exits
        ),
    )
    before = day.outcomes()
    day.play()
    after = day.outcomes()
    for one in before:
        after.remove(one)
    # Instants that a delay makes are later by how long commands take to end.
    assert minutes_of(after) == minutes_of(outcomes_of(simulation))

    begins = defaultdict(list)
    for begin_ms, run_id in sorted((begin, run.run_id) for run in simulation.runs for begin, _ in run.spans):
        if begin_ms > NOW:
            begins[minute_of(run_id)].append(begin_ms)
    order = [begins[minute_of(run_id)].pop(0) for run_id in day.starts()[started:]]
    assert order == sorted(order)
    assert not any(begins.values())
    assert fsck.check(store) == []
    return day, simulation


def minutes_of(outcomes: Outcomes) -> Outcomes:
    return [(job, at_ms // MINUTE, how) for job, at_ms, how in outcomes]


def minute_of(run_id: str) -> str:
    """A run but for the seconds of its nominal."""
    return run_id if run_id.startswith("push/") else run_id[: run_id.index("@") + 17]


def outcomes_of(simulation: Simulation) -> Outcomes:
    """As `Day.outcomes`."""
    ran = [(run.address, run.nominal_ms, run.state) for run in simulation.runs if run.state != "unfinished"]
    passed = [(one.address, one.nominal_ms, one.state) for one in simulation.passed]
    return sorted((job, 0 if job in PUSHED else at_ms, how) for job, at_ms, how in ran + passed)


def test_limits_rates_and_ages_of_queues_and_the_slots_of_workers_are_those_of_the_store(
    store: Store, clock: StoreClock, gates: Path
) -> None:
    hourly = {"every": HOUR, "phase": 0}
    jobs: Jobs = {f"pair{i}": {"schedule": hourly, "queue": "pair"} for i in range(5)}
    jobs |= {f"slow{i}": {"schedule": hourly, "queue": "slow", "priority": i} for i in range(6)}
    jobs |= {f"many{i}": {"schedule": hourly, "queue": "many", "priority": 9 - i} for i in range(4)}
    jobs |= {f"odd{i}": {"schedule": hourly, "locks": {"disk": 1}, "priority": i} for i in range(4)}
    jobs |= {
        "old": {"schedule": {"every": HOUR, "phase": MINUTE}, "queue": "aged", "overlap": "queue"},
        **{
            f"young{i}": {"schedule": hourly, "queue": "aged", "priority": 5, "overlap": "queue"}
            for i in range(4)
        },
        "nobody": {"schedule": hourly, "queue": "nobody"},
    }
    clock.set(T0 - HOUR)
    sync(store, gates, jobs)
    queues.limit(store, "pair", by=BY, limit=2)
    queues.limit(store, "slow", by=BY, rate=(2, 13 * MINUTE + 7 * S))
    queues.limit(store, "aged", by=BY, limit=1, aging_ms=25 * MINUTE)
    scenario = Scenario(
        T0,
        END,
        durations={
            **{f"b/pair{i}": 17 * MINUTE + i * S for i in range(5)},
            **{f"b/young{i}": 13 * MINUTE + (11 + i) * S for i in range(4)},
            **{f"b/many{i}": 9 * MINUTE + (21 + 3 * i) * S for i in range(4)},
            "b/old": 19 * MINUTE + 37 * S,
        },
        default_ms=7 * MINUTE + 41 * S,
    )
    workers: dict[str, dict[str, Any]] = {
        "one": {"queues": ["common", "many"], "slots": 3, "own_slots": {"many": 1}},
        "two": {"queues": ["pair", "slow", "aged"], "slots": 5, "order": "strict"},
    }
    with crew(store, gates.parent, workers):
        _, simulation = live_on(store, clock, gates, scenario, lambda: None)
    causes = {wait.cause for run in simulation.runs for wait in run.waits}
    assert causes == {"slot", "limit", "rate", "lock", "turn"}
    assert {run.address for run in simulation.runs if run.state == "unfinished"} == {"b/nobody"}


def tied_board() -> Jobs:
    """A diamond, gates, windows, delays, lines, retries, locks: something of each is under way at NOW."""
    hourly = {"every": HOUR, "phase": 0}
    once_more = {"max": 2, "delay": 9 * MINUTE, "backoff": "constant"}
    return {
        "extract": {"schedule": hourly},
        "sales": {"after": ["b/extract"]},
        "stock": {"after": ["b/extract"], "overlap": "allow"},
        "merge": {"after": ["b/sales", "b/stock"]},
        "report": {"schedule": {"cron": "15 * * * *"}, "needs": {"b/merge": {"fresh": "latest"}}},
        "all": {
            "schedule": {"cron": "10 */3 * * *"},
            "needs": {"b/merge": {"fresh": "all", "timeout": HOUR, "on_timeout": "run"}},
        },
        "window": {"after": ["b/merge", "b/flaky"], "schedule": {"cron": "0 */2 * * *"}},
        "flaky": {"schedule": {"every": 2 * HOUR, "phase": HOUR + 17 * MINUTE}, "retries": once_more},
        "calm": {"schedule": {"delay": 50 * MINUTE + 13 * S}},
        "line": {"schedule": {"every": 20 * MINUTE, "phase": 0}, "overlap": "queue"},
        "newest": {"schedule": {"every": 20 * MINUTE, "phase": 0}, "overlap": "queue_latest"},
        "holder": {"schedule": {"cron": "5 3,5 * * *"}, "locks": {"db": 1}, "retries": once_more},
        "wants": {"schedule": {"cron": "6 3,5 * * *"}, "locks": {"db": 1}},
        "paused": {
            "schedule": {"every": 30 * MINUTE, "phase": 15 * MINUTE},
            "tags": ["night"],
            "retries": once_more,
        },
        "strict": {"schedule": {"cron": "12 */3 * * *"}, "finish_by": 21 * MINUTE, "on_late": "cancel"},
        "late": {"schedule": {"cron": "13 3 * * *"}, "queue": "narrow", "start_within": 29 * MINUTE},
        "first": {"schedule": {"cron": "1 * * * *"}, "queue": "narrow"},
        "second": {"schedule": {"cron": "2 * * * *"}, "queue": "narrow"},
        "third": {"schedule": {"cron": "3 * * * *"}, "queue": "narrow", "catchup": "all"},
        "off": {"enabled": False},
        "by-hand": {},
        "waits": {"queue": "narrow"},
        "waits-in-vain": {},
        "spread": {"schedule": {"every": HOUR, "phase": 5 * MINUTE, "jitter": 30 * MINUTE}},
    }


def test_what_is_under_way_goes_on_as_it_was_made_and_what_was_decided_stays_so(
    store: Store, clock: StoreClock, gates: Path
) -> None:
    clock.set(T0 - HOUR)
    sync(store, gates, tied_board())
    scenario = Scenario(
        T0,
        END,
        durations={
            "b/stock": 83 * MINUTE + 7 * S,
            "b/sales": 17 * MINUTE + 3 * S,
            "b/holder": 31 * MINUTE + 5 * S,
            "b/first": 23 * MINUTE + 19 * S,
            "b/second": 16 * MINUTE + 43 * S,
            "b/line": 27 * MINUTE + 31 * S,
            "b/newest": 47 * MINUTE + 29 * S,
            "b/strict": 40 * MINUTE,
            "b/by-hand": 13 * MINUTE + 51 * S,
            "push/common": 33 * MINUTE + 1 * S,
        },
        default_ms=5 * MINUTE + 17 * S,
        exits={"b/flaky": [3, 0], "b/holder": [1, 0], "b/paused": [1, 0], "push/common": [4]},
    )
    by = {"actor": "ana", "via": "test"}
    runs = Runs(store)
    holds = {"tag:night": [{"by": "ana", "at": NOW - 5 * S, "until": NOW + 50 * MINUTE, "reason": ""}]}

    def meanwhile() -> None:
        for scope, listed in holds.items():
            store.client.hset(store.key("holds"), scope, pack(listed))
        keys = {"locks": None, "retries": None, "priority": 9}
        set_overrides(store, "b/holder", keys, reason="a test", until_ms=END, by=by)
        set_overrides(store, "b/second", {"queue": "common"}, reason="a test", until_ms=END, by=by)
        set_overrides(store, "b/newest", {"overlap": "skip"}, reason="a test", until_ms=NOW + HOUR, by=by)
        (second,) = [run.run_id for run in live_runs(store, "b/second")]
        reschedule(store, [second], by=by, priority=-5)
        by_hand, off = (runs.start_run(f"b/{name}", by="ana", force=True) for name in ("by-hand", "off"))
        command = spec(gates)
        parcels = [
            Parcel("push/common", command, "early"),
            Parcel("push/common", command, "later", delay_ms=47 * MINUTE + 3 * S),
            Parcel("b/waits-in-vain", command, after=("push/common@early",)),
        ]
        push(store, parcels, by="ana")
        waiting = runs.start_run("b/waits", by="ana")
        depend(store, waiting, add=[by_hand, off, second])

    workers: dict[str, dict[str, Any]] = {
        "wide": {"queues": ["common"], "slots": 20},
        "narrow": {"queues": ["narrow"], "slots": 1},
    }
    with crew(store, gates.parent, workers):
        _, simulation = live_on(store, clock, gates, scenario, meanwhile)
    states = {one.record.state for one in simulation.scenario.standing.begun}
    assert states == {"running", "queued", "delayed", "blocked", "waiting"}
    ends = {state for _, _, state in outcomes_of(simulation)}
    assert ends == {"ok", "failed", "skipped", "cancelled", "held"}
