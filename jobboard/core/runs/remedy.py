"""The one thing that would help a job, in words or as the next command to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.runs.pending import is_stranded, worker_command
from jobboard.core.scope import resume_command
from jobboard.core.times.duration import format_duration
from jobboard.core.times.moment import brief_span

if TYPE_CHECKING:
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import JobFacts, World
    from jobboard.core.runs.record import Record

_EXITS = {
    126: "the command was found and may not be executed",
    127: "the command was not found",
}
_SIGNALS = {"SIGKILL": "killed from outside, perhaps for want of memory"}


def hint_of(run: Record, facts: JobFacts) -> str | None:
    """What the way a run ended tells beyond its reason; None for nothing."""
    if run.reason and run.reason.startswith("timeout"):
        usual_ms = facts.usual_ms
        return f"It usually takes {brief_span(usual_ms)}." if usual_ms is not None else None
    if run.signal in _SIGNALS:
        return f"{run.signal}: {_SIGNALS[run.signal]}."
    code = run.exit_code
    if code in _EXITS:
        return f"Exit code {code}: {_EXITS[code]}."
    if run.lost:
        return "Its worker died or was cut off; on_lost says what that means for the run."
    return None


def advice_for(facts: JobFacts, world: World) -> tuple[str | None, str | None]:
    """What would help a job, in words, and the next command to type; None for nothing."""
    spec = facts.spec
    if spec is None and not facts.one_off:
        return None, "jobboard ls"
    stranded = next((run for run in facts.live if is_stranded(run, world)), None)
    if stranded is not None:
        return None, worker_command(stranded.queue or "common")
    if spec is None:
        return _advice_on_last(facts)
    if spec.get("enabled") is False:
        for override in facts.overrides:
            if override.path == "enabled":
                return None, clear_command(facts.job, override)
        return None, f"jobboard set {facts.job} enabled=true"
    if facts.holds:
        return None, resume_command(next(iter(facts.holds)))
    if "schedule" in spec and not world.scheduled:
        return None, "jobboard scheduler"
    for run in facts.live:
        helped = advice_on_live(facts, run, world)
        if helped is not None:
            return helped
    if facts.records and facts.records[0].blocker and not spec.get("timeout"):
        return _timeout_advice(facts)
    return _advice_on_last(facts)


def _advice_on_last(facts: JobFacts) -> tuple[str | None, str | None]:
    if facts.completed:
        return None, f"jobboard run {facts.job}"
    last = next((record for record in facts.records if record.run_id), None)
    if last is not None and last.bad:
        return hint_of(last, facts), f"jobboard logs {last.run_id}"
    if last is None and not facts.live and "schedule" not in (facts.spec or {}):
        return None, f"jobboard run {facts.job}"
    return None, None


def advice_on_live(facts: JobFacts, run: Record, world: World) -> tuple[str | None, str | None] | None:
    """What would help an unfinished run, likewise; None where it goes as it should."""
    if is_stranded(run, world):
        return None, worker_command(run.queue or "common")
    usual_ms, started_ms = facts.usual_ms, run.started_at_ms
    overlong = usual_ms is not None and started_ms is not None and world.now_ms - started_ms > 3 * usual_ms
    if run.state == "running" and overlong and not (facts.spec or {}).get("timeout"):
        return _timeout_advice(facts)
    return None


def _timeout_advice(facts: JobFacts) -> tuple[str, str]:
    usual_ms = facts.usual_ms or 900_000
    minutes = max(1, -(-4 * usual_ms // 60_000))
    return (
        "A timeout would have helped: none is set.",
        f"jobboard set {facts.job} timeout={format_duration(60_000 * minutes)}",
    )


def clear_command(address: str, override: Override) -> str:
    """The command that takes an override off."""
    return f"jobboard override clear {address} {override.path}"
