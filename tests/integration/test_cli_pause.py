from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.core.runs.why import explain_run
from jobboard.store.boards import holds
from jobboard.store.calls import clocks
from jobboard.store.runs import past
from jobboard.store.runs.world import read_job_facts, read_world
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

HOURLY = {"cron": "0 * * * *"}
BY = {"actor": "luis", "via": "cli"}


def job(**more: Any) -> dict[str, Any]:
    return {"command": {"run": "true"}, **more}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": job(tags=["db"], schedule=HOURLY), "b": job()}, due={"a": 86_400_000})
    told_story.board("etl", {"c": job(tags=["db"])})
    return told_story


@pytest.mark.parametrize(
    ("words", "scope", "jobs"),
    [
        (["ops/a"], "job:ops/a", ["ops/a"]),
        (["c"], "job:etl/c", ["etl/c"]),
        (["ops"], "board:ops", ["ops/a", "ops/b"]),
        (["--tag", "db"], "tag:db", ["etl/c", "ops/a"]),
        (["--all"], "all", ["etl/c", "ops/a", "ops/b"]),
    ],
)
def test_each_scope_is_held_and_resumed(
    store: Store,
    story: Story,
    capsys: pytest.CaptureFixture[str],
    *,
    words: list[str],
    scope: str,
    jobs: list[str],
) -> None:
    said = asked(store, capsys, "pause", *words, "--reason", "vendor")
    assert (said["scope"], said["jobs"], said["until"]) == (scope, jobs, None)
    (hold,) = holds.read_holds(store, clocks.now_ms(store))[scope]
    assert (hold.by, hold.reason) == ("ana", "vendor")
    said = asked(store, capsys, "resume", *words)
    assert (said["scope"], said["ended"], said["still"]) == (scope, 1, [])
    assert holds.read_holds(store, clocks.now_ms(store)) == {}


def test_it_says_what_is_held_what_goes_on_and_how_to_end_it(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.runs.start_run("ops/b", by="ana")
    assert told(store, capsys, "pause", "ops").splitlines() == [
        "board ops is paused (2 jobs).",
        "1 that had not started stays where it is until the hold ends.",
        "jobboard resume ops ends the hold.",
    ]
    assert told(store, capsys, "pause", "--all").startswith("Everything is paused (3 jobs).")
    assert "jobboard resume --tag db" in told(store, capsys, "pause", "--tag", "db")


def test_a_hold_may_end_by_itself(
    store: Store, story: Story, clock: StoreClock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.set(1_795_600_800_000)
    assert told(store, capsys, "pause", "a", "--for", "2h").startswith("ops/a is paused until Wed 12:00")
    said = asked(store, capsys, "pause", "b", "--until", "2026-11-26T09:00+01:00")
    assert said["until"] == "2026-11-26T08:00:00Z"
    clock.advance(3 * 3_600_000)
    assert "job:ops/a" not in holds.read_holds(store, clocks.now_ms(store))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name one"),
        (["a", "--all"], "name one"),
        (["--tag", "a b"], "cannot be a tag"),
        (["nothing"], "there is no job nothing"),
        (["a", "--for", "5"], "5 of what?"),
        (["a", "--for", "0s"], "is not ahead"),
        (["a", "--until", "1999-01-01"], "is not ahead"),
        (["a", "--until", "tomorrow"], "is no instant"),
        (["a", "--until", "2999-01-01", "--for", "1h"], "two ways to say one thing"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_held(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert jobboard(store, "pause", *words) == 64
    assert sentence in capsys.readouterr().err
    assert holds.read_holds(store, clocks.now_ms(store)) == {}


def test_resume_names_what_still_holds(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    holds.pause(store, "tag:db", by={"actor": "luis"}, reason=None, until_ms=None)
    assert jobboard(store, "pause", "a") == 0
    capsys.readouterr()
    out = told(store, capsys, "resume", "a")
    assert out.splitlines() == [
        "ops/a goes on.",
        "But ops/a is still held by the hold on tag db (luis): jobboard resume --tag db",
    ]
    assert told(store, capsys, "resume", "ops").splitlines() == [
        "board ops was not paused.",
        "But some of it is still held by the hold on tag db (luis): jobboard resume --tag db",
    ]
    said = asked(store, capsys, "resume", "a")
    assert (said["ended"], [hold["scope"] for hold in said["still"]]) == (0, ["tag:db"])


def test_resume_says_what_comes_next(store: Store, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert jobboard(store, "pause", "ops") == 0
    capsys.readouterr()
    out = told(store, capsys, "resume", "ops")
    assert out.splitlines() == ["board ops goes on.", "Next: ops/a 1970-01-02 00:00."]
    assert asked(store, capsys, "resume", "ops")["next_due"] == "1970-01-02T00:00:00Z"


def test_one_name_for_a_board_and_a_job_is_not_guessed(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.board("twin", {"twin": job()})
    assert jobboard(store, "pause", "twin") == 64
    assert "twin/twin for the job, twin/ for the board" in capsys.readouterr().err
    assert asked(store, capsys, "pause", "twin/")["scope"] == "board:twin"
    assert asked(store, capsys, "resume", "twin/")["ended"] == 1


def test_resume_says_whose_hold_it_ended(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    holds.pause(store, "job:ops/a", by=BY, reason="vendor", until_ms=None)
    told(store, capsys, "pause", "ops/a")
    said = told(store, capsys, "resume", "ops/a")
    assert 'That ended the hold of luis: "vendor".' in said
    assert "ana" not in said


class TestWhatIsUnfinished:
    """Under a hold what runs goes on, and what had not started stays where it is."""

    def test_a_queued_run_waits_for_the_end_of_the_hold(self, store: Store, story: Story) -> None:
        run_id = story.runs.start_run("ops/b", by="ana")
        holds.pause(store, "job:ops/b", by=BY, reason="r", until_ms=None)
        story.worker()
        assert story.reserve() == []
        assert state(store, run_id) == "delayed"
        assert check(store) == []
        assert "the hold on ops/b keeps it from starting" in why(store, run_id)
        holds.resume(store, "job:ops/b", by=BY)
        story.scheduler()
        assert [run.run_id for run in story.reserve()] == [run_id]
        assert not store.client.exists(store.key("halted"))
        assert check(store) == []

    def test_another_hold_keeps_it_still(self, store: Store, story: Story) -> None:
        run_id = story.runs.start_run("ops/a", by="ana")
        for scope in ("board:ops", "tag:db"):
            holds.pause(store, scope, by=BY, reason="r", until_ms=None)
        story.worker()
        assert story.reserve() == []
        holds.resume(store, "board:ops", by=BY)
        story.scheduler()
        assert story.reserve() == []
        holds.resume(store, "tag:db", by=BY)
        story.scheduler()
        assert [run.run_id for run in story.reserve()] == [run_id]

    def test_a_hold_that_ends_by_itself_lets_it_go(
        self, store: Store, story: Story, clock: StoreClock
    ) -> None:
        run_id = story.runs.start_run("ops/b", by="ana")
        holds.pause(store, "all", by=BY, reason="r", until_ms=clock.now() + 5_000)
        story.worker()
        assert story.reserve() == []
        clock.advance(5_000)
        story.scheduler()
        assert [run.run_id for run in story.reserve()] == [run_id]

    def test_one_that_is_called_off_is_forgotten(self, store: Store, story: Story) -> None:
        run_id = story.runs.start_run("ops/b", by="ana")
        holds.pause(store, "job:ops/b", by=BY, reason="r", until_ms=None)
        story.worker()
        assert story.reserve() == []
        assert story.runs.cancel(run_id, "ana") == "CANCELLED"
        assert not store.client.exists(store.key("halted"))
        assert check(store) == []

    def test_what_comes_after_it_in_the_queue_is_not_kept(self, store: Store, story: Story) -> None:
        story.runs.start_run("ops/b", by="ana")
        other = story.runs.start_run("etl/c", by="ana")
        holds.pause(store, "job:ops/b", by=BY, reason="r", until_ms=None)
        story.worker()
        assert [run.run_id for run in story.reserve()] == [other]

    def test_a_forced_run_starts_all_the_same(self, store: Store, story: Story) -> None:
        holds.pause(store, "job:ops/b", by=BY, reason="r", until_ms=None)
        run_id = story.runs.start_run("ops/b", by="ana", force=True)
        story.worker()
        assert [run.run_id for run in story.reserve()] == [run_id]

    def test_what_runs_goes_on_or_is_stopped(
        self, store: Store, story: Story, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run_id = story.runs.start_run("ops/b", by="ana")
        story.worker()
        story.reserve()
        assert "1 running run goes on; --stop would end them." in told(store, capsys, "pause", "ops")
        assert state(store, run_id) == "running"
        said = asked(store, capsys, "pause", "ops", "--stop")
        assert (said["running"], said["stopping"], said["waiting"]) == ([run_id], True, [])
        assert state(store, run_id) == "stopping"
        assert "1 run is being stopped" in told(store, capsys, "pause", "ops", "--stop")

    def test_fsck_knows_what_a_hold_keeps(self, store: Store, story: Story) -> None:
        store.client.sadd(store.key("halted"), "ops/b@x")
        assert [p.words for p in repair(store)] == ["is kept by a hold and not among the delayed"]
        assert check(store) == []


def state(store: Store, run_id: str) -> str:
    run = past.read_run(store, run_id)
    assert run is not None
    return run.state


def why(store: Store, run_id: str) -> str:
    run = past.read_run(store, run_id)
    assert run is not None
    now_ms = clocks.now_ms(store)
    facts = read_job_facts(store, run.job, now_ms)
    return explain_run(run, facts, read_world(store, now_ms, [run])).headline


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ops/a"], "ops/a is paused"),
        (["ops"], "board ops is paused"),
        (["--tag", "db"], "tag db is paused"),
        (["--queue", "common"], "queue common is paused"),
        (["--all"], "everything is paused"),
    ],
)
def test_every_plan_shows_a_hold_and_no_sync_ends_it(project: Project, words: list[str], said: str) -> None:
    jobs = 'a: {run: x, cron: "0 2 * * *", tags: [db]}'
    project.board("ops", jobs)
    project.sync()
    project.ok("pause", *words, "--reason", "vendor")
    before = holds.read_holds(project.store, clocks.now_ms(project.store))
    for text in (jobs, jobs.replace("run: x", "run: y"), 'b: {run: x, cron: "0 4 * * *", tags: [db]}', jobs):
        project.board("ops", text)
        planned = project.run("plan", "-o", "text", "-o", "markdown=plan.md").out
        assert f'{said} (ana: "vendor")' in planned
        assert said in (project.folder / "plan.md").read_text()
        project.sync()
    assert holds.read_holds(project.store, clocks.now_ms(project.store)) == before
    project.ok("resume", *words)
    assert "is paused" not in project.ok("plan").out


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        (["--tag", "db1"], "No job has the tag db1: did you mean db?\n"),
        (["--queue", "nope"], "No run has been in a queue nope, and nobody serves it.\n"),
    ],
)
def test_a_hold_on_what_nobody_knows_says_so(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str], *, words: list[str], remark: str
) -> None:
    said = told(store, capsys, "pause", *words)
    assert "is paused (0 jobs).\n" + remark in said
    assert remark not in told(store, capsys, "pause", "--tag", "db")


def test_a_mistyped_board_is_answered_with_what_was_meant(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobboard(store, "pause", "opps") == 64
    said = capsys.readouterr().err
    assert "there is no job or board opps" in said
    assert "did you mean ops?" in said
