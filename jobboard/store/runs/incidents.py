"""What should have happened by now and has not: late runs, and jobs that should have ended ok again.

An incident is opened by a scheduler's look (`lua/include/watch_over.lua`), in the same step that finds it,
and ended by the run that makes it right. Uses read commands only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.runs.facts import Incident
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.store.calls.connect import Store


def read_incidents(store: Store) -> list[Incident]:
    """Every open incident, the oldest first."""
    (found,) = read_hashes(store, store.key("incidents"))
    incidents = (_incident(subject, packed) for subject, packed in found.items())
    return sorted(incidents, key=lambda incident: (incident.since_ms, incident.subject))


def incidents_of(store: Store, address: str, run_ids: Iterable[str]) -> list[Incident]:
    """The open incidents of a job and of these runs of it."""
    subjects = [address, *run_ids]
    (found,) = store.read(("HMGET", store.key("incidents"), *subjects))
    return [
        _incident(subject.encode(), packed)
        for subject, packed in zip(subjects, found, strict=True)
        if packed is not None
    ]


def _incident(subject: bytes, packed: bytes) -> Incident:
    said = unpack(packed)
    return Incident(said["kind"], subject.decode(), said["job"], said["since"])
