"""Boards and runs made by the real scripts, for tests that look at them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.model import Definition
from jobboard.core.runs.run import Firing, Result
from jobboard.core.times.instant import format_instant
from jobboard.reconcile.entries import ties
from jobboard.store.boards import definitions, edits, staging
from jobboard.store.boards.codec import decode_definition
from jobboard.store.boards.staging import BoardWrite
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

BY = {"actor": "ana", "via": "cli"}


class Story:
    """Tells what happened to a store, one step a method.

    Attributes:
        runs: The run path of the same store.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runs = Runs(store)

    def board(
        self, name: str, jobs: Mapping[str, Spec], *, due: Mapping[str, int] | None = None, **meta: Any
    ) -> int:
        """Sync a board that has just these jobs, some of them due; its revision's number."""
        before = definitions.read_board(self.store, name)
        stage = staging.begin(self.store)
        version = f"{stage.id}-0"
        made = {
            job: Definition(edits.number(self.store), stage.id, stage.revision, spec, spec)
            for job, spec in jobs.items()
        }
        staging.stage_version(self.store, stage, version, source=None, put=made, drop=())
        work = {
            f"{name}/{job}": {"due": (due or {}).get(job, False), **ties(spec)} for job, spec in jobs.items()
        }
        staging.stage_work(self.store, stage, version, work)
        record = {"path": f"boards/{name}.yaml", "commit": "3f2c1ab9", "jobs": len(jobs), **meta}
        write = BoardWrite(name, before.version if before else None, version, record, [])
        revision, _ = staging.commit(self.store, stage, [write], revision={}, by=BY)
        staging.drain(self.store)
        return revision

    def fire(
        self, address: str, nominal_ms: int, *, next_due_ms: int | None = None, **more: Any
    ) -> tuple[str, str | None]:
        """Decide a nominal of a job that is due, as a scheduler does; the tag and the run's id."""
        claimed = {entry.address: entry for entry in self.runs.claim("sched-1").entries}
        epoch = decode_definition(claimed[address].definition).epoch
        firing = Firing(
            address,
            epoch,
            nominal_ms,
            next_due_ms,
            nominal_ms,
            format_instant(nominal_ms),
            nominal_ms,
            **more,
        )
        (answer,) = self.runs.fire("sched-1", [firing])
        return answer

    def scheduler(self) -> None:
        """Let a scheduler be seen alive."""
        self.runs.tick("sched-1")

    def worker(
        self,
        name: str = "web-1",
        queues: Sequence[str] = ("common",),
        slots: int = 4,
        *,
        lease_ms: int = 30_000,
    ) -> None:
        """Register a worker."""
        self.runs.hello(
            name,
            host="web",
            pid=1,
            queues=list(queues),
            slots=slots,
            lease_ms=lease_ms,
            version="0.1.0",
        )

    def reserve(self, worker: str = "web-1", queues: Sequence[str] = ("common",)) -> list[Reserved]:
        """Let a worker take what there is."""
        return self.runs.reserve(worker, list(queues), 10)

    def finish(self, run: Reserved, verdict: Word = "ok", *, worker: str = "web-1", **how: Any) -> None:
        """Let a worker report how a run's attempt ended, half a second after it began."""
        how = {"started_ago_ms": 500, **how}
        (tag,) = self.runs.finish(worker, [Result(run.run_id, run.token, verdict, **how)])
        assert tag in ("FINISHED", "RETRIED", "DEFERRED")

    def ran(self, address: str, verdict: Word = "ok", *, output: bytes = b"", **how: Any) -> str:
        """A run by hand from its start to its end; its id."""
        run_id = self.runs.start_run(address, by="ana")
        self.worker()
        (run,) = self.reserve()
        if output:
            self.runs.output(run.run_id, run.token, run.attempt, [output])
            how["output_bytes"] = len(output)
        self.finish(run, verdict, **how)
        return run_id
