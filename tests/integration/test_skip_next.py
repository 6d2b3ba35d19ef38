"""The next runs of a job passed over, once: by the clock or after a parent, kept by every sync, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.project import Project, dump_of
from kit.story import Story

from jobboard.store.boards.holds import pause
from jobboard.store.boards.skips import read_skips, skip_next
from jobboard.store.runs.past import last_records
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

BY = {"actor": "luis", "via": "cli"}
MINUTE = 60_000
HOURLY = {"command": {"run": "x"}, "schedule": {"cron": "0 * * * *"}}
AFTER = {"command": {"run": "x"}, "after": ["ops/a"]}


@pytest.fixture
def story(store: Store, clock: StoreClock) -> Story:
    told = Story(store)
    told.board("ops", {"a": HOURLY, "b": AFTER, "c": {"command": {"run": "x"}}}, due={"a": clock.now()})
    return told


def fire(story: Story, clock: StoreClock, count: int = 1) -> list[str]:
    """Decide the next nominals of ops/a, a minute apart; how each went."""
    tags = []
    for _ in range(count):
        now = clock.now()
        tag, run = story.fire("ops/a", now, next_due_ms=now + MINUTE)
        tags.append(tag)
        if run is not None:
            story.worker()
            (taken,) = story.reserve()
            story.finish(taken)
            for child in story.reserve():
                story.finish(child)
        clock.advance(MINUTE)
    return tags


def states(story: Story, address: str) -> list[tuple[str, str | None, int]]:
    return [(r.state, r.reason, r.count) for r in last_records(story.store, address)]


class TestFire:
    def test_the_next_is_skipped_once_and_its_children_with_it(self, story: Story, clock: StoreClock) -> None:
        assert skip_next(story.store, "ops/a", 1, by=BY, reason="the disk moves") == 0
        assert fire(story, clock, 2) == ["SKIPPED", "FIRED"]
        (ran, skipped) = states(story, "ops/a")
        assert ran[0] == "ok"
        assert skipped == ("skipped", "skip-next by luis: the disk moves", 1)
        assert states(story, "ops/b")[1] == ("skipped", "after: ops/a skipped", 1)
        assert read_skips(story.store) == {}
        assert check(story.store) == []

    def test_several_are_one_record(self, story: Story, clock: StoreClock) -> None:
        skip_next(story.store, "ops/a", 3, by=BY, reason=None)
        assert fire(story, clock, 2) == ["SKIPPED", "SKIPPED"]
        assert read_skips(story.store)["ops/a"].left == 1
        assert fire(story, clock, 2) == ["SKIPPED", "FIRED"]
        assert states(story, "ops/a")[1] == ("skipped", "skip-next by luis", 3)

    def test_what_would_not_run_anyway_does_not_count(self, story: Story, clock: StoreClock) -> None:
        skip_next(story.store, "ops/a", 1, by=BY, reason=None)
        pause(story.store, "job:ops/a", by=BY, reason="r", until_ms=clock.now() + MINUTE)
        assert fire(story, clock) == ["HELD"]
        running = story.runs.start_run("ops/a", by="ana")
        story.worker()
        (run,) = story.reserve()
        assert run.run_id == running
        now = clock.now()
        assert story.fire("ops/a", now, next_due_ms=now + MINUTE) == ("SKIPPED", None)
        assert read_skips(story.store)["ops/a"].left == 1
        story.finish(run)
        clock.advance(MINUTE)
        assert fire(story, clock, 2) == ["SKIPPED", "FIRED"]

    def test_a_limited_number_of_runs_is_not_used_up(self, store: Store, clock: StoreClock) -> None:
        story = Story(store)
        limited = {**HOURLY, "schedule": {**HOURLY["schedule"], "runs": 1}}
        story.board("ops", {"a": limited}, due={"a": clock.now()})
        skip_next(store, "ops/a", 1, by=BY, reason=None)
        assert fire(story, clock, 2) == ["SKIPPED", "FIRED"]

    def test_a_child_alone(self, story: Story, clock: StoreClock) -> None:
        skip_next(story.store, "ops/b", 1, by=BY, reason="later")
        assert fire(story, clock, 2) == ["FIRED", "FIRED"]
        assert [row[0] for row in states(story, "ops/b")] == ["ok", "skipped"]
        assert states(story, "ops/b")[1][1] == "skip-next by luis: later"

    def test_a_run_by_hand_is_none_of_them(self, story: Story) -> None:
        skip_next(story.store, "ops/a", 1, by=BY, reason=None)
        assert story.runs.start_run("ops/a", by="ana")
        assert read_skips(story.store)["ops/a"].left == 1


class TestCommand:
    def test_it_says_what_will_be(self, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
        store = story.store
        assert "The next run of ops/a is skipped;" in told(store, capsys, "skip-next", "a")
        assert "next 3 runs of ops/a are skipped, instead of 1" in told(
            store, capsys, "skip-next", "ops/a", "--count", "3"
        )
        assert asked(store, capsys, "skip-next", "a", "--clear") == {"job": "ops/a", "left": 0, "before": 3}
        assert "nothing was asked for" in told(store, capsys, "skip-next", "a", "--clear")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("c",), "is run by hand"),
            (("nobody",), "there is no job"),
            (("a", "--count", "0"), "from 1 to"),
            (("a", "--count", "x"), "--count"),
            (("a", "--count", "2", "--clear"), "leave one of them out"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, story: Story, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
    ) -> None:
        before = dump_of(story.store)
        assert jobboard(story.store, "skip-next", *words) == 64
        assert said in capsys.readouterr().err
        assert dump_of(story.store) == before


class TestShown:
    @pytest.fixture(autouse=True)
    def _board(self, project: Project) -> None:
        project.board("ops", 'backup: {run: x, cron: "0 2 * * *"}')
        project.sync()
        project.ok("skip-next", "backup", "--count", "2", "--reason", "moving")

    def test_wherever_a_job_is(self, project: Project) -> None:
        words = 'the next 2 runs are skipped (ana: "moving")'
        assert words in project.ok("show", "backup").out
        assert words in project.ok("why", "backup").out
        assert "which will be skipped" in project.ok("why", "backup").out
        assert words in project.ok("plan").out
        assert "skipping" in project.ok("ls").out
        assert project.plan()["skips"]["ops/backup"]["left"] == 2
        assert project.ok("ls", "-o", "json").json["jobs"][0]["skip"]["reason"] == "moving"
        assert project.ok("show", "backup", "-o", "json").json["skip"]["left"] == 2

    def test_next_marks_the_ones_that_go(self, project: Project) -> None:
        def marks(*words: str) -> list[bool]:
            fires: list[dict[str, Any]] = project.ok("next", "backup", "-o", "json", *words).json["fires"]
            return ["skipped" in fire for fire in fires]

        assert marks("-n", "4") == [True, True, False, False]
        second = project.ok("next", "backup", "-o", "json").json["fires"][0]["nominal"]
        assert marks("-n", "3", "--from", second) == [True, False, False]
        assert "skipped" in project.ok("next", "backup").out

    def test_a_sync_leaves_it_and_a_destroyed_job_takes_it_along(self, project: Project) -> None:
        project.board("ops", 'backup: {run: y, cron: "0 3 * * *"}\nother: {run: x}')
        project.sync()
        assert read_skips(project.store)["ops/backup"].left == 2
        project.board("ops", "other: {run: x}")
        project.sync()
        assert read_skips(project.store) == {}

    def test_fsck_knows_it(self, project: Project) -> None:
        assert check(project.store) == []
        packed: Any = project.store.client.hget(project.store.key("skips"), "ops/backup")
        project.store.client.hset(project.store.key("skips"), "ops/gone", packed)
        assert [p.words for p in repair(project.store)] == ["has runs to skip and is no job"]
        assert check(project.store) == []
