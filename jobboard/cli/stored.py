"""The schedules of the jobs in the store, as `next` and `prev` list their instants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard import clock
from jobboard.cli.fires import Timed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.runs.facts import Hold, Skip
    from jobboard.store.calls.connect import Store


def stored_schedules(args: argparse.Namespace) -> tuple[list[Timed], str]:
    """Those of the job that is named, or of all; and why there is none, where one is named."""
    from jobboard.core.jobs.gate import is_windowed
    from jobboard.core.jobs.override import laid
    from jobboard.settings import Settings
    from jobboard.store.boards import definitions
    from jobboard.store.boards.holds import read_holds
    from jobboard.store.boards.skips import read_skips
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs.views import find_job
    from jobboard.store.views.usual import dues

    with open_store(Settings.from_args(args)) as store:
        wanted = None if args.job is None else find_job(store, args.job)
        now_ms = clock.now_ms()
        held = read_holds(store, now_ms)
        skips = read_skips(store)
        found: list[Timed] = []
        idle = ""
        windowed: dict[str, Spec] = {}
        for record in definitions.read_boards(store).values():
            if wanted is not None and not wanted.startswith(f"{record.name}/"):
                continue
            for job, definition in definitions.read_definitions(store, record.version).items():
                address = f"{record.name}/{job}"
                if wanted in (None, address):
                    if is_windowed(laid(definition)):
                        windowed[address] = laid(definition)
                    found += _periods(address, definition, held, skips.get(address), now_ms)
                if address == wanted and not found:
                    found, idle = _without_schedule(store, address, laid(definition), held)
        paced = [timed.address for timed in found if "delay" in timed.spec]
        due_ms = dues(store, paced)
        found = [replace(timed, due_ms=due_ms.get(timed.address)) for timed in found]
        return [
            _with_windows(store, timed, windowed[timed.address]) if timed.address in windowed else timed
            for timed in found
        ], idle


def _without_schedule(
    store: Store, address: str, spec: Spec, held: Mapping[str, Sequence[Hold]]
) -> tuple[list[Timed], str]:
    """The nominals of a job that has none by itself: those of the jobs before it. Or why there are none."""
    from jobboard.core.jobs.model import seed_of
    from jobboard.store.runs.kin import read_kin
    from jobboard.store.runs.overview import holds_on

    if not spec.get("enabled", True):
        return [], f"{address} is disabled and does not run: jobboard why {address}"
    specs = read_kin(store, spec.get("after", ())).specs
    root, above = address, spec
    seen: set[str] = set()
    while "schedule" not in above:
        if not above.get("after") or above["after"][0] not in specs or root in seen:
            return [], _unscheduled(address, root)
        seen.add(root)
        root = above["after"][0]
        above = specs[root]
        if not above.get("enabled", True):
            return [], f"{address} runs after {root}, which is disabled: jobboard why {root}"
    if "delay" in above["schedule"]:
        return [], f"{address} runs after {root}, whose instants follow from when its runs end."
    holds = [hold for listed in holds_on(held, address, spec.get("tags", ())).values() for hold in listed]
    seed, parents = seed_of(root, above), tuple(spec["after"])
    return [Timed(address, above["schedule"], holds, seed=seed, after=parents)], ""


def _unscheduled(address: str, root: str) -> str:
    whose = f"{address} runs after {root}, which" if root != address else address
    return f"{whose} has no schedule: it is run by hand, by jobboard run {root}."


def _with_windows(store: Store, timed: Timed, spec: Spec) -> Timed:
    """A job that comes once a window with what that hangs on: its parents, and what was decided."""
    from jobboard.core.jobs.gate import windows_of
    from jobboard.store.calls.connect import explained
    from jobboard.store.runs.kin import read_kin

    windows = windows_of(timed.address, spec, read_kin(store, spec["after"]).specs)
    with explained(store.url):
        cursor: Any = store.client.hget(store.key("cursor"), timed.address)
    return replace(timed, windows=windows, decided_ms=None if cursor is None else int(cursor))


def _periods(
    address: str,
    definition: Definition,
    held: Mapping[str, Sequence[Hold]],
    skip: Skip | None,
    now_ms: int,
) -> Iterator[Timed]:
    """The schedules of a job from now on, one after the other: overrides come to their end."""
    from jobboard.core.jobs.model import seed_of
    from jobboard.core.jobs.override import periods
    from jobboard.store.runs.overview import holds_on

    left = skip.left if skip is not None else 0
    for begins_ms, spec, ends_ms in periods(definition, now_ms):
        if "schedule" not in spec or not spec.get("enabled", True):
            continue
        scopes = holds_on(held, address, spec.get("tags", ()))
        holds = [hold for of_scope in scopes.values() for hold in of_scope]
        seed = seed_of(address, spec)
        timed = Timed(address, spec["schedule"], holds, begins_ms, ends_ms, left, now_ms, seed)
        yield timed
        if left and ends_ms is not None:
            left = max(0, left - timed.compiled().count(now_ms, ends_ms - 1))
