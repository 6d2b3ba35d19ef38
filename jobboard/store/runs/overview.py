"""Jobs as they stand: definition, when due, what lives, what was last. Uses read commands only.

A board's definitions come in pages of one HSCAN, how its jobs stand in pages of one script.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.gate import needs_of
from jobboard.core.jobs.model import seed_of
from jobboard.core.jobs.override import in_force, lasting
from jobboard.core.jobs.runner import queue_of
from jobboard.core.names import address_of, split_address
from jobboard.core.scope import scopes_of_queue
from jobboard.core.times.schedule import compile_schedule
from jobboard.store.boards import definitions, holds, skips
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs import joins, past
from jobboard.store.runs.recorded import decode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import Hold, Join, Skip
    from jobboard.core.runs.record import Record
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

PAGE = 500
MOST_WAITING = 100
"""Of more unfinished runs of one job only so many are looked at."""
STARTED = ("running", "stopping")
"""States of a run that waits for nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one job stands.

    Attributes:
        job: Which job, as ``board/job``.
        definition: As it is stored.
        spec: What is in force: the definition with the overrides that have not ended.
        overrides: Those.
        due_at_ms: When its next nominal is due, jitter included; None for by hand, after a parent, never.
        live: How many of its runs are not over.
        live_state: The state of one of them.
        waiting: Those that wait for runs of other jobs; where there is but one, that one until it starts.
        joins: Nominals that some of its parents are still to end for, oldest first.
        used: Scheduled runs so far, counted where their number is limited.
        latest: What was decided last: a run that ended, or nominals passed over.
        last_run: Its last run that ended, as far as its newest records tell.
        holds: The holds on it, by scope.
        skip: What is to be passed over of its next runs; None for nothing.
        completed: Whether its schedule has come to its end.
    """

    job: str
    definition: Definition = field(repr=False)
    spec: Spec = field(repr=False)
    overrides: tuple[Override, ...] = field(repr=False)
    due_at_ms: int | None
    live: int
    live_state: str | None
    waiting: Sequence[Record] = field(repr=False)
    joins: Sequence[Join] = field(repr=False)
    used: int
    latest: Record | None = field(repr=False)
    last_run: Record | None = field(repr=False)
    holds: Mapping[str, Sequence[Hold]] = field(repr=False)
    skip: Skip | None
    completed: bool

    @property
    def waits(self) -> bool:
        """Whether it waits for runs of other jobs."""
        return bool(self.joins) or any(run.needs for run in self.waiting)

    @property
    def enabled(self) -> bool:
        """Whether it fires at all."""
        return self.spec.get("enabled", True) is not False

    @property
    def zone(self) -> str | None:
        """The zone its schedule is written in; None is UTC."""
        zone: str | None = self.spec.get("schedule", {}).get("timezone")
        return zone


def survey(
    store: Store,
    now_ms: int,
    *,
    boards: Mapping[str, BoardRecord],
    wanted: Callable[[str, Definition], bool] | None = None,
) -> list[Standing]:
    """How jobs stand, by address in order.

    Args:
        store: Where.
        now_ms: The store's time.
        boards: The boards to look at.
        wanted: Which jobs; None for all.
    """
    found: dict[str, Definition] = {}
    for name, board in sorted(boards.items()):
        jobs = definitions.read_definitions(store, board.version)
        for job in sorted(jobs):
            address = address_of(name, job)
            if wanted is None or wanted(address, jobs[job]):
                found[address] = jobs[job]
    return standing_of(store, found, now_ms)


def covered_by(store: Store, scope: str, now_ms: int) -> list[Standing]:
    """The jobs that a hold on that scope is about."""
    kind, _, name = scope.partition(":")
    boards = definitions.read_boards(store)
    board = {"board": name, "job": split_address(name)[0]}.get(kind)
    if board is not None:
        boards = {board: boards[board]} if board in boards else {}

    def wanted(address: str, definition: Definition) -> bool:
        spec = in_force(definition, now_ms)
        return (
            (kind != "job" or address == name)
            and (kind != "tag" or name in spec.get("tags", ()))
            and (kind != "queue" or scope in scopes_of_queue(queue_of(spec)))
        )

    return survey(store, now_ms, boards=boards, wanted=wanted)


def unfinished(store: Store, standings: Sequence[Standing]) -> tuple[list[Record], list[Record]]:
    """The runs of these jobs that run, and those that have not started."""
    live = [run for standing in standings if standing.live for run in past.live_runs(store, standing.job)]
    running = [run for run in live if run.state in ("running", "stopping")]
    return running, [run for run in live if run not in running]


def standing_of(store: Store, found: Mapping[str, Definition], now_ms: int) -> list[Standing]:
    """How these jobs stand, in the order given."""
    held = holds.read_holds(store, now_ms)
    skipped = skips.read_skips(store)
    addresses = list(found)
    standings: list[Standing] = []
    for start in range(0, len(addresses), PAGE):
        page = addresses[start : start + PAGE]
        _, rows = store.call("overview", addresses=page)
        specs = {address: in_force(found[address], now_ms) for address in page}
        joining = joins.read_joins(store, specs)
        waiting = _waiting(store, specs, rows)
        for address, (due, live, state, used, latest, run, _) in zip(page, rows, strict=True):
            newest = decode_record(as_bytes(latest)) if latest else None
            before = decode_record(as_bytes(run)) if run else None
            definition = found[address]
            spec = specs[address]
            standings.append(
                Standing(
                    job=address,
                    definition=definition,
                    spec=spec,
                    overrides=lasting(definition, now_ms),
                    due_at_ms=due or None,
                    live=live,
                    live_state=state or None,
                    waiting=waiting.get(address, ()),
                    joins=joining.get(address, ()),
                    used=used,
                    latest=newest,
                    last_run=newest if newest and newest.run_id else before,
                    holds=holds_on(held, address, spec.get("tags", ())),
                    skip=skipped.get(address),
                    completed=not due and is_completed(address, spec, used, now_ms),
                )
            )
    return standings


def _waiting(
    store: Store, specs: Mapping[str, Spec], rows: Sequence[Sequence[Any]]
) -> dict[str, list[Record]]:
    """Unfinished runs that wait, as far as `Standing.waiting` has them."""
    run_ids = [row[6] for row in rows if row[1] == 1 and row[2] not in STARTED]
    gated = [
        address
        for (address, spec), row in zip(specs.items(), rows, strict=True)
        if row[1] > 1 and needs_of(spec)
    ]
    if gated:
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for address in gated:
                pipe.srandmember(store.key("live", address), MOST_WAITING)
            run_ids += [run_id.decode() for some in pipe.execute() for run_id in some]
    found: dict[str, list[Record]] = {}
    for run in past.in_order(past.read_live(store, run_ids)):
        if run.job not in gated or run.needs:
            found.setdefault(run.job, []).append(run)
    return found


def holds_on(
    held: Mapping[str, Sequence[Hold]], address: str, tags: Sequence[str]
) -> dict[str, Sequence[Hold]]:
    """Those of all holds that are on a job, by scope."""
    scopes = ("all", f"board:{split_address(address)[0]}", f"job:{address}", *(f"tag:{tag}" for tag in tags))
    return {scope: held[scope] for scope in scopes if scope in held}


def is_completed(address: str, spec: Spec, used: int, now_ms: int) -> bool:
    """Whether a job's schedule has come to its end: its runs are used up, or no nominal is left."""
    schedule = spec.get("schedule")
    if schedule is None or spec.get("enabled") is False:
        return False
    if schedule.get("runs") and used >= schedule["runs"]:
        return True
    return compile_schedule(schedule, seed_of(address, spec)).next_after(now_ms) is None
