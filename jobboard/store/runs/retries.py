"""Runs that are over and did not end well, run again: each under its own id, as its next attempt.

What is run is the job's present definition; of a one-off run the record keeps what it ran. The job's own
retries are for what is expected to fail now and then; this is for a person who has mended the cause.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.store.calls.connect import explained
from jobboard.store.runs.recorded import decode_record
from jobboard.store.runs.walking import WALKED, packed_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

PAGE = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that may be retried: its newest record, and the same as it is kept, if it was read from there."""

    record: Record
    packed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """What a walk through the past found.

    Attributes:
        found: Oldest nominal first: the order in which they should run.
        looked_at: How many records it read.
        back_to_ms: The end of the oldest of them; None where there is none.
        complete: Whether it came to the end of the past, or of what was asked for.
    """

    found: tuple[Failure, ...]
    looked_at: int
    back_to_ms: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one.

    Attributes:
        run_id: The run.
        outcome: ``retried``, ``already`` (by this call), or why not: ``live`` (it is not over), ``well`` (it
            ended ok), ``gone`` (the job is not there any more), ``disabled``, ``crowded`` (a hundred runs of
            the job wait in line), ``heavy`` (too much was pushed with it to be kept), ``unknown``.
        about: The run's state, where it has one.
    """

    run_id: str
    outcome: str
    about: str = ""


def matching(
    *,
    job: str | None = None,
    board: str | None = None,
    group: str | None = None,
    states: Collection[str] = ("failed", "lost"),
) -> Callable[[Record], bool]:
    """What picks runs of a job or a board that ended in one of these states, in a group or for a reason."""
    prefix = f"{board}/" if board else ""

    def wanted(record: Record) -> bool:
        return (
            record.state in states
            and job in (None, record.job)
            and record.job.startswith(prefix)
            and group in (None, record.group, record.reason)
        )

    return wanted


def failures(
    store: Store, wanted: Callable[[Record], bool], *, since_ms: int | None = None, most: int = WALKED
) -> Failures:
    """The runs that are over and not being retried, of which the newest record is wanted.

    Args:
        store: Where.
        wanted: Which; it is asked of the newest record of each run.
        since_ms: Those that ended before are left out.
        most: How many records to look at.
    """
    seen: set[str] = set()
    found: list[Failure] = []
    looked_at, back_to_ms, complete = 0, None, True
    for page in packed_pages(store):
        records = list(map(decode_record, page))
        for record, packed in zip(records, page, strict=True):
            new = bool(record.run_id) and record.run_id not in seen
            seen.add(record.run_id)
            if new and (since_ms is None or record.seen_at_ms >= since_ms) and wanted(record):
                found.append(Failure(record, packed))
        looked_at, back_to_ms = looked_at + len(page), records[-1].seen_at_ms
        # A result may be reported late, so a page must be wholly too old before what follows surely is.
        if since_ms is not None and all(record.seen_at_ms < since_ms for record in records):
            break
        if looked_at >= most:
            complete = False
            break
    found.sort(key=lambda one: (one.record.nominal_ms, one.record.run_id))
    return Failures(tuple(_over(store, found)), looked_at, back_to_ms, complete)


def _over(store: Store, found: Sequence[Failure]) -> Iterator[Failure]:
    """Those that nobody has had run again."""
    for start in range(0, len(found), PAGE):
        page = found[start : start + PAGE]
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for one in page:
                pipe.exists(store.key("run", one.record.run_id))
            live = pipe.execute()
        yield from (one for one, there in zip(page, live, strict=True) if not there)


def retry_one(store: Store, run: Record, *, by: str, reason: str = "", force: bool = False) -> Retried:
    """Have one run run again; its record is looked for where it is kept longest only when it has to be."""
    (answer,) = retry(store, [Failure(run)], by=by, reason=reason, force=force)
    if answer.outcome == "unknown" and not run.live:
        kept = failures(store, lambda record: record.run_id == run.run_id).found
        return retry(store, kept, by=by, reason=reason, force=force)[0] if kept else answer
    return answer


def retry(
    store: Store, runs: Sequence[Failure], *, by: str, reason: str = "", force: bool = False
) -> list[Retried]:
    """Have runs run again, in that order; what became of each.

    Args:
        store: Where.
        runs: Which.
        by: Who asks.
        reason: Why, for the record.
        force: Although the job is paused or disabled.
    """
    answers: list[Retried] = []
    for start in range(0, len(runs), PAGE):
        page = runs[start : start + PAGE]
        asked = [[one.record.run_id, one.packed or False] for one in page]
        tags = store.call("retry", runs=asked, by=by, reason=reason, mark=secrets.token_hex(6), force=force)[
            2
        ]
        answers += [
            Retried(one.record.run_id, tag.lower(), about)
            for one, (tag, about) in zip(page, tags, strict=True)
        ]
    return answers
