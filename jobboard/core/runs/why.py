"""Why a job did or did not run, and why a run is as it is: values in, sentences out.

An explanation is what a person who knew everything would say: what became of the last nominals, what stands
in the way now, when it goes on, and the one thing to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.depend import parents_text
from jobboard.core.jobs.gate import begins_window
from jobboard.core.jobs.model import effective
from jobboard.core.runs.facts import Explanation, Finding
from jobboard.core.runs.pending import hold_text, present_of, since_text
from jobboard.core.runs.remedy import (
    advice_for,
    advice_on_live,
    clear_command,
    hint_of,
)
from jobboard.core.scope import resume_command
from jobboard.core.times.duration import format_duration
from jobboard.core.times.moment import brief_span

if TYPE_CHECKING:
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import Incident, JobFacts, Join, World
    from jobboard.core.runs.record import Record

SHOWN = 6
"""How many of the last records an explanation goes through."""

_LATE_MS = 1_000
_TRY_WORDS = {"retry": "failed", "defer": "deferred", "drained": "stopped"}
_ENDS = {"failed": "failed", "lost": "was lost", "cancelled": "was called off"}


def explain_job(facts: JobFacts, world: World) -> Explanation:
    """Why a job did or did not run lately, and when it will."""
    past = [past_of(facts, record, world) for record in reversed(facts.records[:SHOWN])]
    present = [present_of(facts, run, world) for run in reversed(facts.live[:SHOWN])]
    advice, command = advice_for(facts, world)
    return Explanation(
        headline=_headline(facts, world),
        findings=(*past, *map(waits_for, facts.joins[:SHOWN]), *present, *_obstacles(facts, world)),
        outlook=_outlook(facts, world),
        advice=advice,
        command=command,
        retry=_retry_of_last(facts),
    )


def explain_run(run: Record, facts: JobFacts, world: World) -> Explanation:
    """Why a run is as it is: what it waits for, or how it ended.

    Args:
        run: The run.
        facts: Of its job.
        world: What surrounds it.
    """
    tries = tuple(
        Finding(one.ended_at_ms, _TRY_WORDS.get(one.state, one.state), _try_text(one.attempt, one.reason))
        for one in run.tries
    )
    if run.live:
        present = present_of(facts, run, world)
        advice, command = advice_on_live(facts, run, world) or (None, present.command)
        return Explanation(f"{run.run_id} is {run.state}: {present.text}.", tries, None, advice, command)
    took = _took(run)
    if run.state == "ok":
        return Explanation(
            f"{run.run_id} ended well{took}.", tries, None, None, f"jobboard logs {run.run_id}"
        )
    how = _ENDS.get(run.state, run.state) + (f": {run.reason}" if run.reason else "")
    if run.state == "cancelled" and run.reason:
        how = f"was {cancel_text(run)}"
    return Explanation(
        f"{run.run_id} {how}{took}.",
        tries,
        _retried(run, facts),
        hint_of(run, facts),
        f"jobboard logs {run.run_id}",
        f"jobboard retry {run.run_id}" if _can_run(facts) else None,
    )


def _retry_of_last(facts: JobFacts) -> str | None:
    """What has the job's last run run again, where it failed and nothing else of the job is to run."""
    last = next((record for record in facts.records if record.run_id), None)
    if last is None or not last.bad or facts.live or not _can_run(facts):
        return None
    return f"jobboard retry {last.run_id}"


def _can_run(facts: JobFacts) -> bool:
    """Whether the job is there, or none ever was: a pushed command, of which its record keeps what it was."""
    return facts.spec is not None or facts.one_off


def cancel_text(run: Record) -> str:
    """Of a run that was called off: its reason, with who it was."""
    reason = run.reason or "cancelled"
    return reason if not run.by or run.by in reason else f"{reason} by {run.by}"


def end_text(run: Record) -> str:
    """How a run ended: ``ok``, ``failed, exit 3``, ``cancelled by ana``."""
    if run.state == "ok" or not run.reason:
        return run.state
    reason = cancel_text(run) if run.state == "cancelled" else run.reason
    return reason if reason.startswith(run.state) else f"{run.state}, {reason}"


def _took(run: Record) -> str:
    """How long it took, unless the reason says so."""
    if run.duration_ms is None or (run.reason or "").startswith("timeout after"):
        return ""
    return f" after {brief_span(run.duration_ms)}"


def _try_text(attempt: int, reason: str | None) -> str:
    return f"try {attempt}: {reason}" if reason else f"try {attempt}"


def _retried(run: Record, facts: JobFacts) -> str | None:
    most = effective(facts.spec or {}, "retries")["max"]
    if run.state != "failed":
        return None
    if not most:
        return "It was not tried again: the job has no retries."
    if run.attempt > most:
        return f"That was try {run.attempt} of {most + 1}, the last."
    if "on" in (facts.spec or {}).get("retries", {}):
        return f"It was not tried again: retries.on does not cover {run.reason}."
    return None


def _headline(facts: JobFacts, world: World) -> str:
    if not _can_run(facts):
        return f"{facts.job} is on no board any more."
    running = [run for run in facts.live if run.state in ("running", "stopping")]
    if running:
        return f"{facts.job} is {running[0].state}{since_text(facts, running[0], world)}."
    ended = next((record for record in facts.records if record.run_id), None)
    if ended is None:
        return f"{facts.job} has not run yet."
    at = world.brief(ended.started_at_ms or ended.seen_at_ms, facts.zone)
    newest = facts.records[0]
    if facts.live or (newest.passed_over and newest.started_at_ms is None):
        return f"{facts.job} has not run since {at}."
    return f"{facts.job} ran last at {at}: {end_text(ended)}."


def past_of(facts: JobFacts, record: Record, world: World) -> Finding:
    """What came of a run that is over, or of nominals that were passed over."""
    if record.passed_over:
        return _passed_over(facts, record, world)
    took = _took(record)
    reason = cancel_text(record) if record.state == "cancelled" else record.reason
    text = f"{reason}{took}" if reason else took.removeprefix(" after ")
    if record.attempt > 1:
        text += f", in try {record.attempt}"
    command = f"jobboard logs {record.run_id}" if record.state != "ok" else None
    return Finding(record.nominal_ms, record.state, text, command)


def _passed_over(facts: JobFacts, record: Record, world: World) -> Finding:
    reason = record.reason or ""
    text, command = reason, None
    if record.blocker is not None:
        command = f"jobboard show {record.blocker}"
        known = next((r for r in (*facts.live, *facts.records) if r.run_id == record.blocker), None)
        text = f"overlap: {record.blocker} was still unfinished"
        if known is not None and known.started_at_ms is not None:
            text += f" ({since_text(facts, known, world).strip()})"
    elif reason.startswith("after: "):
        command = f"jobboard why {reason.removeprefix('after: ').partition(' ')[0]}"
    if record.count > 1 and record.first_ms is not None:
        text += f" ({record.count} nominals from {world.brief(record.first_ms, facts.zone)})"
    return Finding(record.nominal_ms, record.state, text, command)


def waits_for(join: Join) -> Finding:
    """What a nominal waits for that has no run yet."""
    text = f"for {', '.join(join.missing)} of the same nominal"
    return Finding(join.nominal_ms, "waiting", text, f"jobboard why {join.missing[0]}")


def _obstacles(facts: JobFacts, world: World) -> list[Finding]:
    if facts.spec is None:
        return []
    found = []
    if facts.spec.get("enabled") is False and not any(o.path == "enabled" for o in facts.overrides):
        found.append(Finding(None, "disabled", "its definition says enabled: false"))
    found += [_incident(facts, incident, world) for incident in facts.incidents]
    found += [
        Finding(
            None,
            "disabled" if override.path == "enabled" and override.value is False else "overridden",
            _override_text(facts, override, world),
            clear_command(facts.job, override),
        )
        for override in facts.overrides
    ]
    found += [
        Finding(None, "paused", hold_text(facts, scope, hold, world), resume_command(scope))
        for scope, holds in facts.holds.items()
        for hold in holds
    ]
    if facts.skip is not None:
        undo = f"jobboard skip-next {facts.job} --clear"
        found.append(Finding(None, "skipping", facts.skip.words, undo))
    if "schedule" in facts.spec and not world.scheduled:
        found.append(Finding(None, "stalled", _scheduler_text(facts, world), "jobboard scheduler"))
    return found


def _override_text(facts: JobFacts, override: Override, world: World) -> str:
    since = world.brief(override.at_ms, facts.zone)
    until = f" until {world.brief(override.until_ms, facts.zone)}" if override.until_ms is not None else ""
    return f'{override.path} is overridden by {override.by} since {since}{until}: "{override.reason}"'


def _incident(facts: JobFacts, incident: Incident, world: World) -> Finding:
    spec, since = facts.spec or {}, world.brief(incident.since_ms, facts.zone)
    if incident.kind == "late":
        bound = f" of {brief_span(spec['finish_by'])}" if "finish_by" in spec else ""
        text = f"{incident.subject} should have been over by {since} (finish_by{bound})"
        return Finding(None, "late", text, f"jobboard show {incident.subject}")
    span = f" for {brief_span(spec['expected_every'])}" if "expected_every" in spec else ""
    text = f"no run of it had ended ok{span} at {since} (expected_every)"
    return Finding(None, "overdue", text, f"jobboard runs {facts.job}")


def _scheduler_text(facts: JobFacts, world: World) -> str:
    if not world.schedulers:
        return "no scheduler is running, so nothing fires"
    name, seen_ms = max(world.schedulers.items(), key=lambda item: item[1])
    return f"no scheduler is running; {name} was seen last at {world.brief(seen_ms, facts.zone)}"


def _outlook(facts: JobFacts, world: World) -> str | None:
    spec = facts.spec
    if spec is None:
        return None if _can_run(facts) else "It will not run again."
    if spec.get("enabled") is False:
        return None
    if facts.due_at_ms is not None:
        if facts.due_at_ms < world.now_ms - _LATE_MS:
            return f"It was due at {world.brief(facts.due_at_ms, facts.zone)}."
        if begins_window(facts.job, spec, facts.due_at_ms):
            window = f"the window from {world.brief(facts.due_at_ms, facts.zone)}"
            return f"Next: {window}, {parents_text(spec)}."
        passed = ""
        if _held_at(facts, facts.due_at_ms):
            passed = ", which the hold will keep from running"
        elif facts.skip is not None:
            passed = ", which will be skipped"
        return f"Next: {world.brief(facts.due_at_ms, facts.zone)}{passed}."
    if facts.completed:
        return "Its schedule has come to its end; it never fires again."
    if delay_ms := spec.get("schedule", {}).get("delay"):
        return f"Next: {format_duration(delay_ms)} after its present run ends." if facts.live else None
    if spec.get("after"):
        return f"It runs {parents_text(spec)}."
    return "It has no schedule and is run by hand." if "schedule" not in spec else None


def _held_at(facts: JobFacts, at_ms: int) -> bool:
    holds = (hold for several in facts.holds.values() for hold in several)
    return any(hold.covers(at_ms) for hold in holds)
