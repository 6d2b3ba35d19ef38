"""The worker's business with the store: listening, reserving, sending output and results, joining again.

It has a thread and connections of its own, so that the loop that feeds on pipes never waits for the store.
While the store is away nothing is lost: results are in the spool and in memory, output is bounded per
attempt, and the first call after the outage says what this worker still holds.
"""

from __future__ import annotations

import logging
import os
import select
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard import __version__, clock, errors
from jobboard.daemon.worker.mailbox import Mailbox
from jobboard.daemon.worker.news import Ended, Renewed, Taken, start_thread
from jobboard.daemon.worker.outbox import Outbox
from jobboard.daemon.worker.results import entry_of, result_of
from jobboard.store.runs.runs import Runs, UnknownWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobboard.core.runs.run import Result
    from jobboard.daemon.worker.attempt import Outcome
    from jobboard.daemon.worker.listen import Ears
    from jobboard.daemon.worker.news import News
    from jobboard.daemon.worker.output import Piece
    from jobboard.daemon.worker.serving import Serving
    from jobboard.daemon.worker.spool import Entry, Spool
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

log = logging.getLogger("jobboard.worker")

MOST_A_CALL = 100
"""How many runs or results go in one call."""

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Registration:
    """How a worker is known to the store.

    Attributes:
        worker: Its id, of this process alone.
        serving: What it takes runs from, and how many at once.
        lease_ms: How long after its last beat it is believed to be alive.
    """

    worker: str
    serving: Serving
    lease_ms: int


class Clerk:
    """See the module.

    Args:
        store: Its own connection; nobody else uses it.
        registration: Who we are.
        spool: Where results are written down first.
        tell: How the loop is told.
    """

    def __init__(
        self, store: Store, registration: Registration, spool: Spool, tell: Callable[[News], None]
    ) -> None:
        self._store = store
        self._runs = Runs(store)
        self._me = registration
        self._spool = spool
        self._tell = tell
        self._inbox: Mailbox[Callable[[], None]] = Mailbox()
        self._held: dict[str, Reserved] = {}
        self._laid = False
        self._ended: list[Entry] = []
        self._results: list[Entry] = []
        self._outbox = Outbox(self._runs)
        self._unstarted: list[Reserved] = []
        self._wanted = False
        self._tokens: list[str] = []
        self._joined = False
        self._taking = True
        self._closing_by_s: float | None = None
        self._unfinished = False
        self._signed_off = False
        self._pause_s = 0.0

    # ---- called from other threads

    def start(self, ears: Ears) -> None:
        """Begin; what `ears` hear is acted on in the clerk's thread."""
        self._ears = ears
        self._thread = start_thread("clerk", self._serve, self._tell)

    @property
    def taking(self) -> bool:
        """Whether new runs are wanted at all."""
        return self._taking

    @property
    def has_room(self) -> bool:
        """Whether a slot is free and new runs are wanted."""
        return self._taking and self._me.serving.room(self._queues_held) > 0

    def has_room_for(self, queue: str) -> bool:
        """Whether a run of this queue would be taken now."""
        return self._taking and self._me.serving.takes(queue, self._queues_held)

    @property
    def _queues_held(self) -> list[str]:
        return [run.queue for run in tuple(self._held.values())]

    def look(self) -> None:
        """There may be something to reserve."""
        self._inbox.put(self.want)

    def join_again(self) -> None:
        """The store may have forgotten us, or we were cut off."""
        self._inbox.put(self._leave)

    def output(self, run: Reserved, piece: Piece) -> None:
        """Pass a piece of output on, at the next `wake`."""
        self._lay(lambda: self._outbox.put_output(run, piece))

    def finish(self, outcome: Outcome) -> None:
        """Pass on how an attempt ended, at the next `wake`; its output is sent before."""
        self._lay(lambda: self._ended.append(entry_of(outcome)))

    def _lay(self, order: Callable[[], None]) -> None:
        self._inbox.lay(order)
        self._laid = True

    def wake(self) -> None:
        """Act on what attempts have said and how they ended: once for all that the loop has seen by now."""
        if self._laid:
            self._laid = False
            self._inbox.wake()

    def give_back(self, runs: Sequence[Reserved]) -> None:
        """These were reserved and are not going to be started."""
        self._inbox.put(lambda: self._unstarted.extend(runs))

    def report(self, run: Reserved, percent: int | None, text: str) -> None:
        """Pass on how far a run says it is; only the last word counts."""
        self._inbox.put(lambda: self._outbox.put_report(run, percent, text))

    def drain(self) -> None:
        """Reserve nothing, any more or until told to go on."""
        self._taking = False

    def resume(self) -> None:
        """Go on after a pause."""
        self._taking = True
        self.look()

    def close(self, within_s: float, *, unfinished: bool) -> None:
        """Send what is left, sign off, and end the thread; what takes longer stays in the spool.

        Args:
            within_s: How long that may take.
            unfinished: Some attempts ended unseen: what is still held is lost. Otherwise it never started.
        """
        self._inbox.put(lambda: self._close_by(clock.monotonic_s() + within_s, unfinished=unfinished))
        self._thread.join()

    # ---- orders, in the clerk's own thread

    def want(self, token: str | None = None) -> None:
        """As `look`; `token` is the key that a token for it was taken from."""
        self._wanted = True
        if token is not None:
            self._tokens.append(token)

    def _leave(self) -> None:
        self._joined = False

    def _write_down(self) -> None:
        ended, self._ended = self._ended, []
        if not ended:
            return
        self._spool.add(ended)
        if self._spool.broken:
            log.warning("results are not written to disk: %s", self._spool.broken, extra={"action": "spool"})
        self._results += ended

    def _close_by(self, at_s: float, *, unfinished: bool) -> None:
        self._closing_by_s = at_s
        self._unfinished = unfinished

    # ---- the thread

    def _serve(self) -> None:
        while not self._done():
            try:
                self._absorb()
                self._visit()
            except (errors.StoreUnreachable, errors.StoreRefused) as error:
                self._step_back(error)
            else:
                if self._pause_s:
                    log.info("the store is back", extra={"action": "store-back"})
                self._pause_s = 0.0
        self._ears.close()
        self._inbox.close()

    def _done(self) -> bool:
        if self._closing_by_s is None:
            return False
        return self._signed_off or clock.monotonic_s() >= self._closing_by_s

    def _idle(self) -> bool:
        nothing = self._outbox.empty and not self._results and not self._unstarted
        return nothing and self._joined and not self._wanted and self._closing_by_s is None

    def _absorb(self) -> None:
        """Take every order there is, and what is heard; wait for either where there is nothing else to do."""
        bell = self._ears.bell
        span_s = self._pause_s or (bell.wait_s() if self._idle() else 0.0)
        poll = select.poll()
        poll.register(self._inbox, select.POLLIN)
        if bell.waiting:
            poll.register(bell, select.POLLIN)
        ready = dict(poll.poll(None if span_s is None else 1000 * span_s))
        if ready.pop(self._inbox.fileno(), None):
            for order in self._inbox.take():
                order()
            self._write_down()
        if ready:
            self._ears.take()

    def _visit(self) -> None:
        """Say what there is to say to the store; then listen."""
        try:
            self._speak()
        except errors.StoreRefused:
            # Full, it still has something to say: what is to be cancelled.
            self._ears.listen()
            raise
        if self._closing_by_s is None:
            self._ears.listen()

    def _speak(self) -> None:
        """Everything there is to say, in the order in which it matters."""
        if not self._joined:
            self._join()
        self._outbox.send_output()
        self._send_results()
        self._send_back()
        self._outbox.send_reports()
        if self._closing_by_s is None:
            self._reserve()
        else:
            self._sign_off()

    def _step_back(self, error: errors.JobboardError) -> None:
        if not self._pause_s:
            log.warning("the store is away: %s", error.message, extra={"action": "store-away"})
        self._joined = self._joined and isinstance(error, errors.StoreFull)
        self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)

    def _join(self) -> None:
        at_s = clock.monotonic_s()
        try:
            hello = self._runs.hello(
                self._me.worker,
                host=socket.gethostname(),
                pid=os.getpid(),
                queues=list(self._me.serving.queues),
                slots=self._me.serving.slots,
                lease_ms=self._me.lease_ms,
                version=__version__,
                inboxes=list(self._me.serving.inboxes),
                own_slots=self._me.serving.own_slots,
                order=self._me.serving.order,
                holding=self._tokens_held(),
            )
        except errors.StoreFull:
            # Results free memory and are taken even so; joining has to wait for that.
            self._send_results()
            raise
        self._joined = True
        self._wanted = True
        self._tell(Renewed(at_s))
        if hello.drop:
            self._tell(Ended(tuple(hello.drop)))

    def _send_results(self) -> None:
        """Report; the last call also asks for what may take the place of what ended."""
        while self._results:
            batch = self._results[:MOST_A_CALL]
            pairs = [(entry["run_id"], entry["token"]) for entry in batch]
            runs, asked = self._report([self._result(entry) for entry in batch], pairs)
            del self._results[: len(batch)]
            self._forget(pairs)
            # Before what else is to be done: they are waited for.
            self._take(runs or [])
            self._spool.cross_out(pairs)
            if runs is None:
                raise UnknownWorker(f"the store does not know worker {self._me.worker}")
            if len(runs) < asked:
                # There was no more; those that woke us for it need not be told.
                self._wanted = False
                self._tokens.clear()

    def _report(
        self, results: list[Result], ended: Sequence[tuple[str, int]]
    ) -> tuple[list[Reserved] | None, int]:
        """Runs that came with the answer, None where the store knows us not; and how many were asked for."""
        serving = self._me.serving
        left = [run.queue for run in self._held.values() if (run.run_id, run.token) not in ended]
        asked = min(serving.room(left), MOST_A_CALL) if self._may_ask() else 0
        if asked:
            # Full: nothing was done, and results alone are taken even so.
            with suppress(errors.StoreFull):
                _, runs = self._runs.finish_reserve(
                    self._me.worker,
                    results,
                    serving.queues,
                    asked,
                    rooms=serving.rooms(left),
                    order=serving.order,
                )
                return runs, asked
        self._runs.finish(self._me.worker, results)
        return [], 0

    def _may_ask(self) -> bool:
        """Whether to ask for runs with these reports; not where more reports are to follow."""
        more = len(self._results) > MOST_A_CALL
        return self._joined and self._taking and self._closing_by_s is None and not more

    def _take(self, runs: list[Reserved]) -> None:
        self._held.update((run.run_id, run) for run in runs)
        if runs:
            self._tell(Taken(tuple(runs)))

    def _result(self, entry: Entry) -> Result:
        lost = self._outbox.dropped_bytes(entry["run_id"], entry["token"])
        return result_of({**entry, "dropped_bytes": entry["dropped_bytes"] + lost} if lost else entry)

    def _send_back(self) -> None:
        if self._unstarted:
            pairs = [(run.run_id, run.token) for run in self._unstarted]
            self._runs.give_back(self._me.worker, pairs)
            self._unstarted.clear()
            self._forget(pairs)

    def _sign_off(self) -> None:
        if not self._unfinished:
            self._runs.give_back(self._me.worker, self._tokens_held())
        self._put_back()
        self._runs.bye(self._me.worker)
        self._signed_off = True

    def _tokens_held(self) -> list[tuple[str, int]]:
        return [(run.run_id, run.token) for run in self._held.values()]

    def _forget(self, pairs: Sequence[tuple[str, int]]) -> None:
        for run_id, token in pairs:
            self._outbox.forget(run_id, token)
            held = self._held.get(run_id)
            if held is not None and held.token == token:
                del self._held[run_id]
        self._wanted = True

    def _put_back(self) -> None:
        """Tokens that turned out to be taken without room are for somebody else."""
        while self._tokens:
            self._ears.put_back(self._tokens[-1])
            self._tokens.pop()

    def _reserve(self) -> None:
        serving, held = self._me.serving, self._queues_held
        asked = min(serving.room(held), MOST_A_CALL)
        self._wanted = self._wanted and self._taking and asked > 0
        if not self._wanted:
            self._put_back()
            return
        runs = self._runs.reserve(
            self._me.worker, serving.queues, asked, rooms=serving.rooms(held), order=serving.order
        )
        self._wanted = len(runs) == asked
        self._tokens.clear()
        self._take(runs)
