"""The runner: takes runs from the store, has the agent start them, keeps their output, reports their ends.

A few threads share the work, each with a connection of its own where it needs one. This one, the loop, feeds
on pipes and on the agent and never waits for the store. The `clerk` sleeps until there is something to
reserve or to report, and does so; the `heartbeat` renews the lease, and for each inbox it is told to read one
moves what comes there into the queue.

A run starts in the directory the worker was started in, unless its job names another. It keeps what it
leaves in the background when it ends by itself; that goes on, unheard, for as long as the worker does. When
the worker dies in whatever way, everything it has started is ended at once.

What must hold: a run that was reserved is started once or given back; an attempt that was started is
reported once, whoever dies; nothing here is lost while the store is away.
"""

from __future__ import annotations

import logging
import os
import secrets
import selectors
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.names import NAME_RULE, is_name
from jobboard.daemon.timers import Timer, Timers
from jobboard.daemon.worker.clerk import Clerk, Registration
from jobboard.daemon.worker.executor import Executor
from jobboard.daemon.worker.heartbeat import Heartbeat
from jobboard.daemon.worker.inbox import InboxReader
from jobboard.daemon.worker.listen import Ears
from jobboard.daemon.worker.logkeeper import DEFAULT_LOG_BYTES, LogKeeper
from jobboard.daemon.worker.mailbox import Mailbox
from jobboard.daemon.worker.news import Asked, Broken, Ended, News, Renewed, Stopped, Taken
from jobboard.daemon.worker.process import end_marked, reap_orphans
from jobboard.daemon.worker.results import result_of
from jobboard.daemon.worker.spool import Spool, leftovers
from jobboard.daemon.worker.standing import Standing
from jobboard.store.calls.connect import explained
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobboard.daemon.system.announce import WorkerAnnouncer
    from jobboard.daemon.worker.idle import Idle
    from jobboard.daemon.worker.serving import Serving
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

log = logging.getLogger("jobboard.worker")

DEFAULT_LEASE_MS = 30_000
SHORTEST_LEASE_MS = 1_000

_SIGN_OFF_S = 10.0
_HURRY_MS = 2_000
_TERM_AT, _KILL_AT, _LAST_AT = 0.7, 0.85, 0.9
"""When, in parts of the lease, runs that hold locks are ended if the store stays away: by the agent, and by
this process where the agent is frozen."""

_SHORTEST_TIMEOUT_S = 0.5


class Worker:
    """A worker, from its start to its end.

    Args:
        store: Where the runs are; the worker opens connections of its own beside it.
        name: What people call it; the id it goes by adds what makes this process unique.
        serving: What it takes runs from, and how many at once.
        lease_ms: How long it is believed to be alive after its last sign of life.
        home: The state directory; results that the store does not have yet are kept under ``spool`` there.
        grace_ms: How long running commands may go on once it is told to stop; None for as long as they like.
        announcer: Tells the system what the worker does; None for nobody.
        idle: What happens when it has nothing to do; None for nothing.
        log_dir: Where output goes that jobs want in files; None for ``logs`` in the state directory.
        log_bytes: How much of this namespace's output may be there.

    Raises:
        errors.UsageError: The name breaks the rules for names, or there is no slot.

    Attributes:
        id: What it is called in the store.
    """

    def __init__(
        self,
        store: Store,
        *,
        name: str,
        serving: Serving,
        home: Path,
        lease_ms: int = DEFAULT_LEASE_MS,
        grace_ms: int | None = None,
        announcer: WorkerAnnouncer | None = None,
        idle: Idle | None = None,
        log_dir: Path | None = None,
        log_bytes: int = DEFAULT_LOG_BYTES,
    ) -> None:
        if not is_name(name) or serving.slots < 1:
            raise errors.UsageError(
                f'"{name}" with {serving.slots} slots is no worker', f"A name is {NAME_RULE}"
            )
        self._instance = secrets.token_hex(4)
        self.id = f"{name}.{self._instance}"
        self._store = store
        self._home = home
        self._grace_ms = grace_ms
        self._me = Registration(self.id, serving, max(lease_ms, SHORTEST_LEASE_MS))
        self._news: Mailbox[News] = Mailbox()
        self._selector = selectors.DefaultSelector()
        self._timers = Timers()
        log_folder = (log_dir or home / "logs").absolute() / store.namespace
        self._log_keeper = LogKeeper(store, log_folder, log_bytes)
        self._standing = Standing(self._timers, announcer, idle, lambda: self._executor.addresses)
        self._executor = Executor(
            self._instance,
            store,
            self._selector,
            self._timers,
            worker=self.id,
            runners=serving.runners,
            log_folder=log_folder,
            ready=self._agent_is_ready,
            changed=self._changed,
        )
        self._renewed_at_s = monotonic_s()
        self._draining = False
        self._paused = False
        self._grace: Timer | None = None
        self._known = False

    # ---- the life of it

    def run(self, stop: threading.Event, hurry: threading.Event | None = None) -> None:
        """Work until told to stop, then until the last run has ended or the grace is over.

        Args:
            stop: Set, it takes on nothing new and lets running commands end.
            hurry: Set after `stop`, it lets them no longer: they are sent TERM and, soon, KILL.

        Raises:
            errors.StoreUnreachable: No server answered at the start. Later, it waits for the server.
            errors.StoreRefused: The server would not, at the start.
        """
        incarnation = self._incarnation()
        self._send_leftovers(incarnation)
        spool = Spool(self._home, self._store.namespace, incarnation, self.id, self._instance)
        with ExitStack() as connections:
            connections.callback(spool.close)
            self._clerk = clerk = Clerk(self._connect(connections), self._me, spool, self.tell)
            ears = Ears(
                self._connect(connections),
                self.id,
                self._me.serving.queues,
                has_room_for=clerk.has_room_for,
                want=clerk.want,
                tell=self.tell,
            )
            heartbeat = Heartbeat(self._connect(connections), self.id, self._me.lease_ms, clerk, self.tell)
            readers = [
                InboxReader(self._connect(connections), self.id, queue, self.tell)
                for queue in self._me.serving.inboxes
            ]
            self._log_keeper.start()
            connections.callback(self._log_keeper.close)
            self._executor.open(clerk, connections)
            self._watch(stop, hurry)
            clerk.start(ears)
            heartbeat.start()
            for reader in readers:
                reader.start()
            try:
                self._loop()
            finally:
                for reader in readers:
                    reader.close()
                unfinished = self._executor.count > 0
                self._close()
                hurried = hurry is not None and hurry.is_set()
                clerk.close(_HURRY_MS / 1000 if hurried else _SIGN_OFF_S, unfinished=unfinished)
                heartbeat.close()

    def wait_for_all(self) -> None:
        """Once it is told to stop, let running commands go on for as long as they like; from any thread."""
        self.tell(Asked(self._lift_grace))

    def end_running(self) -> None:
        """End what runs now, which then has failed, and go on; from any thread."""
        self.tell(Asked(lambda: self._executor.end_all("told")))

    def pause(self) -> None:
        """Take nothing new until told to go on; what runs goes on. From any thread."""
        self.tell(Asked(lambda: self._set_paused(paused=True)))

    def go_on(self) -> None:
        """Take runs again after a pause; from any thread."""
        self.tell(Asked(lambda: self._set_paused(paused=False)))

    def reap(self) -> None:
        """A child has died that may be an orphan nobody else collects; from any thread."""
        self.tell(Asked(reap_orphans))

    def _connect(self, connections: ExitStack) -> Store:
        """A connection that gives up on an answer well before the lease ends."""
        timeout_s = max(_SHORTEST_TIMEOUT_S, self._me.lease_ms / 3000)
        return connections.enter_context(self._store.again(timeout_s=timeout_s))

    def _incarnation(self) -> str:
        # Any script makes a namespace that is not there yet.
        Runs(self._store).beat(self.id, self._me.lease_ms)
        with explained(self._store.url):
            raw = self._store.client.hget(self._store.key("meta"), "incarnation")
        return raw.decode() if isinstance(raw, bytes) else ""

    def _send_leftovers(self, incarnation: str) -> None:
        """Do for workers that died on this host, with their agent and its guard, what those could not do."""
        runs = Runs(self._store)
        for left in leftovers(self._home, self._store.namespace, incarnation):
            end_marked(left.instance)
            if left.entries:
                runs.finish(left.worker, [result_of(entry) for entry in left.entries])
            runs.lost(left.worker)

    def _watch(self, stop: threading.Event, hurry: threading.Event | None) -> None:
        def wait() -> None:
            stop.wait()
            self.tell(Stopped())
            if hurry is not None:
                hurry.wait()
                self.tell(Stopped(hurried=True))

        threading.Thread(target=wait, name="stop", daemon=True).start()

    def _close(self) -> None:
        self._executor.close()
        for key in tuple(self._selector.get_map().values()):
            if isinstance(key.fileobj, int):
                os.close(key.fd)
        self._selector.close()
        self._news.close()

    # ---- the loop

    def tell(self, news: News) -> None:
        """Tell the loop something; from any thread."""
        self._news.put(news)

    def _loop(self) -> None:
        self._selector.register(self._news, selectors.EVENT_READ, self._take_news)
        self._standing.stay_alive()
        self._changed()
        while not (self._draining and not self._executor.count):
            self._executor.adjust_interest()
            self._clerk.wake()
            for key, _ in self._selector.select(self._timers.wait_s()):
                key.data()
            self._timers.fire()

    def _take_news(self) -> None:
        for news in self._news.take():
            match news:
                case Taken(runs):
                    self._take_on(runs)
                case Ended(run_ids):
                    self._executor.end(run_ids, "cancel")
                case Renewed(at_s):
                    self._renew(at_s)
                    self._known = True
                    self._announce()
                case Stopped(hurried):
                    self._drain(hurried=hurried)
                case Asked(act):
                    act()
                case Broken(error):
                    raise error

    def _take_on(self, runs: Sequence[Reserved]) -> None:
        if self._draining:
            self._clerk.give_back(runs)
            return
        for run in runs:
            self._executor.take_on(run)

    def _renew(self, at_s: float) -> None:
        self._renewed_at_s = max(self._renewed_at_s, at_s)
        lease_s = self._me.lease_ms / 1000
        self._executor.believed(
            *(self._renewed_at_s + part * lease_s for part in (_TERM_AT, _KILL_AT, _LAST_AT))
        )
        if not self._clerk.taking:
            self._take_if_able()

    def _drain(self, *, hurried: bool) -> None:
        if not self._draining:
            log.info("stopping; %d still running", self._executor.running, extra={"action": "stopping"})
        self._draining = True
        self._standing.stopping()
        self._clerk.drain()
        self._executor.return_waiting()
        if hurried:
            self._executor.end_all("drain", _HURRY_MS)
        elif self._grace_ms is not None:
            self._grace = self._timers.after(self._grace_ms / 1000, lambda: self._executor.end_all("drain"))

    def _lift_grace(self) -> None:
        self._grace_ms = None
        if self._grace is not None:
            self._grace.cancel()

    def _set_paused(self, *, paused: bool) -> None:
        log.info("paused" if paused else "going on", extra={"action": "pause" if paused else "go-on"})
        self._paused = paused
        if paused:
            self._clerk.drain()
        else:
            self._take_if_able()
        self._changed()

    def _agent_is_ready(self) -> None:
        self._announce()
        self._take_if_able()

    def _take_if_able(self) -> None:
        if self._executor.ready and not (self._draining or self._paused):
            self._clerk.resume()

    def _announce(self) -> None:
        """Say once that it is ready: the store knows it, and commands can be started."""
        if self._known and self._executor.ready:
            self._standing.ready()

    def _changed(self) -> None:
        self._standing.changed(busy=self._executor.count > 0, paused=self._paused)
