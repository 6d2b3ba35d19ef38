"""A simulation's figures for programs: instants are RFC 3339 in UTC, spans milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.times.instant import format_instant

if TYPE_CHECKING:
    from jobboard.cli.scenario import Sourced
    from jobboard.core.simulation.load import DeadlineMiss, JobLoad, Load, PassedOver, Peak, Slice, Waiting
    from jobboard.core.simulation.silence import Silence
    from jobboard.core.simulation.standing import Crew, QueueRule


def load_json(load: Load) -> dict[str, Any]:
    """All of it."""
    return {
        "from": format_instant(load.from_ms),
        "until": format_instant(load.until_ms),
        "runs": load.runs,
        "failed": load.failed,
        "unfinished": load.unfinished,
        "late": load.late,
        "skipped": load.count("skipped"),
        "missed": load.count("missed"),
        "held": load.count("held"),
        "waited_ms": load.waited_ms,
        "most_running": _peak(load.running),
        "longest_queues": {name: _peak(peak) for name, peak in load.queues.items()},
        "hours": [_slice(hour) for hour in load.hours],
        "busiest_minutes": [_slice(minute) for minute in load.busiest],
        "jobs": [_job(job) for job in load.jobs],
        "waits": [_waiting(waiting) for waiting in load.waits],
        "not_begun": [
            {
                "job": stuck.address,
                **_named(stuck, "reason", "count"),
                "since": format_instant(stuck.since_ms),
            }
            for stuck in load.stuck
        ],
        "passed_over": [_passed(passed) for passed in load.passed],
        "deadline_misses": [_miss(miss) for miss in load.misses],
        "overdue": [_silence(silence) for silence in load.silences],
    }


def circumstances_json(sourced: Sourced) -> dict[str, Any]:
    """What was simulated under."""
    scenario = sourced.scenario
    return {
        "slots": scenario.slots,
        "queues": dict(scenario.queues),
        "default_duration_ms": scenario.default_ms,
        "durations_ms": dict(scenario.durations),
        "durations_given": sourced.given,
        "durations_recorded": sourced.recorded,
        "durations_assumed": sourced.assumed,
        "runs_under_way": len(scenario.standing.begun),
        "workers": None if scenario.crews is None else [_crew(crew) for crew in scenario.crews],
        "queue_rules": {queue: _rule(rule) for queue, rule in sorted(scenario.rules.items())},
        "unserved_queues": list(sourced.unserved),
        "scheduler_alive": not sourced.is_unscheduled,
    }


def _crew(crew: Crew) -> dict[str, Any]:
    return {
        **_named(crew, "slots", "order"),
        "workers": list(crew.workers),
        "queues": list(crew.queues),
        "own_slots": dict(crew.own_slots),
    }


def _rule(rule: QueueRule) -> dict[str, Any]:
    count, span_ms = rule.rate or (None, None)
    return {"limit": rule.limit, "rate": count, "span_ms": span_ms, "aging_ms": rule.aging_ms}


def _named(one: object, *names: str) -> dict[str, Any]:
    """What is called the same here as there."""
    return {name: getattr(one, name) for name in names}


def _peak(peak: Peak) -> dict[str, Any]:
    return {"count": peak.count, "at": format_instant(peak.at_ms)}


def _slice(one: Slice) -> dict[str, Any]:
    return {"from": format_instant(one.from_ms), **_named(one, "made", "running", "waiting", "busy_ms")}


def _job(job: JobLoad) -> dict[str, Any]:
    return {
        "job": job.address,
        **_named(job, "runs", "failed", "unfinished", "late"),
        **{state: job.passed.get(state, 0) for state in ("skipped", "missed", "held")},
        **_named(job, "busy_ms", "waited_ms", "longest_wait_ms"),
    }


def _waiting(waiting: Waiting) -> dict[str, Any]:
    return {
        "job": waiting.address,
        **_named(waiting, "cause", "name"),
        "held_by": waiting.by or None,
        **_named(waiting, "count", "total_ms", "longest_ms"),
        "longest_from": format_instant(waiting.at_ms),
    }


def _miss(miss: DeadlineMiss) -> dict[str, Any]:
    return {
        "job": miss.address,
        "count": miss.count,
        "longest_over_ms": miss.over_ms,
        "longest_nominal": format_instant(miss.nominal_ms),
    }


def _silence(silence: Silence) -> dict[str, Any]:
    return {
        "job": silence.address,
        **_named(silence, "count", "longest_ms"),
        "longest_from": format_instant(silence.since_ms),
    }


def _passed(passed: PassedOver) -> dict[str, Any]:
    return {
        "job": passed.address,
        "state": passed.state,
        "reason": passed.reason,
        "count": passed.count,
        "first": format_instant(passed.first_ms),
        "last": format_instant(passed.last_ms),
    }
