"""What an unfinished run is doing or waiting for, in words, and the command that shows more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.names import RESERVED, split_address, worker_for
from jobboard.core.runs.facts import Finding
from jobboard.core.runs.record import Record
from jobboard.core.scope import resume_command, scope_text
from jobboard.core.times.instant import format_instant
from jobboard.core.times.moment import brief_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.facts import Closed, Hold, JobFacts, Join, World


def present_of(facts: JobFacts, run: Record, world: World) -> Finding:
    """What an unfinished run of a job is about at the moment."""
    text, command = {
        "queued": _queued,
        "waiting": _waiting,
        "delayed": _delayed,
        "blocked": _blocked,
        "running": _running,
        "stopping": _stopping,
    }[run.state](facts, run, world)
    return Finding(run.nominal_ms, run.state, text, command)


def joining(address: str, joins: Sequence[Join]) -> list[Record]:
    """What is still to become a run of a job, as records without a run; the newest first."""
    return [
        Record(address, "blocked", join.nominal_ms, needs=tuple(f"{parent}@{at}" for parent in join.missing))
        for join in reversed(joins)
        for at in (format_instant(join.nominal_ms),)
    ]


def _queued(facts: JobFacts, run: Record, world: World) -> tuple[str, str | None]:
    queue = run.queue or "common"
    serving = world.serving(queue)
    if not serving:
        return f'no worker serves queue "{queue}"', worker_command(queue)
    place = _place(world.ahead.get(run.run_id, 0))
    if queue in world.closed:
        return _closed(facts, queue, world.closed[queue], place, world)
    if not any(worker.free(queue) for worker in serving):
        busy = "its worker has" if len(serving) == 1 else f"all {len(serving)} workers have"
        of_it = " for it" if any(worker.held < worker.slots for worker in serving) else ""
        return f'queue "{queue}": {busy} no slot free{of_it}; {place}', None
    return f'queue "{queue}": {place}', None


def _closed(facts: JobFacts, queue: str, why: Closed, place: str, world: World) -> tuple[str, str | None]:
    if why.hold:
        hold = hold_text(facts, why.scope, why.hold, world)
        return f"{hold}; {place}", resume_command(why.scope)
    if why.limit is not None:
        return f'queue "{queue}": {why.limit} of it run, and no more may at once; {place}', "jobboard queues"
    opens = world.brief(why.opens_at_ms or world.now_ms, facts.zone)
    return f'queue "{queue}": its rate is used up until {opens}; {place}', "jobboard queues"


def hold_text(facts: JobFacts, scope: str, hold: Hold, world: World) -> str:
    """Who paused what, since when, until when and why."""
    since = world.brief(hold.at_ms, facts.zone)
    until = f" until {world.brief(hold.until_ms, facts.zone)}" if hold.until_ms is not None else ""
    reason = f': "{hold.reason}"' if hold.reason else ""
    return f"{scope_text(scope)} is paused by {hold.by} since {since}{until}{reason}"


def _place(ahead: int) -> str:
    return "next in line" if not ahead else f"{ahead} run{'s come' if ahead > 1 else ' comes'} first"


def _waiting(facts: JobFacts, run: Record, world: World) -> tuple[str, str | None]:
    lock = run.lock or ""
    holders = world.holders.get(lock, ())
    if not holders:
        return f'for lock "{lock}", which is being handed over', None
    first = holders[0]
    more = f" and {len(holders) - 1} more" if len(holders) > 1 else ""
    on = f" on {first.worker}" if first.worker else ""
    held = f'lock "{lock}" is held by {first.run_id}{on}{since_text(facts, first, world)}{more}'
    return held, f"jobboard show {first.run_id}"


def _delayed(facts: JobFacts, run: Record, world: World) -> tuple[str, str | None]:
    until = world.brief(run.due_at_ms, facts.zone) if run.due_at_ms is not None else "later"
    last = run.tries[-1] if run.tries else None
    if last is not None and last.state == "defer":
        return f"until {until}, deferred by the command itself ({last.reason})", None
    if facts.holds and last is None:
        scope = next(iter(facts.holds))
        return f"the hold on {scope_text(scope)} keeps it from starting", resume_command(scope)
    if last is None and run.attempt == 1:
        return f"until {until}", None
    reason = f" after {last.reason}" if last is not None and last.reason else ""
    return f"until {until}, for try {run.attempt}{reason}", f"jobboard logs {run.run_id}"


def _blocked(facts: JobFacts, run: Record, world: World) -> tuple[str, str | None]:
    if not run.needs:
        return "its turn comes when the runs before it have ended", f"jobboard runs {facts.job}"
    more = f" and {len(run.needs) - 1} more" if len(run.needs) > 1 else ""
    until_ms = run.waits_until_ms
    until = "" if until_ms is None else f", until {world.brief(until_ms, facts.zone)} at the latest"
    # A run that a gate waits for may still have to be made; its job is there.
    job = run.needs[0].partition("@")[0].partition(" ")[0]
    what = run.needs[0] if split_address(job)[0] in RESERVED else job
    return f"waiting for {run.needs[0]}{more}{until}", f"jobboard why {what}"


def _running(facts: JobFacts, run: Record, world: World) -> tuple[str, str | None]:
    on = f"on {run.worker}" if run.worker else "on a worker"
    said = f": {run.progress}" if run.progress else ""
    return f"{on}{since_text(facts, run, world)}{said}", f"jobboard logs -f {run.run_id}"


def _stopping(_: JobFacts, run: Record, __: World) -> tuple[str, str | None]:
    return f"called off by {run.by or 'somebody'}; its worker has been told", None


def since_text(facts: JobFacts, run: Record, world: World) -> str:
    """`` since 05:10, usually 22m``; the usual time only for a run of the job itself."""
    if run.started_at_ms is None:
        return ""
    text = f" since {world.brief(run.started_at_ms, facts.zone)}"
    usual_ms = facts.usual_ms if run.job == facts.job else None
    return f"{text}, usually {brief_span(usual_ms)}" if usual_ms is not None else text


def is_stranded(run: Record, world: World) -> bool:
    """Whether a run is queued where nobody looks."""
    return run.state == "queued" and not world.serving(run.queue or "common")


def worker_command(queue: str) -> str:
    """What to type so that somebody serves a queue."""
    return worker_for(queue)
