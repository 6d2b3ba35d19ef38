"""What a worker runs: its attempts, and the agent that starts and ends them.

An attempt comes here reserved and leaves reported, whatever happens between: the agent may start it, refuse
it or die with it, and where no agent is ready within a second it goes back to its queue unstarted. All of
this is done in the worker's loop and waits for nothing.
"""

from __future__ import annotations

import logging
import os
import selectors
from functools import partial
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.jobs.launch import Unresolvable
from jobboard.daemon.system import cgroup, tree
from jobboard.daemon.worker.attempt import Attempt, Outcome
from jobboard.daemon.worker.pipes import Pipes
from jobboard.daemon.worker.process import AgentProcess
from jobboard.daemon.worker.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from jobboard.core.jobs.runner import Runner
    from jobboard.daemon.frames import Message
    from jobboard.daemon.timers import Timer, Timers
    from jobboard.daemon.worker.clerk import Clerk
    from jobboard.daemon.worker.output import Piece
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

log = logging.getLogger("jobboard.worker")

_UNSTARTED_S = 1.0
"""A run that was reserved and cannot be started for this long is for somebody else."""

_STILLBORN_AGENTS = 3

_LOOK_AGAIN_S = 0.1


class Executor:
    """See the module.

    Args:
        instance: The random name of the worker's process.
        store: Where the runs are.
        selector: Of the loop.
        timers: Of the loop.
        worker: What this worker is called in the store.
        runners: What it serves of the project's own, by name.
        log_folder: Where output goes that is kept in files.
        ready: Is told when commands can be started.
        changed: Is told when an attempt has come or gone.

    Attributes:
        ready: Whether commands can be started now.
    """

    def __init__(
        self,
        instance: str,
        store: Store,
        selector: selectors.BaseSelector,
        timers: Timers,
        *,
        worker: str,
        runners: Mapping[str, Runner],
        log_folder: Path,
        ready: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._instance = instance
        self._store = store
        self._worker = worker
        self._runners = runners
        self._log_folder = log_folder
        self._selector = selector
        self._timers = timers
        self._tell_ready = ready
        self._changed = changed
        self._pipes = Pipes(
            selector,
            timers,
            self._pass_on,
            self._conclude_exited,
            lambda attempt: self._order_end(attempt, "output"),
        )
        self._reports = Reports(
            instance, timers, self._pass_report_on, lambda attempt: self._order_end(attempt, "silent")
        )
        self._attempts: dict[str, Attempt] = {}
        self._waiting: list[Attempt] = []
        self._agent: AgentProcess | None = None
        self._lease: Message | None = None
        self._lease_end: Timer | None = None
        self._stillborn = 0
        self._environ = dict(os.environ)  # read from there, each value is decoded anew
        self.ready = False

    def open(self, clerk: Clerk, closing: ExitStack) -> None:
        """Listen to reports until `closing` is, and start the agent."""
        self._clerk = clerk
        self._reports.open()
        closing.callback(self._reports.close)
        self._selector.register(self._reports.sock, selectors.EVENT_READ, self._reports.take)
        self._start_agent()

    def close(self) -> None:
        """Stop the agent; what still runs is ended at once, and nobody is told how."""
        if self._agent is not None:
            if self._attempts:
                self._agent.channel.close()  # it takes us for dead, and ends everything
                self._agent.bury()
            else:
                self._agent.quit()
            self._agent = None

    # ---- what it runs

    @property
    def count(self) -> int:
        """How many attempts it has, those that wait for the agent included."""
        return len(self._attempts)

    @property
    def running(self) -> int:
        """How many of them were started."""
        return len(self._attempts) - len(self._waiting)

    @property
    def addresses(self) -> list[str]:
        """Whose they are."""
        return [attempt.reserved.address for attempt in self._attempts.values()]

    def take_on(self, run: Reserved) -> None:
        """Start a run, once there is an agent."""
        attempt = Attempt(run, self._reports.address, self._runners, self._log_folder)
        self._attempts[attempt.id] = attempt
        self._changed()
        if self.ready:
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

    def return_waiting(self) -> None:
        """Let other workers have what waits for the agent."""
        self._clerk.give_back([attempt.reserved for attempt in self._waiting])
        for attempt in self._waiting:
            del self._attempts[attempt.id]
        self._waiting.clear()

    def end_all(self, why: str, within_ms: int | None = None) -> None:
        """Have everything ended, for a reason that the agent knows."""
        for attempt in self._attempts.values():
            self._order_end(attempt, why, within_ms)

    def end(self, run_ids: Collection[str], why: str) -> None:
        """Have some runs ended, those of them that are here."""
        for attempt in self._attempts.values():
            if attempt.reserved.run_id in run_ids:
                self._order_end(attempt, why)

    def _order_end(self, attempt: Attempt, why: str, within_ms: int | None = None) -> None:
        self._running_agent.channel.put({"type": "end", "id": attempt.id, "why": why, "within_ms": within_ms})

    # ---- the agent

    def believed(self, term_at_s: float, kill_at_s: float, last_at_s: float) -> None:
        """The store believes in this worker: what holds locks may go on until these instants.

        Args:
            term_at_s: When the agent is to send TERM.
            kill_at_s: When it is to send KILL.
            last_at_s: When that is done here, in case the agent has not.
        """
        self._lease = {"type": "lease", "term_at_s": term_at_s, "kill_at_s": kill_at_s}
        self._running_agent.channel.put(self._lease)
        if self._lease_end is not None:
            self._lease_end.cancel()
        self._lease_end = self._timers.at(last_at_s, self._end_fenced)

    @property
    def believing(self) -> bool:
        """Whether the agent would start now what holds locks."""
        return self._lease is None or monotonic_s() < self._lease["term_at_s"]

    def _end_fenced(self) -> None:
        """End what holds locks and is still there, until nobody is: the agent is frozen, or has no time."""
        found = False
        for attempt in self._attempts.values():
            if attempt.fenced and attempt.exited is None and attempt not in self._waiting:
                mark = tree.mark_of(self._instance, attempt.reserved.token)
                find = partial(tree.members, attempt.pid, mark, attempt.brand, self._running_agent.pid)
                if tree.kill(find):
                    attempt.cut_off = found = True
        if found:
            self._lease_end = self._timers.after(_LOOK_AGAIN_S, self._end_fenced)

    def adjust_interest(self) -> None:
        """Before the loop waits: send what the agent is to hear, and listen for when it can hear more."""
        channel = self._running_agent.channel
        channel.flush()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.waiting else 0)
        if self._selector.get_key(channel.sock).events != wanted:
            self._selector.modify(channel.sock, wanted, self._take_messages)

    @property
    def _running_agent(self) -> AgentProcess:
        assert self._agent is not None
        return self._agent

    def _start_agent(self) -> None:
        self.ready = False
        self._agent = AgentProcess(
            self._instance,
            {"url": self._store.url, "namespace": self._store.namespace, "worker": self._worker},
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
                case "late":
                    self._came_late(self._attempts[message["id"]])
                case "exited":
                    self._exited(self._attempts[message["id"]], message)
        if not channel.open:
            self._replace_agent()

    def _agent_is_ready(self, message: Message) -> None:
        self.ready = True
        self._running_agent.pid = message["pid"]
        self._stillborn = 0
        log.info("the agent is ready", extra={"action": "agent", "pid": message["pid"]})
        if self._lease is not None:
            self._running_agent.channel.put(self._lease)
        self._tell_ready()
        waiting, self._waiting = self._waiting, []
        for attempt in waiting:
            self._order_start(attempt)

    def _replace_agent(self) -> None:
        """The agent is dead, and everything it had started with it: those attempts are lost."""
        agent = self._running_agent
        self._selector.unregister(agent.channel.sock)
        agent.bury()
        if not self.ready:
            self._stillborn += 1
            if self._stillborn == _STILLBORN_AGENTS:
                self._agent = None
                raise errors.JobboardError("the agent that starts commands does not start")
        log.error("the agent died and is replaced", extra={"action": "agent-died", "worker": self._worker})
        for attempt in tuple(self._attempts.values()):
            if attempt not in self._waiting:
                self._pipes.read_rest(attempt)
                self._conclude(attempt, attempt.lost("the agent died", monotonic_s()))
        self._start_agent()

    # ---- an attempt, from its start to its end

    def _order_start(self, attempt: Attempt) -> None:
        try:
            order = attempt.order(self._instance, self._store.url, self._environ)
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

    def _came_late(self, attempt: Attempt) -> None:
        """The lease was over before it could be started: whoever has it now, or gets it next, starts it."""
        log.warning(
            "not started: this worker's lease was over",
            extra={"action": "late", "run": attempt.reserved.run_id},
        )
        self._reports.over(attempt)
        del self._attempts[attempt.id]
        self._changed()
        if not self.believing:
            self._clerk.drain()  # until the lease is renewed
        self._clerk.give_back([attempt.reserved])

    def _started(self, attempt: Attempt, message: Message) -> None:
        attempt.started_at_s = message["at_s"]
        attempt.pid, attempt.brand = message["pid"], message["brand"]
        self._pipes.open(attempt, message["fd"], "stdout" if attempt.split else "")
        self._reports.started(attempt)

    def _opened(self, attempt: Attempt, message: Message) -> None:
        """Its standard error comes from a pipe of its own."""
        self._pipes.open(attempt, message["fd"], "stderr")

    def _exited(self, attempt: Attempt, message: Message) -> None:
        attempt.exited = {**message, "why": "lease"} if attempt.cut_off else message
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
