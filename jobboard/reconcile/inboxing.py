"""From an inbox into the queue: what programs without jobboard have pushed, checked as any push is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.jobs.entry import read_entry
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.runs import inbox
from jobboard.store.runs.pushes import packed_parcel
from jobboard.store.runs.views import find_job

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.inbox import Found
    from jobboard.store.runs.pushes import Parcel

log = logging.getLogger("jobboard.worker")


def take_page(store: Store, worker: str, queue: str) -> int:
    """Move the oldest entries of an inbox on; how many, 0 where there was none left.

    Raises:
        errors.StoreUnreachable: No answer; what was moved was moved whole.
        errors.StoreRefused: The server would not, or does not know the worker.
    """
    found = inbox.peek(store, queue)
    if not found:
        return 0
    decided = [(one, decide(store, queue, one)) for one in found]
    taken = inbox.take(store, worker, queue, decided)
    runs = [run_id for run_id in taken if run_id is not None]
    if runs:
        more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
        log.info("from inbox %s: %s%s", queue, runs[0], more, extra={"action": "inbox"})
    for (_, made), run_id in zip(decided, taken, strict=False):
        if run_id is None:
            reason = made if isinstance(made, str) else "jobboard inbox says why"
            log.warning("set aside from inbox %s: %s", queue, reason, extra={"action": "inbox-rejected"})
    return len(found)


def decide(store: Store, queue: str, found: Found) -> Parcel | str:
    """What to make of an entry: a run, or the reason why it is none."""
    if found.size > inbox.LARGEST_BYTES:
        return f"it has {found.size} bytes, and may have {inbox.LARGEST_BYTES}"
    try:
        entry = read_entry(found.raw)
        parcel = make_parcel(
            store,
            queue=None if entry.job else queue,
            job=find_job(store, entry.job) if entry.job else None,
            keys=entry.keys,
            payload=entry.payload,
            **entry.more,
        )
        packed_parcel(parcel, "")
    except (errors.StoreUnreachable, errors.StoreRefused):
        raise
    except errors.JobboardError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    except ValueError as error:
        return str(error)
    except Exception as error:
        # Whatever it is, the next worker would stumble over it too: it must not stay at the inbox's end.
        log.exception("an entry of inbox %s cannot be read", queue)
        return f"it cannot be read: {error!r}"
    return parcel
