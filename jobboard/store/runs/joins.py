"""Nominals that a job with several parents waits at: some have ended, others are still to. Only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.override import laid
from jobboard.core.names import address_of, split_address
from jobboard.core.runs.facts import Join
from jobboard.core.runs.pending import joining
from jobboard.store.boards import definitions
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

PAGE = 500


def read_joins(store: Store, specs: Mapping[str, Spec]) -> dict[str, list[Join]]:
    """Of these jobs those that wait so, by address: the nominals, oldest first."""
    several = [address for address, spec in specs.items() if len(spec.get("after", ())) > 1]
    found: dict[str, list[Join]] = {}
    for start in range(0, len(several), PAGE):
        for address, entries in _entries(store, several[start : start + PAGE]).items():
            parents: Sequence[str] = specs[address]["after"]
            open_entries = [entry for entry in entries if "decided" not in entry]
            found[address] = [
                Join(entry["nominal"], tuple(parent for parent in parents if parent not in entry["ends"]))
                for entry in sorted(open_entries, key=lambda entry: entry["nominal"])
            ]
    return {address: joins for address, joins in found.items() if joins}


def read_ends(store: Store, specs: Mapping[str, Spec]) -> dict[str, dict[int, dict[str, str]]]:
    """Of these jobs those that wait so: nominal to how those of their parents ended that have.

    What was started by hand together with its dependents is left out.
    """
    several = [address for address, spec in specs.items() if len(spec.get("after", ())) > 1]
    found: dict[str, dict[int, dict[str, str]]] = {}
    for start in range(0, len(several), PAGE):
        for address, entries in _entries(store, several[start : start + PAGE]).items():
            found[address] = {
                int(entry["nominal"]): dict(entry["ends"]) for entry in entries if not entry.get("family")
            }
    return found


def all_joining(store: Store, board: str | None = None) -> list[Record]:
    """What is still to become a run, of every job or of a board's; see `joining`.

    The boards say which jobs have several parents, so that no definition is read of one that does not wait.
    """
    found: list[Record] = []
    for record in definitions.read_boards(store).values():
        if board not in (None, record.name):
            continue
        edges = dict(record.meta.get("edges") or {})
        several = {job for job, parents in edges.items() if len(parents) > 1}
        # What was edited live may have other parents than the board says.
        addresses = [address_of(record.name, job) for job in sorted({*several, *record.drift})]
        waiting = [split_address(address)[1] for address in _waiting(store, addresses)]
        known = definitions.read_some(store, record.version, waiting) if waiting else {}
        specs = {address_of(record.name, job): laid(definition) for job, definition in known.items()}
        for address, joins in read_joins(store, specs).items():
            found += joining(address, joins)
    return sorted(found, key=lambda record: (-record.nominal_ms, record.job))


def joining_of(store: Store, address: str) -> list[Record]:
    """What is still to become a run of a job, if that is there; see `joining`."""
    board, job = split_address(address)
    record = definitions.read_board(store, board)
    found = definitions.read_some(store, record.version, [job]) if record else {}
    specs = {address: laid(found[job])} if job in found else {}
    return joining(address, read_joins(store, specs).get(address, ()))


def _entries(store: Store, addresses: Sequence[str]) -> dict[str, list[Any]]:
    """What is noted of each; nearly always nothing, so that is asked first."""
    waiting = _waiting(store, addresses)
    found = store.read(*(("HVALS", store.key("joins", address)) for address in waiting))
    return {address: [unpack(raw) for raw in rows] for address, rows in zip(waiting, found, strict=True)}


def _waiting(store: Store, addresses: Sequence[str]) -> list[str]:
    """Those of which anything is noted."""
    found: list[str] = []
    for start in range(0, len(addresses), PAGE):
        page = addresses[start : start + PAGE]
        counts = store.read(*(("HLEN", store.key("joins", address)) for address in page))
        found += [address for address, count in zip(page, counts, strict=True) if count]
    return found
