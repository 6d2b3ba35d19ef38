"""The runner: takes runs from the store, has the agent start them, keeps their output, reports their ends.

A few threads share the work, each with a connection of its own where it needs one. This one, the loop, feeds
on pipes and on the agent and never waits for the store. The `clerk` reserves and reports, the `ears` sleep
until there is something to reserve, the `heartbeat` renews the lease, and for each inbox it is told to read
one moves what comes there into the queue.

A run starts in the directory the worker was started in, unless its job names another. It keeps what it
leaves in the background when it ends by itself; that goes on, unheard, for as long as the worker does. When
the worker dies in whatever way, everything it has started is ended at once.

What must hold: a run that was reserved is started once or given back; an attempt that was started is
reported once, whoever dies; nothing here is lost while the store is away.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import selectors
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.launch import Unresolvable
from jobboard.core.names import NAME_RULE, is_name
from jobboard.daemon import cgroup
from jobboard.daemon.attempt import Attempt, Outcome
from jobboard.daemon.clerk import (
    Asked,
    Broken,
    Clerk,
    Ended,
    News,
    Registration,
    Renewed,
    Stopped,
    Taken,
    result_of,
)
from jobboard.daemon.heartbeat import Heartbeat
from jobboard.daemon.inbox import InboxReader
from jobboard.daemon.listen import Ears
from jobboard.daemon.pipes import Pipes
from jobboard.daemon.process import AgentProcess, end_marked, reap_orphans
from jobboard.daemon.reports import Reports
from jobboard.daemon.spool import Spool, leftovers
from jobboard.daemon.timers import Timer, Timers
from jobboard.store.connect import explained
from jobboard.store.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobboard.daemon.announce import Announcer
    from jobboard.daemon.frames import Message
    from jobboard.daemon.idle import Idle
    from jobboard.daemon.output import Piece
    from jobboard.daemon.serving import Serving
    from jobboard.store.connect import Store
    from jobboard.store.runs import Reserved

log = logging.getLogger("jobboard.worker")

DEFAULT_LEASE_MS = 30_000
SHORTEST_LEASE_MS = 1_000

_UNSTARTED_S = 1.0
"""A run that was reserved and cannot be started for this long is for somebody else."""

_SIGN_OFF_S = 10.0
_HURRY_MS = 2_000
_TERM_AT, _KILL_AT = 0.7, 0.85
"""When, in parts of the lease, runs that hold locks are ended if the store stays away."""

_SHORTEST_TIMEOUT_S = 0.5
_STILLBORN_AGENTS = 3

_SAY_S = 0.2
"""How often, at most, the system is told what runs."""


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
        announcer: Announcer | None = None,
        idle: Idle | None = None,
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
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._news_fd, self._tell_fd = os.pipe()
        os.set_blocking(self._tell_fd, False)
        self._telling = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._timers = Timers()
        self._pipes = Pipes(
            self._selector,
            self._timers,
            self._pass_on,
            self._conclude_exited,
            lambda attempt: self._order_end(attempt, "output"),
        )
        self._reports = Reports(
            self._instance,
            self._timers,
            self._pass_report_on,
            lambda attempt: self._order_end(attempt, "silent"),
        )
        self._attempts: dict[str, Attempt] = {}
        self._waiting: list[Attempt] = []
        self._agent: AgentProcess | None = None
        self._agent_ready = False
        self._stillborn = 0
        self._renewed_at_s = monotonic_s()
        self._draining = False
        self._paused = False
        self._grace: Timer | None = None
        self._announcer = announcer
        self._announced = self._saying = self._known = False
        self._idle = idle

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
            self._reports.open()
            connections.callback(self._reports.close)
            self._clerk = clerk = Clerk(self._connect(connections), self._me, spool, self.tell)
            ears = Ears(self._connect(connections), self.id, self._me.serving.queues, clerk, self.tell)
            heartbeat = Heartbeat(self._connect(connections), self.id, self._me.lease_ms, clerk, self.tell)
            readers = [
                InboxReader(self._connect(connections), self.id, queue, self.tell)
                for queue in self._me.serving.inboxes
            ]
            self._start_agent()
            self._watch(stop, hurry)
            clerk.start(ears.room)
            ears.start()
            heartbeat.start()
            for reader in readers:
                reader.start()
            try:
                self._loop()
            finally:
                for reader in readers:
                    reader.close()
                ears.close()
                unfinished = bool(self._attempts)
                self._close()
                hurried = hurry is not None and hurry.is_set()
                clerk.close(_HURRY_MS / 1000 if hurried else _SIGN_OFF_S, unfinished=unfinished)
                heartbeat.close()

    def wait_for_all(self) -> None:
        """Once it is told to stop, let running commands go on for as long as they like; from any thread."""
        self.tell(Asked(self._lift_grace))

    def end_running(self) -> None:
        """End what runs now, which then has failed, and go on; from any thread."""
        self.tell(Asked(lambda: self._end_everything(None, "told")))

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
        if self._agent is not None:
            if self._attempts:
                self._agent.channel.close()  # it takes us for dead, and ends everything
                self._agent.bury()
            else:
                self._agent.quit()
            self._agent = None
        for key in tuple(self._selector.get_map().values()):
            if isinstance(key.fileobj, int) and key.fd != self._news_fd:
                os.close(key.fd)
        self._selector.close()
        with self._telling:
            os.close(self._tell_fd)
            self._tell_fd = -1
        os.close(self._news_fd)

    # ---- the loop

    def tell(self, news: News) -> None:
        """Tell the loop something; from any thread."""
        self._news.put(news)
        with self._telling:
            if self._tell_fd >= 0:
                with suppress(BlockingIOError):  # full: the loop is about to wake
                    os.write(self._tell_fd, b"n")

    def _loop(self) -> None:
        self._selector.register(self._news_fd, selectors.EVENT_READ, self._take_news)
        self._selector.register(self._reports.sock, selectors.EVENT_READ, self._reports.take)
        self._stay_alive()
        self._changed()
        while not (self._draining and not self._attempts):
            self._adjust_interest()
            for key, _ in self._selector.select(self._timers.wait_s()):
                key.data()
            self._timers.fire()

    def _adjust_interest(self) -> None:
        channel = self._running_agent.channel
        channel.flush()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.waiting else 0)
        if self._selector.get_key(channel.sock).events != wanted:
            self._selector.modify(channel.sock, wanted, self._take_messages)

    def _take_news(self) -> None:
        os.read(self._news_fd, 4096)
        while True:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                return
            match news:
                case Taken(runs):
                    for run in runs:
                        self._take_on(Attempt(run, self._reports.address, self._me.serving.runners))
                case Ended(run_ids):
                    self._end_runs(run_ids)
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

    def _renew(self, at_s: float) -> None:
        self._renewed_at_s = max(self._renewed_at_s, at_s)
        lease_s = self._me.lease_ms / 1000
        self._running_agent.channel.put(
            {
                "type": "lease",
                "term_at_s": self._renewed_at_s + _TERM_AT * lease_s,
                "kill_at_s": self._renewed_at_s + _KILL_AT * lease_s,
            }
        )

    def _drain(self, *, hurried: bool) -> None:
        if not self._draining:
            running = len(self._attempts) - len(self._waiting)
            log.info("stopping; %d still running", running, extra={"action": "stopping"})
        self._draining = True
        if self._announcer is not None:
            self._announcer.stopping()
        self._clerk.drain()
        self._clerk.give_back([attempt.reserved for attempt in self._waiting])
        for attempt in self._waiting:
            del self._attempts[attempt.id]
        self._waiting.clear()
        if hurried:
            self._end_everything(_HURRY_MS)
        elif self._grace_ms is not None:
            self._grace = self._timers.after(self._grace_ms / 1000, lambda: self._end_everything(None))

    def _lift_grace(self) -> None:
        self._grace_ms = None
        if self._grace is not None:
            self._grace.cancel()

    def _set_paused(self, *, paused: bool) -> None:
        log.info("paused" if paused else "going on", extra={"action": "pause" if paused else "go-on"})
        self._paused = paused
        if paused:
            self._clerk.drain()
        elif self._agent_ready and not self._draining:
            self._clerk.resume()
        self._changed()

    def _end_everything(self, within_ms: int | None, why: str = "drain") -> None:
        for attempt in self._attempts.values():
            self._order_end(attempt, why, within_ms)

    def _end_runs(self, run_ids: Sequence[str]) -> None:
        for attempt in self._attempts.values():
            if attempt.reserved.run_id in run_ids:
                self._order_end(attempt, "cancel")

    def _order_end(self, attempt: Attempt, why: str, within_ms: int | None = None) -> None:
        self._running_agent.channel.put({"type": "end", "id": attempt.id, "why": why, "within_ms": within_ms})

    # ---- what the system is told

    def _announce(self) -> None:
        """Say once that it is ready: the store knows it, and commands can be started."""
        if self._announcer is not None and self._known and self._agent_ready and not self._announced:
            self._announced = True
            self._announcer.ready()

    def _changed(self) -> None:
        """Something has begun or ended."""
        if self._idle is not None:
            if self._attempts:
                self._idle.busy()
            else:
                self._idle.resting(self._timers)
        if self._announcer is not None and not self._saying:
            self._saying = True
            self._timers.after(_SAY_S, self._say)

    def _say(self) -> None:
        self._saying = False
        if self._announcer is not None:
            running = [attempt.reserved.address for attempt in self._attempts.values()]
            self._announcer.doing(running, paused=self._paused)

    def _stay_alive(self) -> None:
        if self._announcer is not None and self._announcer.alive_every_s is not None:
            self._announcer.alive()
            self._timers.after(self._announcer.alive_every_s, self._stay_alive)

    # ---- the agent

    @property
    def _running_agent(self) -> AgentProcess:
        assert self._agent is not None
        return self._agent

    def _start_agent(self) -> None:
        self._agent_ready = False
        self._agent = AgentProcess(
            self._instance,
            {"url": self._store.url, "namespace": self._store.namespace, "worker": self.id},
            cgroup.own(),
        )
        self._selector.register(self._agent.channel.sock, selectors.EVENT_READ, self._take_messages)

    def _take_messages(self) -> None:
        channel = self._running_agent.channel
        for message in channel.take():
            match message["type"]:
                case "ready":
                    self._agent_is_ready(message)
                case "started":
                    self._started(self._attempts[message["id"]], message)
                case "errors":
                    self._opened(self._attempts[message["id"]], message)
                case "refused":
                    self._refused(self._attempts[message["id"]], message)
                case "exited":
                    self._exited(self._attempts[message["id"]], message)
        if not channel.open:
            self._replace_agent()

    def _agent_is_ready(self, message: Message) -> None:
        self._agent_ready = True
        self._stillborn = 0
        log.info("the agent is ready", extra={"action": "agent", "pid": message["pid"]})
        self._renew(self._renewed_at_s)
        self._announce()
        if not (self._draining or self._paused):
            self._clerk.resume()
        waiting, self._waiting = self._waiting, []
        for attempt in waiting:
            self._order_start(attempt)

    def _replace_agent(self) -> None:
        """The agent is dead, and everything it had started with it: those attempts are lost."""
        agent = self._running_agent
        self._selector.unregister(agent.channel.sock)
        agent.bury()
        if not self._agent_ready:
            self._stillborn += 1
            if self._stillborn == _STILLBORN_AGENTS:
                self._agent = None
                raise errors.JobboardError("the agent that starts commands does not start")
        log.error("the agent died and is replaced", extra={"action": "agent-died", "worker": self.id})
        for attempt in tuple(self._attempts.values()):
            if attempt not in self._waiting:
                self._pipes.read_rest(attempt)
                self._conclude(attempt, attempt.lost("the agent died", monotonic_s()))
        self._start_agent()

    # ---- an attempt, from its start to its end

    def _take_on(self, attempt: Attempt) -> None:
        if self._draining:
            self._clerk.give_back([attempt.reserved])
            return
        self._attempts[attempt.id] = attempt
        self._changed()
        if self._agent_ready:
            self._order_start(attempt)
            return
        self._waiting.append(attempt)
        self._timers.after(_UNSTARTED_S, lambda: self._return_unstarted(attempt))

    def _return_unstarted(self, attempt: Attempt) -> None:
        """There is still no agent to start it: let another worker have it, and take no more for now."""
        if attempt in self._waiting:
            self._clerk.drain()
            self._waiting.remove(attempt)
            del self._attempts[attempt.id]
            self._changed()
            self._clerk.give_back([attempt.reserved])

    def _order_start(self, attempt: Attempt) -> None:
        try:
            order = attempt.order(self._instance, self._store.url)
        except Unresolvable as error:
            self._conclude(attempt, attempt.failed(str(error), monotonic_s()))
        except (KeyError, TypeError, ValueError) as error:
            # Another version's definition, or a damaged one: the run fails, the worker must not.
            self._conclude(
                attempt, attempt.failed(f"not a definition this worker can run: {error}", monotonic_s())
            )
        else:
            self._reports.expect(attempt)
            self._running_agent.channel.put(order)

    def _refused(self, attempt: Attempt, message: Message) -> None:
        self._conclude(attempt, attempt.refused(message["code"], message["reason"], monotonic_s()))

    def _started(self, attempt: Attempt, message: Message) -> None:
        attempt.started_at_s = message["at_s"]
        self._pipes.open(attempt, message["fd"], "stdout" if attempt.split else "")
        self._reports.started(attempt)

    def _opened(self, attempt: Attempt, message: Message) -> None:
        """Its standard error comes from a pipe of its own."""
        self._pipes.open(attempt, message["fd"], "stderr")

    def _exited(self, attempt: Attempt, message: Message) -> None:
        attempt.exited = message
        self._pipes.exited(attempt)

    def _conclude_exited(self, attempt: Attempt) -> None:
        assert attempt.exited is not None
        if attempt.exited["code"]:
            self._reports.take()  # what it said of its failure may wait beside the news of its end
        attempt.capture.close()
        self._conclude(attempt, attempt.outcome(attempt.exited))

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        """Report an attempt. Its pipe, if somebody still holds it, is read on and forgotten."""
        self._pipes.conclude(attempt)
        self._reports.over(attempt)
        del self._attempts[attempt.id]
        self._changed()
        self._clerk.finish(outcome)

    def _pass_on(self, run: Reserved, piece: Piece) -> None:
        self._clerk.output(run, piece)

    def _pass_report_on(self, attempt: Attempt) -> None:
        self._clerk.report(attempt.reserved, attempt.said.percent, attempt.said.text)
