from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jobboard.core.runs.facts import Closed, Hold, JobFacts, Worker, World
from jobboard.core.runs.record import Record, Try
from jobboard.core.runs.why import explain_job, explain_run

HOUR = 3_600_000
NOW = 1_795_600_800_000
"""Wed 25 Nov 2026 10:00 UTC."""
HOURLY = {"command": {"run": "x"}, "schedule": {"cron": "0 * * * *"}}
BY_HAND: dict[str, Any] = {"command": {"run": "x"}}
ALIVE = {"sched-1": NOW - 500}
WORKER = Worker("web-1", "web", ("common",), 2, 0, NOW + 30_000)
WORLD = World(NOW, schedulers=ALIVE, workers=(WORKER,))


def ran(hours_ago: int, state: str = "ok", took_ms: int = 60_000, **more: Any) -> Record:
    at = NOW - hours_ago * HOUR
    run_id = f"ops/a@{hours_ago}"
    times = {"started_at_ms": at, "ended_at_ms": at + took_ms}
    return Record("ops/a", state, at, run_id, **{**times, **more})


def live(state: str, **more: Any) -> Record:
    return Record("ops/a", state, NOW - HOUR, "ops/a@live", queue="common", **more)


def passed(state: str, reason: str, **more: Any) -> Record:
    return Record("ops/a", state, NOW - HOUR, reason=reason, **more)


def facts(**more: Any) -> JobFacts:
    return JobFacts("ops/a", **{"spec": HOURLY, "due_at_ms": NOW + HOUR, **more})


def test_a_job_that_ran_well_says_so_and_asks_for_nothing() -> None:
    said = explain_job(facts(records=[ran(1)]), WORLD)
    assert said.headline == "ops/a ran last at Wed 09:00: ok."
    assert [(f.state, f.text) for f in said.findings] == [("ok", "1m")]
    assert (said.outlook, said.advice, said.command) == ("Next: Wed 11:00.", None, None)


def test_a_run_that_was_let_go_has_run() -> None:
    said = explain_job(facts(records=[ran(1, "skipped", reason="not now: exit 75")]), WORLD)
    assert said.headline == "ops/a ran last at Wed 09:00: skipped, not now: exit 75."


def test_a_run_that_was_called_off_says_by_whom_and_only_once() -> None:
    said = explain_job(facts(records=[ran(1, "cancelled", reason="cancelled", by="ana")]), WORLD)
    assert said.headline == "ops/a ran last at Wed 09:00: cancelled by ana."


def test_records_are_told_oldest_first_and_only_the_newest() -> None:
    said = explain_job(facts(records=[ran(hours) for hours in range(1, 15)]), WORLD)
    nominals = [f.at_ms or 0 for f in said.findings]
    assert nominals == sorted(nominals)
    assert nominals[-1] == NOW - HOUR
    assert len(nominals) == 6


def test_an_overlap_names_the_run_in_the_way_since_when_and_what_is_usual() -> None:
    blocker = live("running", started_at_ms=NOW - 3 * HOUR, worker="web-1")
    skipped = passed("skipped", "overlap: ops/a@live has not finished")
    said = explain_job(facts(live=[blocker], records=[skipped, ran(5)]), WORLD)
    assert said.headline == "ops/a is running since Wed 07:00, usually 1m."
    overlap = said.findings[1]
    assert overlap.text == "overlap: ops/a@live was still unfinished (since Wed 07:00, usually 1m)"
    assert overlap.command == "jobboard show ops/a@live"
    assert said.advice == "A timeout would have helped: none is set."
    assert said.command == "jobboard set ops/a timeout=4m"


def test_no_timeout_is_advised_where_there_is_one() -> None:
    skipped = passed("skipped", "overlap: ops/a@live has not finished")
    said = explain_job(facts(spec={**HOURLY, "timeout": 1000}, records=[skipped, ran(5)]), WORLD)
    assert said.advice is None


def test_a_parent_that_failed_is_where_to_look() -> None:
    said = explain_job(
        facts(
            spec={**BY_HAND, "after": ["ops/p"]},
            due_at_ms=None,
            records=[passed("skipped", "after: ops/p failed")],
        ),
        WORLD,
    )
    assert said.findings[0].command == "jobboard why ops/p"
    assert said.outlook == "It runs after ops/p."


def test_nominals_of_one_reason_are_counted() -> None:
    missed = passed("missed", "no scheduler looked in time", count=3, first_ms=NOW - 3 * HOUR)
    said = explain_job(facts(records=[missed]), WORLD)
    assert said.findings[0].text == "no scheduler looked in time (3 nominals from Wed 07:00)"


def test_a_lock_names_its_holder() -> None:
    holder = Record("etl/import", "running", NOW, "etl/import@1", worker="web-2", started_at_ms=NOW - HOUR)
    other = replace(holder, run_id="etl/import@2")
    world = replace(WORLD, holders={"db": [holder, other]})
    said = explain_job(facts(live=[live("waiting", lock="db")], records=[ran(2)]), world)
    waiting = said.findings[-1]
    assert waiting.text == 'lock "db" is held by etl/import@1 on web-2 since Wed 09:00 and 1 more'
    assert waiting.command == "jobboard show etl/import@1"
    assert said.headline == "ops/a has not run since Wed 08:00."


def test_a_lock_nobody_holds_is_being_handed_over() -> None:
    said = explain_run(live("waiting", lock="db"), facts(), WORLD)
    assert "being handed over" in said.headline


@pytest.mark.parametrize(
    ("workers", "ahead", "text"),
    [
        ((), 0, 'no worker serves queue "common"'),
        ((replace(WORKER, lease_until_ms=NOW - 1),), 0, 'no worker serves queue "common"'),
        ((replace(WORKER, queues=("gpu",)),), 0, 'no worker serves queue "common"'),
        ((WORKER,), 0, 'queue "common": next in line'),
        ((WORKER,), 1, 'queue "common": 1 run comes first'),
        ((replace(WORKER, held=2),), 3, 'queue "common": its worker has no slot free; 3 runs come first'),
        (
            (replace(WORKER, held=2), replace(WORKER, held=3)),
            0,
            'queue "common": all 2 workers have no slot free; next in line',
        ),
        (
            (replace(WORKER, held=1, own_slots={"common": 1}, held_of={"common": 1}),),
            0,
            'queue "common": its worker has no slot free for it; next in line',
        ),
        (
            (replace(WORKER, held=1, own_slots={"common": 1}, held_of={"other": 1}),),
            0,
            'queue "common": next in line',
        ),
    ],
)
def test_a_queued_run_says_what_it_waits_for(workers: tuple[Worker, ...], ahead: int, text: str) -> None:
    run = live("queued")
    said = explain_run(run, facts(), replace(WORLD, workers=workers, ahead={run.run_id: ahead}))
    assert said.headline == f"ops/a@live is queued: {text}."
    assert said.command == ("jobboard worker" if text.startswith("no worker") else None)


@pytest.mark.parametrize(
    ("closed", "text", "command"),
    [
        (
            Closed("queue:common", Hold("luis", NOW - HOUR, "disk")),
            'queue common is paused by luis since Wed 09:00: "disk"; next in line',
            "jobboard resume --queue common",
        ),
        (
            Closed(limit=2),
            'queue "common": 2 of it run, and no more may at once; next in line',
            "jobboard queues",
        ),
        (
            Closed(opens_at_ms=NOW + HOUR),
            'queue "common": its rate is used up until Wed 11:00; next in line',
            "jobboard queues",
        ),
    ],
)
def test_a_queue_that_lets_nothing_go_says_why(closed: Closed, text: str, command: str) -> None:
    said = explain_run(live("queued"), facts(), replace(WORLD, closed={"common": closed}))
    assert said.headline == f"ops/a@live is queued: {text}."
    assert said.command == command


def test_what_failed_names_how_it_runs_again() -> None:
    failed = ran(1, "failed", reason="exit 3")
    assert explain_run(failed, facts(), WORLD).retry == "jobboard retry ops/a@1"
    assert explain_job(facts(records=[failed]), WORLD).retry == "jobboard retry ops/a@1"
    assert explain_job(facts(records=[failed], live=[live("queued")]), WORLD).retry is None
    assert explain_job(facts(records=[ran(1)]), WORLD).retry is None
    gone = JobFacts("ops/a", None, records=[failed])
    assert explain_run(failed, gone, WORLD).retry is None
    pushed = replace(failed, job="push/common", run_id="push/common@1")
    said = explain_run(pushed, JobFacts("push/common", None, records=[pushed]), WORLD)
    assert said.retry == "jobboard retry push/common@1"


def test_pushed_commands_have_no_job_and_miss_none() -> None:
    run = replace(live("queued"), job="push/common", run_id="push/common@1")
    said = explain_job(JobFacts("push/common", None, live=[run]), WORLD)
    assert (said.headline, said.outlook, said.command) == ("push/common has not run yet.", None, None)
    said = explain_job(JobFacts("push/common", None, live=[run]), replace(WORLD, workers=()))
    assert said.command == "jobboard worker"
    failed = replace(ran(1, "failed", reason="exit 3"), job="push/common", run_id="push/common@1")
    said = explain_job(JobFacts("push/common", None, records=[failed]), WORLD)
    assert said.headline == "push/common ran last at Wed 09:00: failed, exit 3."
    assert (said.command, said.retry) == ("jobboard logs push/common@1", "jobboard retry push/common@1")


def test_a_queue_without_worker_comes_before_any_other_advice() -> None:
    hold = Hold("luis", NOW - HOUR)
    run = replace(live("queued"), queue="gpu")
    said = explain_job(facts(live=[run], holds={"all": [hold]}), WORLD)
    assert said.command == "jobboard worker --queue gpu"


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (Try(1, "retry", reason="exit 3"), "until Wed 11:00, for try 2 after exit 3"),
        (Try(1, "defer", reason="exit 75"), "until Wed 11:00, deferred by the command itself (exit 75)"),
    ],
)
def test_a_delayed_run_says_until_when_and_why(one: Try, text: str) -> None:
    said = explain_run(live("delayed", tries=(one,), attempt=2, due_at_ms=NOW + HOUR), facts(), WORLD)
    assert said.headline == f"ops/a@live is delayed: {text}."


def test_a_run_that_is_stopping_names_who_called_it_off() -> None:
    assert "called off by luis" in explain_run(live("stopping", by="luis"), facts(), WORLD).headline


def test_a_running_run_can_be_followed() -> None:
    said = explain_run(live("running", worker="web-1", started_at_ms=NOW - 1), facts(), WORLD)
    assert said.command == "jobboard logs -f ops/a@live"


def test_nothing_fires_without_a_scheduler() -> None:
    never = explain_job(facts(), replace(WORLD, schedulers={}))
    assert never.findings[-1].text == "no scheduler is running, so nothing fires"
    assert never.command == "jobboard scheduler"
    gone = explain_job(facts(due_at_ms=NOW - HOUR), replace(WORLD, schedulers={"s": NOW - HOUR}))
    assert gone.findings[-1].text == "no scheduler is running; s was seen last at Wed 09:00"
    assert gone.outlook == "It was due at Wed 09:00."


def test_a_job_by_hand_needs_no_scheduler() -> None:
    said = explain_job(facts(spec=BY_HAND, due_at_ms=None), replace(WORLD, schedulers={}))
    assert said.findings == ()
    assert said.outlook == "It has no schedule and is run by hand."
    assert said.command == "jobboard run ops/a"


def test_a_hold_is_named_with_who_since_until_and_why() -> None:
    hold = Hold("luis", NOW - HOUR, "vendor outage", NOW + 3 * HOUR)
    said = explain_job(facts(holds={"tag:db": [hold]}), WORLD)
    expected = 'tag db is paused by luis since Wed 09:00 until Wed 13:00: "vendor outage"'
    assert said.findings[-1].text == expected
    assert said.outlook == "Next: Wed 11:00, which the hold will keep from running."
    assert said.command == "jobboard resume --tag db"


def test_a_hold_that_ends_before_the_next_nominal_does_not_keep_it() -> None:
    hold = Hold("luis", NOW - HOUR, "", NOW + 1)
    assert explain_job(facts(holds={"all": [hold]}), WORLD).outlook == "Next: Wed 11:00."


def test_a_disabled_job_says_how_to_enable_it() -> None:
    said = explain_job(facts(spec={**HOURLY, "enabled": False}, due_at_ms=None), WORLD)
    assert said.findings[0].state == "disabled"
    assert said.outlook is None
    assert said.command == "jobboard set ops/a enabled=true"


def test_a_schedule_that_has_ended_never_fires_again() -> None:
    said = explain_job(facts(due_at_ms=None, completed=True), WORLD)
    assert said.headline == "ops/a has not run yet."
    assert said.outlook == "Its schedule has come to its end; it never fires again."


def test_a_job_that_is_gone_says_so() -> None:
    said = explain_job(JobFacts("ops/a", None, records=[ran(1)]), WORLD)
    assert said.headline == "ops/a is on no board any more."
    assert said.outlook == "It will not run again."


@pytest.mark.parametrize(
    ("run", "retries", "headline", "outlook", "advice"),
    [
        (ran(1), {}, "ops/a@1 ended well after 1m.", None, None),
        (
            ran(1, "failed", exit_code=3, reason="exit 3"),
            {},
            "ops/a@1 failed: exit 3 after 1m.",
            "It was not tried again: the job has no retries.",
            None,
        ),
        (
            ran(1, "failed", exit_code=127, reason="exit 127", attempt=3),
            {"max": 2},
            "ops/a@1 failed: exit 127 after 1m.",
            "That was try 3 of 3, the last.",
            "Exit code 127: the command was not found.",
        ),
        (
            ran(1, "failed", signal="SIGKILL", reason="signal SIGKILL"),
            {"max": 2, "on": [3]},
            "ops/a@1 failed: signal SIGKILL after 1m.",
            "It was not tried again: retries.on does not cover signal SIGKILL.",
            "SIGKILL: killed from outside, perhaps for want of memory.",
        ),
        (
            ran(1, "failed", reason="timeout after 1m"),
            {},
            "ops/a@1 failed: timeout after 1m.",
            "It was not tried again: the job has no retries.",
            "It usually takes 1m.",
        ),
        (
            ran(1, "cancelled", reason="cancelled by luis"),
            {},
            "ops/a@1 was cancelled by luis after 1m.",
            None,
            None,
        ),
        (
            ran(1, "cancelled", reason="cancelled", by="luis"),
            {},
            "ops/a@1 was cancelled by luis after 1m.",
            None,
            None,
        ),
        (
            ran(1, "lost", reason="worker lost", lost=1),
            {},
            "ops/a@1 was lost: worker lost after 1m.",
            None,
            "Its worker died or was cut off; on_lost says what that means for the run.",
        ),
    ],
)
def test_a_run_that_is_over_says_how_it_ended(
    run: Record, retries: dict[str, Any], headline: str, outlook: str | None, advice: str | None
) -> None:
    spec = {**HOURLY, "retries": retries} if retries else HOURLY
    said = explain_run(run, facts(spec=spec, records=[run, ran(2)]), WORLD)
    assert (said.headline, said.outlook, said.advice) == (headline, outlook, advice)
    assert said.command == "jobboard logs ops/a@1"


def test_a_run_tells_its_tries() -> None:
    run = ran(1, attempt=2, tries=(Try(1, "retry", reason="exit 3", ended_at_ms=NOW),))
    assert [(f.state, f.text) for f in explain_run(run, facts(), WORLD).findings] == [
        ("failed", "try 1: exit 3")
    ]


def test_a_failure_is_followed_by_its_output() -> None:
    said = explain_job(facts(records=[ran(1, "failed", reason="exit 3", exit_code=3, attempt=2)]), WORLD)
    assert said.headline == "ops/a ran last at Wed 09:00: failed, exit 3."
    assert said.findings[0].text == "exit 3 after 1m, in try 2"
    assert said.command == "jobboard logs ops/a@1"


def test_an_overlong_run_without_timeout_is_advised_one() -> None:
    run = live("running", started_at_ms=NOW - HOUR, worker="web-1")
    assert explain_run(run, facts(records=[ran(2)]), WORLD).command == "jobboard set ops/a timeout=4m"
