"""A run in full: its state in words, its instants, its attempts, what it ran, and the end of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.logs import elsewhere_text
from jobboard.cli.commands.show_job_text import value_text
from jobboard.cli.hiding import masked
from jobboard.cli.records import record_json, spent, style_of
from jobboard.cli.screen import visible
from jobboard.cli.values import shown
from jobboard.core.jobs.log_url import address_of
from jobboard.core.runs.why import explain_run
from jobboard.core.times.instant import local_text
from jobboard.core.times.moment import brief_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.facts import Explanation, JobFacts
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

LINES = 10


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything `show` says of a run.

    Attributes:
        run: The run.
        facts: Of its job.
        explanation: Why it is as it is.
        spec: What it runs: its own copy while it lives, else the job's present definition; None if gone.
        tail: The last lines of its output.
        now_ms: The store's time.
        elsewhere: Where else its output is to be found; None where nothing is said about that.
    """

    run: Record
    facts: JobFacts
    explanation: Explanation
    spec: Spec | None
    tail: Sequence[str]
    now_ms: int
    elsewhere: str | None = None

    def as_json(self) -> dict[str, Any]:
        """With stable keys."""
        return {
            **record_json(self.run),
            "explanation": self.explanation.headline,
            "retry": self.explanation.retry,
            "spec": masked(self.spec) if self.spec is not None else None,
            "tail": list(self.tail),
            "log_url": self.elsewhere,
        }

    def write(self, screen: Screen) -> None:
        """For people."""
        screen.line(self.explanation.headline, style_of(self.run) or "bold")
        for remark in (self.explanation.outlook, self.explanation.advice):
            if remark:
                screen.line(f"  {remark}")
        screen.line()
        self._instants(screen)
        self._attempts(screen)
        self._definition(screen)
        self._tail(screen)
        if self.explanation.command:
            screen.line(f"  → {self.explanation.command}")
        if self.explanation.retry:
            screen.line(f"  → {self.explanation.retry}   once the cause is mended")

    def _instants(self, screen: Screen) -> None:
        run = self.run
        rows = [
            ("nominal", run.nominal_ms),
            ("queued", run.queued_at_ms),
            ("started", run.started_at_ms),
            ("ended", run.ended_at_ms),
        ]
        before_ms = None
        for name, at_ms in rows:
            if at_ms is None:
                continue
            later = (
                f"   {brief_span(at_ms - before_ms)} later"
                if before_ms is not None and at_ms > before_ms
                else ""
            )
            screen.line(f"  {name:<12}{local_text(at_ms, self.facts.zone)}{later}")
            before_ms = at_ms if name != "nominal" or run.trigger == "schedule" else None
        if run.live and run.started_at_ms is not None:
            screen.line(f"  {'so far':<12}{spent(run, self.now_ms)}")
        by = f" by {run.by}" if run.by else ""
        screen.line(f"  {'trigger':<12}{run.trigger or '-'}{by}")
        screen.line(f"  {'worker':<12}{run.worker or '-'}")
        if run.progress:
            screen.line(f"  {'progress':<12}{visible(run.progress)}")
        if run.group:
            screen.line(f"  {'group':<12}{visible(run.group)}")
        if run.tags:
            screen.line(f"  {'tags':<12}{', '.join(run.tags)}")
        if run.tracked:
            screen.line(f"  {'tracked':<12}its record and output are kept; jobboard untrack {run.run_id}")
        screen.line(f"  {'revision':<12}{run.revision if run.revision is not None else '-'}")
        if run.late:
            screen.line("  late        it was over later than its finish_by", "error")
        for one in run.unlocked:
            words = f"  unlocked    {one.lock}, by {visible(one.by)}: {visible(one.reason)}"
            screen.line(words, "error")
        if run.overlapped:
            screen.line("  overlapped  two attempts ran at once for a while: one worker was cut off", "error")

    def _attempts(self, screen: Screen) -> None:
        if not self.run.tries:
            return
        screen.line()
        screen.line("  Attempts")
        for one in self.run.tries:
            took = ""
            if one.started_at_ms is not None and one.ended_at_ms is not None:
                took = brief_span(max(0, one.ended_at_ms - one.started_at_ms))
            at = local_text(one.ended_at_ms, self.facts.zone) if one.ended_at_ms is not None else "-"
            screen.line(f"    {one.attempt:>2}  {one.state:<8}  {at}  {took:<6}  {one.reason or ''}".rstrip())
            if one.again_by:
                why = f": {visible(one.again_reason)}" if one.again_reason else ""
                screen.line(f"        retried by {visible(one.again_by)}{why}")
        last = self.run
        screen.line(f"    {last.attempt:>2}  {last.state:<8}  {last.reason or ''}".rstrip())

    def _definition(self, screen: Screen) -> None:
        if self.spec is None:
            return
        now = "" if self.run.live or self.run.own_spec else "   (as the job is defined now)"
        screen.line()
        screen.line(f"  {'command':<12}{shown('command', self.spec['command'])}{now}")
        for name in (
            "cwd",
            "env",
            "env_files",
            "inherit",
            "user",
            "limits",
            "logs",
            "timeout",
            "heartbeat",
            "start_within",
            "finish_by",
            "on_late",
            "locks",
            "queue",
        ):
            if name in self.spec:
                screen.line(f"  {name:<12}{value_text(name, self.spec[name])}")

    def _tail(self, screen: Screen) -> None:
        if self.tail:
            screen.line()
            screen.line("  Output ends with", "dim")
        for line in self.tail:
            screen.line(f"    {visible(line)}")
        screen.line()
        if self.elsewhere:
            screen.line(f"  {'logs':<12}{visible(self.elsewhere)}")


def read(store: Store, run: Record, now_ms: int, log_url: str | None = None) -> RunView:
    """Read all that `RunView` says; `log_url` is the project's, with places as in `core.jobs.log_url`."""
    from jobboard.store.runs.past import read_spec
    from jobboard.store.runs.recorded import own_spec
    from jobboard.store.runs.world import read_job_facts, read_world

    facts = read_job_facts(store, run.job, now_ms)
    world = read_world(store, now_ms, [run])
    spec = read_spec(store, run.run_id) or own_spec(run) or facts.spec
    elsewhere = address_of(log_url, run) if log_url else None
    tail = _last_lines(store, run.run_id)
    return RunView(run, facts, explain_run(run, facts, world), spec, tail, now_ms, elsewhere)


def _last_lines(store: Store, run_id: str) -> list[str]:
    from jobboard.store.runs.output import read_tail

    chunks = read_tail(store, run_id)
    written = b"".join(chunk.content for chunk in chunks)
    lines = written.decode("utf-8", "replace").splitlines()[-LINES:]
    away = chunks[-1].place if chunks else None
    return lines if away is None else [*lines, f"({elsewhere_text(away)})"]
