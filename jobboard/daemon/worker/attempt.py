"""One attempt as the runner sees it: what it was given, its output so far, and how it ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from jobboard.core.jobs import launch
from jobboard.core.jobs.model import MOST_IN_REDIS, built_in_logs, effective, on_disconnect, seed_of
from jobboard.core.runs.retry import Broken, judge
from jobboard.core.size import format_size
from jobboard.core.times.instant import format_instant
from jobboard.daemon.system import tree
from jobboard.daemon.system.confine import confinement_of
from jobboard.daemon.worker import envfile, here
from jobboard.daemon.worker.logfile import LogFile
from jobboard.daemon.worker.output import Capture
from jobboard.logfile import stem_of
from jobboard.runners.invocation import invocation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobboard.core.jobs.runner import Runner
    from jobboard.core.runs.run import Word
    from jobboard.daemon.frames import Message
    from jobboard.daemon.timers import Timer
    from jobboard.store.runs.runs import Reserved


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, as the store is to be told.

    Attributes:
        started_at_s: When it started, on the monotonic clock; None for one that never did.
        ended_at_s: When it ended, on the same clock.
    """

    run_id: str
    token: int
    verdict: Word
    reason: str
    ended_at_s: float
    delay_ms: int = 0
    exit_code: int | None = None
    signal: str | None = None
    started_at_s: float | None = None
    output_bytes: int = 0
    dropped_bytes: int = 0
    group: str = ""


@dataclass(slots=True)
class Said:
    """What a command reported of itself.

    Attributes:
        percent: How far it is.
        text: What it is doing.
        failure: What to say if it fails.
        group: Which group of failures that belongs to.
        fresh: Whether the store has not been told yet.
        next_at_s: When it may be told again, on the monotonic clock.
    """

    percent: int | None = None
    text: str = ""
    failure: str = ""
    group: str = ""
    fresh: bool = False
    next_at_s: float = 0.0


class Attempt:
    """A reserved run on its way through this worker.

    Args:
        reserved: What the store handed out.
        report_to: Where its command may report.
        runners: What the worker serves of the project's own.
        log_folder: Where output goes that is kept in files; None for nowhere.

    Attributes:
        id: What the agent knows it by: its fencing token.
        output_fds: The pipes its output comes from, each with the stream it carries, while they are open.
        key: By which its command says who it is when it reports; nobody else knows it.
        sender: The name of the socket that its command has for reports.
        heard_at_s: When it last printed or reported something, on the monotonic clock.
        said: What it reported of itself.
        most_bytes: How much it may print; None for any amount, and once it has printed more.
        fenced: Whether it may not outlive its worker's lease.
        split: Whether its standard error has a pipe of its own.
        pid: Its first process, and what everyone of its tree carries by `linux.brand_children`; None for what
            is not known.
        brand: See `pid`.
        cut_off: Whether this process had to end it with the lease, in the agent's place.
        exited: The agent's last word about it.
        timer: What it is waiting for, while its pipe falls quiet.
    """

    def __init__(
        self,
        reserved: Reserved,
        report_to: str = "",
        runners: Mapping[str, Runner] = MappingProxyType({}),
        log_folder: Path | None = None,
    ) -> None:
        self.reserved = reserved
        random = secrets.token_hex(16)
        self.key, self.sender = random[:16], f"jobboard-{random[16:]}"
        self._report_to = report_to
        self._runners = runners
        self._log_folder = log_folder
        self.heard_at_s = 0.0
        self.said = Said()
        self.most_bytes: int | None = reserved.spec.get("limits", {}).get("output")
        self.id = str(reserved.token)
        self.capture = Capture()
        self.output_fds: dict[int, str] = {}
        self.started_at_s: float | None = None
        self.fenced = on_disconnect(reserved.spec) == "kill"
        self.pid: int | None = None
        self.brand: int | None = None
        self.cut_off = False
        self.split = bool(reserved.spec.get("logs", {}).get("split"))
        self.exited: Message | None = None
        self.timer: Timer | None = None
        self.flushing = False
        self.concluded = False

    def order(self, instance: str, store_url: str, outer: Mapping[str, str]) -> Message:
        """What to tell the agent, given the worker's environment.

        Raises:
            launch.Unresolvable: A reference in its `env` has no value on this host, one of its files is
                missing, or its user is.
        """
        spec = self.reserved.spec
        account = here.account_for(spec)
        files = here.files_for(spec)
        between = {**(account.variables() if account is not None else {}), **files}
        resolve = here.resolver(store_url)
        env = launch.environment(spec, outer, self._own(), resolve, store_url, between=between)
        called = invocation(spec, resolve, env.values, self._runners)
        of_files = filter(envfile.may_be_secret, files.values())
        self.capture = self._captured([*env.secrets, *of_files, *called.secrets])
        confined = confinement_of(spec, account)
        return {
            "type": "spawn",
            "id": self.id,
            "argv": called.argv,
            "env": env.values,
            "cwd": spec.get("cwd"),
            "stdin": called.stdin,
            "mark": tree.mark_of(instance, self.reserved.token),
            "timeout_ms": spec.get("timeout"),
            "kill_after_ms": effective(spec, "kill_after"),
            "fenced": self.fenced,
            "confined": confined,
            "split": self.split,
            "report": [self.sender, self._report_to],
            "fork": called.fork if effective(spec, "warm") and "account" not in (confined or {}) else None,
        }

    def _captured(self, secrets: list[str]) -> Capture:
        """Where its output goes."""
        logs = self.reserved.spec.get("logs", {})
        most_bytes = logs.get("max_size", built_in_logs(logs)["max_size"])
        if logs.get("to") == "files" and self._log_folder is not None:
            stem = stem_of(self._log_folder, self.reserved.run_id, self.reserved.token)
            if stem is not None:
                return Capture(secrets, keeper=LogFile(stem, most_bytes))
        return Capture(secrets, min(most_bytes, MOST_IN_REDIS))

    def _own(self) -> dict[str, str]:
        run = self.reserved
        return {
            "JOBBOARD_JOB": run.address,
            "JOBBOARD_RUN_ID": run.run_id,
            "JOBBOARD_NOMINAL": format_instant(run.nominal_ms),
            "JOBBOARD_ATTEMPT": str(run.attempt),
            "JOBBOARD_FENCE": str(run.token),
            "JOBBOARD_QUEUE": effective(run.spec, "queue"),
            "JOBBOARD_REPORT": f"{self._report_to}#{self.key}",
            **_window(run),
        }

    def outcome(self, ended: Message) -> Outcome:
        """The verdict over an attempt that the agent saw end."""
        verdict, delay_ms, reason = self._verdict(ended)
        return Outcome(
            self.reserved.run_id,
            self.reserved.token,
            verdict,
            reason,
            ended["at_s"],
            delay_ms,
            ended["code"],
            ended["signal"],
            self.started_at_s,
            self.capture.total_bytes,
            self.capture.dropped_bytes,
            (self.said.group or ("oom" if ended.get("oom") else "")) if reason else "",
        )

    def _verdict(self, ended: Message) -> tuple[Word, int, str]:
        why = ended["why"]
        if why == "drain":
            return "drained", 0, "the worker was stopped"
        if why == "lease":
            chosen = "on_disconnect" in self.reserved.spec
            rule = "on_disconnect says kill" if chosen else "the run holds locks"
            return "lost", 0, f"the store was out of reach, and {rule}"
        run = self.reserved
        judged = judge(
            run.spec,
            attempt=run.attempt,
            defers=run.defers,
            exit_code=ended["code"],
            signal=ended["signal"],
            timed_out=why == "timeout",
            broke=why if why in get_args(Broken) else None,
            cancelled=why == "cancel",
            seed=run.run_id,
        )
        reason = judged.reason
        if reason and ended.get("oom"):
            reason = f"out of memory, over {format_size(run.spec['limits']['memory'])}: {reason}"
        return judged.verdict, judged.delay_ms, self._in_its_own_words(reason)

    def _in_its_own_words(self, reason: str) -> str:
        """A failure with what the command itself said of it."""
        return f"{reason}: {self.said.failure}" if reason and self.said.failure else reason

    def refused(self, code: int, reason: str, at_s: float) -> Outcome:
        """The verdict over a command that could not be started, for the reason given."""
        ended = {"code": code, "signal": None, "why": None, "at_s": at_s}
        verdict, delay_ms, _ = self._verdict(ended)
        return Outcome(
            self.reserved.run_id, self.reserved.token, verdict, reason, at_s, delay_ms, code, None, at_s
        )

    def failed(self, reason: str, at_s: float) -> Outcome:
        """The verdict where another try would fail the same way."""
        return Outcome(self.reserved.run_id, self.reserved.token, "failed", reason, at_s)

    def lost(self, reason: str, at_s: float) -> Outcome:
        """The verdict where nobody saw it end."""
        return Outcome(
            self.reserved.run_id,
            self.reserved.token,
            "lost",
            reason,
            at_s,
            started_at_s=self.started_at_s,
            output_bytes=self.capture.total_bytes,
            dropped_bytes=self.capture.dropped_bytes,
        )


def _window(run: Reserved) -> dict[str, str]:
    """The window that a run is for, of a job that comes once for each."""
    if "after" not in run.spec or "schedule" not in run.spec:
        return {}
    from jobboard.core.times.schedule import compile_schedule

    windows = compile_schedule(run.spec["schedule"], seed_of(run.address, run.spec))
    ends_ms = {"START": windows.prev_at(run.nominal_ms), "END": windows.next_after(run.nominal_ms)}
    return {
        f"JOBBOARD_WINDOW_{edge}": format_instant(at_ms)
        for edge, at_ms in ends_ms.items()
        if at_ms is not None
    }
