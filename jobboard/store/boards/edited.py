"""What is live and is not what was last applied: needs no files, and reads only what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.jobs.merge import Merged, merge_job
from jobboard.core.names import address_of
from jobboard.core.plans.drift import removal, revival
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class EditedJob:
    """A job that somebody edited live since a sync applied it.

    Attributes:
        address: Which.
        fields: The paths that differ: `file` is what was applied last, `live` what there is. One that is
            `core.plans.drift.WHOLE` for a job that was removed or brought back.
    """

    address: str
    fields: tuple[Merged, ...]


@dataclass(frozen=True, slots=True)
class EditedBoard:
    """A board with its edited jobs, by address."""

    record: BoardRecord
    jobs: tuple[EditedJob, ...]


def read_edited(store: Store, records: Sequence[BoardRecord]) -> list[EditedBoard]:
    """What differs in each of these boards. Uses read commands only."""
    return [EditedBoard(record, tuple(_edited(store, record))) for record in records]


def _edited(store: Store, record: BoardRecord) -> Iterator[EditedJob]:
    live = definitions.read_some(store, record.version, record.drift) if record.drift else {}
    for job in sorted(record.drift):
        address, held = address_of(record.name, job), live.get(job)
        if held is None:
            yield EditedJob(address, removal(address).fields)
        elif not held.base:
            yield EditedJob(address, revival(address).fields)
        elif fields := merge_job(held.base, held.spec, held.base).drift:
            yield EditedJob(address, fields)
