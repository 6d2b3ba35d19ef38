"""Overrides: laid over a job for a time, kept by every sync, shown by every plan, and gone by themselves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.project import Project, dump_of

from jobboard.cli.project import read_sources
from jobboard.core.jobs.override import laid
from jobboard.core.runs.run import Firing, Result
from jobboard.core.times.instant import format_instant
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.reconcile.applying import apply
from jobboard.reconcile.overriding import clear_overrides, set_overrides, take_off_ended
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.sources import Options
from jobboard.store.boards.overrides import read_overridden, write
from jobboard.store.runs.past import last_records
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

BY = {"actor": "luis", "via": "cli"}
MINUTE = 60_000
HOUR = 60 * MINUTE
WEEK = 7 * 24 * HOUR
BOARD = """
backup: {run: pg_dump, cron: "0 2 * * *", timeout: 30m, env: {LEVEL: "1"}, locks: [db]}
dump: {run: pg_dump, locks: [db]}
report: {run: report, after: backup}
"""


@pytest.fixture(autouse=True)
def _board(project: Project) -> None:
    project.board("ops", BOARD)
    project.sync()


def override(project: Project, *words: str) -> str:
    return project.ok("override", "set", "ops/backup", *words, "--reason", "vendor is slow").out


def running(project: Project, address: str = "ops/backup") -> dict[str, Any]:
    """What is in force, whatever the clock says."""
    board, _, job = address.partition("/")
    return dict(laid(project.live(board)[job]))


def due(project: Project, address: str = "ops/backup") -> int | None:
    score = project.store.client.zscore(project.store.key("sched"), address)
    return None if score is None else int(score)


def sound(project: Project) -> bool:
    return check(project.store) == []


class TestSet:
    def test_it_moves_what_runs_and_not_the_definition(self, project: Project) -> None:
        before = project.live("ops")["backup"]
        said = override(project, "timeout=10m", "--for", "2h")
        assert "~ ops/backup  timeout  30m  →  10m" in said
        assert "jobboard override clear ops/backup timeout" in said
        after = project.live("ops")["backup"]
        assert after.spec == before.spec
        assert not after.drifted
        assert laid(after)["timeout"] == 10 * MINUTE
        assert after.epoch != before.epoch
        assert after.generation == before.generation
        assert sound(project)

    def test_a_run_gets_what_is_in_force_and_a_queued_one_keeps_what_it_had(self, project: Project) -> None:
        runs = Runs(project.store)
        queued = runs.start_run("ops/backup", by="ana")
        override(project, "timeout=10m", "env.LEVEL=9", "locks.db=")
        forced = runs.start_run("ops/backup", by="ana")
        runs.hello("w", host="h", pid=1, queues=["common"], slots=4, lease_ms=30_000, version="1")
        specs = {run.run_id: run.spec for run in runs.reserve("w", ["common"], 4)}
        assert specs[queued]["timeout"] == 30 * MINUTE
        assert specs[forced]["timeout"] == 10 * MINUTE
        assert specs[forced]["env"] == {"LEVEL": "9"}
        assert "locks" not in specs[forced]

    def test_what_is_pushed_with_a_job_starts_from_what_is_in_force(self, project: Project) -> None:
        override(project, "timeout=10m")
        project.ok("push", "--job", "backup", "--payload", "x")
        runs = Runs(project.store)
        runs.hello("w", host="h", pid=1, queues=["common"], slots=4, lease_ms=30_000, version="1")
        (run,) = runs.reserve("w", ["common"], 4)
        assert run.spec["timeout"] == 10 * MINUTE

    def test_a_value_that_the_definition_has_is_held_against_later_ones(self, project: Project) -> None:
        override(project, "timeout=30m")
        project.board("ops", BOARD.replace("30m", "1h"))
        project.sync()
        assert running(project)["timeout"] == 30 * MINUTE
        assert project.spec("ops/backup")["timeout"] == HOUR

    def test_a_schedule_moves_the_due_set_at_once(self, project: Project, clock: StoreClock) -> None:
        before = due(project)
        override(project, "cron=*/5 * * * *")
        moved = due(project)
        assert moved is not None
        assert clock.now() < moved <= clock.now() + 5 * MINUTE
        assert sound(project)
        project.ok("override", "clear", "backup")
        assert due(project) == before
        assert sound(project)

    def test_another_field_leaves_the_due_set_alone(self, project: Project) -> None:
        before = dump_of(project.store)["sched"]
        override(project, "timeout=10m")
        assert dump_of(project.store)["sched"] == before

    def test_disabled_for_a_time(self, project: Project) -> None:
        before = due(project)
        override(project, "enabled=false")
        assert due(project) is None
        assert "disabled" in project.ok("why", "backup").out
        assert "jobboard override clear ops/backup enabled" in project.ok("why", "backup").out
        assert project.run("run", "backup").code != 0
        assert sound(project)
        project.ok("override", "clear", "backup", "enabled")
        assert due(project) == before

    def test_a_dependent_gets_a_clock_for_a_time(self, project: Project) -> None:
        project.ok("override", "set", "report", "timeout=1m", "--reason", "x")
        refused = project.run("override", "set", "report", "cron=0 3 * * *", "--reason", "x")
        assert refused.code == 64
        assert "after cannot be overridden" in refused.err

    def test_a_job_that_leaves_its_parent_while_it_is_overridden_stays_by_the_clock(
        self, project: Project
    ) -> None:
        override(project, "cron=*/5 * * * *")
        project.board("ops", BOARD.replace('cron: "0 2 * * *"', "after: dump"))
        project.sync()
        assert "after" not in running(project)
        assert sound(project)
        project.ok("override", "clear", "backup")
        assert running(project)["after"] == ["ops/dump"]
        assert project.store.client.smembers(project.store.key("after", "ops/dump")) == {b"ops/backup"}
        assert due(project) is None
        assert sound(project)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("timeout=soon", "--reason", "x"), "is no duration"),
            (("tiemout=5m", "--reason", "x"), "timeout"),
            (("timeout", "--reason", "x"), "KEY=VALUE"),
            (("locks=3:db", "--reason", "x"), 'lock "db" has a capacity'),
            (("after=dump", "--reason", "x"), "cannot be overridden"),
            (("protected=true", "--reason", "x"), "cannot be overridden"),
            (("timeout=5m",), "needs a reason"),
            (("timeout=5m", "--reason", " "), "needs a reason"),
            (("--reason", "x"), "which value?"),
            (("timeout=5m", "--reason", "x", "--for", "1h", "--until", "2030-01-01"), "two ways"),
            (("timeout=5m", "--reason", "x", "--until", "2020-01-01"), "is not ahead"),
            (("timeout=5m", "--reason", "x", "--for", "now"), "duration"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, project: Project, words: tuple[str, ...], said: str
    ) -> None:
        before = dump_of(project.store)
        refused = project.run("override", "set", "ops/backup", *words)
        assert (refused.code, refused.out) == (64, "")
        assert said in refused.err
        assert dump_of(project.store) == before

    def test_a_word_is_missing(self, project: Project) -> None:
        assert "which JOB?" in project.run("override", "set").err
        assert (
            "there is no job" in project.run("override", "set", "nobody", "timeout=1m", "--reason", "x").err
        )
        assert "takes one JOB or BOARD" in project.run("override", "ls", "backup", "timeout").err
        assert "takes names" in project.run("override", "clear", "backup", "timeout=1m").err
        assert "--for" in project.run("override", "clear", "backup", "--for", "1h").err

    def test_options_may_stand_between_the_words(self, project: Project) -> None:
        project.ok("override", "set", "backup", "--reason", "x", "timeout=1m")
        assert running(project)["timeout"] == MINUTE

    def test_setting_it_again_replaces_it(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "1h")
        override(project, "timeout=20m")
        (one,) = project.live("ops")["backup"].overrides
        assert (one.value, one.until_ms) == (20 * MINUTE, None)
        assert sound(project)

    def test_several_at_once_lose_none(self, project: Project) -> None:
        def lay(store: Store, number: int) -> None:
            set_overrides(store, "ops/dump", {f"labels.l{number}": "x"}, reason="r", until_ms=None, by=BY)

        stores = [project.store.again() for _ in range(4)]
        threads = [threading.Thread(target=lay, args=(s, n)) for n, s in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()
        assert running(project, "ops/dump")["labels"] == {f"l{n}": "x" for n in range(4)}
        assert sound(project)

    def test_a_repeat_of_the_call_writes_nothing_more(self, project: Project) -> None:
        override(project, "timeout=10m")
        before = dump_of(project.store)

        definition = project.live("ops")["backup"]
        write(
            project.store, "ops/backup", seen="0.0", definition=definition, deed="override", by=BY, detail={}
        )
        assert dump_of(project.store) == before


class TestClear:
    def test_one_or_all(self, project: Project) -> None:
        override(project, "timeout=10m", "priority=5", "cron=*/5 * * * *", "env={A: '1', B: '2'}")
        project.ok("override", "clear", "backup", "cron", "env.A")
        assert [o.path for o in project.live("ops")["backup"].overrides] == [
            "env.B",
            "env.LEVEL",
            "priority",
            "timeout",
        ]
        project.ok("override", "clear", "backup", "env")
        said = project.ok("override", "clear", "backup").out
        assert "~ ops/backup  timeout  10m  →  30m" in said
        assert not project.live("ops")["backup"].overrides
        assert not project.store.client.exists(project.store.key("overrides"))
        assert sound(project)

    def test_nothing_there(self, project: Project) -> None:
        before = dump_of(project.store)
        assert "has no override" in project.ok("override", "clear", "backup").out
        refused = project.run("override", "clear", "backup", "timeout")
        assert refused.code == 64
        assert "is not overridden" in refused.err
        assert dump_of(project.store) == before

    def test_the_definition_is_then_byte_for_byte_what_it_was_but_for_its_epoch(
        self, project: Project
    ) -> None:
        before = project.live("ops")["dump"]
        project.ok("override", "set", "dump", "description=x", "--reason", "y")
        assert project.live("ops")["dump"].epoch == before.epoch
        project.ok("override", "clear", "dump")
        assert project.live("ops")["dump"] == before


class TestSync:
    def test_it_touches_none_and_every_plan_shows_it(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "2h")
        plan = project.ok("plan").out
        assert "override ops/backup  timeout 10m, not 30m until " in plan
        assert '(ana: "vendor is slow")' in plan
        assert "No changes." in plan
        project.board("ops", BOARD.replace("30m", "1h"))
        plan = project.ok("plan").out
        assert "30m  →  1h" in plan
        assert "but an override says 10m until " in plan
        (listed,) = project.plan()["overrides"]["ops/backup"]
        assert (listed["path"], listed["value"], listed["by"]) == ("timeout", 10 * MINUTE, "ana")
        project.sync()
        assert running(project)["timeout"] == 10 * MINUTE
        assert project.spec("ops/backup")["timeout"] == HOUR
        assert project.live("ops")["backup"].base["timeout"] == HOUR
        assert sound(project)
        before = dump_of(project.store)
        assert "No changes." in project.sync().out
        assert dump_of(project.store) == before

    def test_a_schedule_that_is_overridden_does_not_move_by_the_file(self, project: Project) -> None:
        override(project, "cron=*/5 * * * *")
        before = due(project)
        project.board("ops", BOARD.replace("0 2 * * *", "0 4 * * *"))
        plan = project.plan()
        (change,) = plan["boards"][0]["changes"]
        assert change["next_before"] == change["next_after"]
        project.sync()
        assert due(project) == before
        assert running(project)["schedule"]["cron"] == "*/5 * * * *"
        project.ok("override", "clear", "backup")
        assert running(project)["schedule"]["cron"] == "0 4 * * *"
        assert sound(project)

    def test_live_edits_and_conflicts_are_about_the_definition(self, project: Project) -> None:
        override(project, "timeout=10m")
        said = project.ok("set", "backup", "timeout=2h").out
        assert "an override says 10m" in said
        assert running(project)["timeout"] == 10 * MINUTE
        drift = project.plan()["boards"][0]["drift"]
        assert drift[0]["fields"][0]["live"] == 2 * HOUR
        project.board("ops", BOARD.replace("30m", "1h"))
        assert project.run("plan").code == 3
        project.sync("--on-conflict", "file")
        assert running(project)["timeout"] == 10 * MINUTE
        assert project.spec("ops/backup")["timeout"] == HOUR
        assert sound(project)

    def test_a_destroyed_job_takes_its_overrides_along(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "1h")
        project.board("ops", BOARD.replace("after: backup", "after: dump").replace("backup:", "other:"))
        project.sync()
        assert not project.store.client.exists(project.store.key("overrides"))
        project.board("ops", BOARD)
        project.sync()
        assert running(project)["timeout"] == 30 * MINUTE
        assert sound(project)

    def test_a_plan_says_that_they_go_with_a_job(self, project: Project) -> None:
        override(project, "timeout=10m")
        project.board("ops", BOARD.replace("after: backup", "after: dump").replace("backup:", "other:"))
        assert "overrides gone with it: timeout" in project.ok("plan").out

    def test_a_job_that_changes_its_name_keeps_them_and_they_still_end(
        self, project: Project, clock: StoreClock
    ) -> None:
        override(project, "timeout=10m", "cron=*/5 * * * *", "--for", "1h")
        renamed = BOARD.replace("after: backup", "after: nightly").replace("backup:", "nightly:")
        project.board("ops", renamed, head="moved: [{from: backup, to: nightly}]\n")
        project.sync()
        assert running(project, "ops/nightly")["timeout"] == 10 * MINUTE
        assert list(read_overridden(project.store)) == ["ops/nightly"]
        assert sound(project)
        clock.advance(HOUR)
        turn(Scheduler(project.store, name="s"))
        assert running(project, "ops/nightly")["timeout"] == 30 * MINUTE
        assert read_overridden(project.store) == {}
        assert sound(project)

    def test_a_saved_plan_is_not_made_stale_by_one(self, project: Project) -> None:
        project.board("ops", BOARD.replace("30m", "1h"))
        project.ok("plan", "--out", "saved.plan")
        override(project, "timeout=10m")
        project.sync("--plan", "saved.plan")
        assert project.spec("ops/backup")["timeout"] == HOUR
        assert running(project)["timeout"] == 10 * MINUTE
        assert sound(project)

    def test_a_rollback_leaves_them(self, project: Project) -> None:
        project.board("ops", BOARD.replace("30m", "1h"))
        project.sync()
        override(project, "timeout=10m")
        project.ok("rollback", "1", "--auto-approve")
        assert project.spec("ops/backup")["timeout"] == 30 * MINUTE
        assert running(project)["timeout"] == 10 * MINUTE
        project.ok("release", "ops")
        assert sound(project)

    def test_history_and_blame_know_the_definition_alone(self, project: Project) -> None:
        override(project, "timeout=10m")
        project.board("ops", BOARD.replace("30m", "1h"))
        project.sync()
        assert "10m" not in project.ok("history", "backup").out
        assert "10m" not in project.ok("diff", "1", "2").out
        assert "10m" not in project.ok("blame", "backup").out

    def test_one_laid_between_plan_and_commit_stays(self, project: Project) -> None:

        project.board("ops", BOARD.replace("30m", "1h"))

        planned = make_plan(project.store, read_sources([], project.folder), Options())
        override(project, "timeout=10m")
        apply(project.store, planned, BY)
        assert project.spec("ops/backup")["timeout"] == HOUR
        assert running(project)["timeout"] == 10 * MINUTE
        assert sound(project)

    def test_a_put_leaves_them(self, project: Project) -> None:
        project.ok("put", "clean", "every=1h", "--", "true")
        project.ok("override", "set", "loose/clean", "timeout=1m", "--reason", "x")
        project.ok("put", "clean", "every=2h", "--", "true")
        assert running(project, "loose/clean")["timeout"] == MINUTE
        assert sound(project)
        project.ok("rm", "loose/clean")
        assert not project.store.client.exists(project.store.key("overrides"))


class TestEnd:
    def test_it_ends_by_itself(self, project: Project, clock: StoreClock) -> None:
        override(project, "timeout=10m", "--for", "1h")
        before = project.live("ops")["backup"]
        scheduler = Scheduler(project.store, name="s")
        scheduler.turn()
        assert project.live("ops")["backup"].overrides
        clock.advance(HOUR)
        turn(scheduler)
        after = project.live("ops")["backup"]
        assert after.overrides == ()
        assert after.epoch != before.epoch
        assert not project.store.client.exists(project.store.key("overrides"))
        assert "Nothing is overridden" in project.ok("override", "ls").out
        assert sound(project)

    def test_nothing_starts_with_one_that_has_ended_though_nobody_took_it_off(
        self, project: Project, clock: StoreClock
    ) -> None:
        override(project, "timeout=10m", "--for", "1h")
        override(project, "priority=7", "--for", "2h")
        clock.advance(HOUR)
        runs = Runs(project.store)
        runs.start_run("ops/backup", by="ana")
        runs.hello("w", host="h", pid=1, queues=["common"], slots=4, lease_ms=30_000, version="1")
        (run,) = runs.reserve("w", ["common"], 4)
        assert run.spec["timeout"] == 30 * MINUTE
        assert run.spec["priority"] == 7
        assert "30m" in project.ok("show", "backup").out
        assert "timeout" not in project.ok("override", "ls").out
        assert "timeout" not in [o["path"] for o in project.plan()["overrides"]["ops/backup"]]

    def test_a_claim_made_before_the_end_fires_nothing_after_it(
        self, project: Project, clock: StoreClock
    ) -> None:
        override(project, "cron=*/5 * * * *", "--for", "1h")
        first = due(project)
        assert first is not None
        clock.set(first)
        runs = Runs(project.store)
        (claimed,) = runs.claim("s").entries
        clock.advance(HOUR)

        epoch = project.live("ops")["backup"].epoch
        firing = Firing("ops/backup", epoch, first, first + 1, first, format_instant(first), first)
        assert runs.fire("s", [firing]) == [("STALE", None)]
        assert claimed.address == "ops/backup"
        assert due(project) == first

    def test_the_schedule_below_goes_on_from_the_end_and_what_nobody_saw_is_missed(
        self, project: Project, clock: StoreClock
    ) -> None:
        now = clock.now()
        start = now - now % (24 * HOUR) + 24 * HOUR  # a midnight
        clock.set(start)
        override(project, "cron=0 * * * *", "--until", format_instant(start + 90 * MINUTE))
        clock.set(start + 3 * HOUR)
        turn(Scheduler(project.store, name="s"))
        records = last_records(project.store, "ops/backup")
        states = [(r.state, r.count) for r in records]
        assert ("missed", 1) in states
        # 02:00 of the definition's own schedule fell due after the end, and is made up for.
        (run,) = live_of(project, "ops/backup")
        assert run == f"ops/backup@{format_instant(start + 2 * HOUR)}"
        assert due(project) == start + 26 * HOUR
        assert sound(project)

    def test_a_nominal_at_the_very_end_is_the_definitions_own(
        self, project: Project, clock: StoreClock
    ) -> None:
        now = clock.now()
        start = now - now % (24 * HOUR) + 24 * HOUR
        clock.set(start)
        override(project, "enabled=false", "--until", format_instant(start + 2 * HOUR))
        clock.set(start + 2 * HOUR)
        turn(Scheduler(project.store, name="s"))
        assert live_of(project, "ops/backup") == [f"ops/backup@{format_instant(start + 2 * HOUR)}"]

    def test_several_schedulers_take_it_off_once(self, project: Project, clock: StoreClock) -> None:
        override(project, "timeout=10m", "--for", "1h")
        clock.advance(HOUR)
        assert take_off_ended(project.store, "ops/backup", actor="a")
        assert not take_off_ended(project.store, "ops/backup", actor="b")
        assert not take_off_ended(project.store, "ops/nobody", actor="b")

    def test_a_child_that_is_made_late_gets_what_is_in_force_then(
        self, project: Project, clock: StoreClock
    ) -> None:
        project.ok("override", "set", "report", "timeout=1m", "--for", "1h", "--reason", "x")
        runs = Runs(project.store)
        clock.set(due(project) or 0)
        turn(Scheduler(project.store, name="s"))
        runs.hello("w", host="h", pid=1, queues=["common"], slots=4, lease_ms=WEEK, version="1")
        (run,) = runs.reserve("w", ["common"], 4)

        clock.advance(HOUR)
        runs.finish("w", [Result(run.run_id, run.token, "ok", started_ago_ms=1)])
        (child,) = runs.reserve("w", ["common"], 4)
        assert child.address == "ops/report"
        assert "timeout" not in child.spec

    def test_next_follows_the_schedule_over_the_end(self, project: Project, clock: StoreClock) -> None:
        override(project, "cron=*/30 * * * *", "--for", "61m")
        (end,) = (o["until"] for o in project.ok("override", "ls", "-o", "json").json["overrides"])
        fires = project.ok("next", "backup", "-n", "6", "-o", "json").json["fires"]
        nominals = [fire["nominal"] for fire in fires]
        over = [nominal for nominal in nominals if nominal < end]
        assert len(over) in (2, 3)
        assert {nominal[14:16] for nominal in over} <= {"00", "30"}
        assert {nominal[11:16] for nominal in nominals[len(over) :]} == {"02:00"}
        assert len(project.ok("prev", "backup", "-n", "2", "-o", "json").json["fires"]) == 2


class TestShown:
    def test_wherever_a_job_is(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "2h")
        shown = project.ok("show", "backup").out
        assert "timeout     10m" in shown
        assert "! timeout: the definition says 30m; overridden until " in shown
        assert project.ok("show", "backup", "-o", "json").json["overrides"][0]["by"] == "ana"
        assert "overridden" in project.ok("ls").out
        job = next(j for j in project.ok("ls", "-o", "json").json["jobs"] if j["job"] == "ops/backup")
        assert job["flags"] == ["overridden"]
        why = project.ok("why", "backup").out
        assert "timeout is overridden by ana" in why
        assert "jobboard override clear ops/backup timeout" in why

    def test_a_list(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "2h")
        override(project, "priority=5")
        table = project.ok("override", "ls").out
        assert "JOB" in table
        assert "vendor is slow" in table
        listed = project.ok("override", "ls", "ops", "-o", "json").json["overrides"]
        assert [(o["job"], o["path"], o["value"]) for o in listed] == [
            ("ops/backup", "priority", 5),
            ("ops/backup", "timeout", 10 * MINUTE),
        ]
        assert project.ok("override", "ls", "dump", "-o", "json").json["overrides"] == []
        assert len(project.ok("override", "ls", "backup", "-o", "json").json["overrides"]) == 2

    def test_an_override_of_the_environment_is_shown_as_any_other(self, project: Project) -> None:
        assert "hunter2" in override(project, "env.LEVEL=hunter2")
        for words in (("override", "ls"), ("plan",)):
            assert "hunter2" in project.run(*words).out
            assert "hunter2" in str(project.run(*words, "-o", "json").json)
        for form in ((), ("-o", "json")):
            assert "hunter2" not in project.ok("show", "backup", *form).out
        (cleared,) = project.ok("override", "clear", "backup", "-o", "json").json["overrides"]
        assert (cleared["before"], cleared["after"]) == ("hunter2", "1")

    def test_a_reference_stays_one(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOKEN", "hunter2")
        override(project, "env.TOKEN=${env:TOKEN}")
        for words in (("override", "ls"), ("show", "backup"), ("plan",), ("why", "backup")):
            for form in ((), ("-o", "json")):
                assert "hunter2" not in project.run(*words, *form).out
        assert "${env:TOKEN}" in project.ok("override", "ls").out


class TestIndex:
    def test_fsck_puts_back_what_is_lost(self, project: Project) -> None:
        override(project, "timeout=10m", "--for", "1h")
        key = project.store.key("overrides")
        project.store.client.delete(key)
        assert [p.words for p in check(project.store)] == ["has overrides whose end nobody would see"]
        repair(project.store)
        assert sound(project)
        project.store.client.zadd(key, {"ops/backup": 5, "ops/dump": 5})
        assert len(repair(project.store)) == 2
        assert sound(project)
        assert list(read_overridden(project.store)) == ["ops/backup"]

    def test_a_clear_is_found_by_all_who_ask(self, project: Project) -> None:
        override(project, "timeout=10m")
        clear_overrides(project.store, "ops/backup", None, by=BY)
        assert read_overridden(project.store) == {}


def turn(scheduler: Scheduler) -> None:
    """Two turns: one takes off what has ended, the next fires what is due after that."""
    for _ in range(3):
        scheduler._tick_at_s = scheduler._claim_at_s = 0.0
        scheduler.turn()


def live_of(project: Project, address: str) -> list[str]:
    members: Any = project.store.client.smembers(project.store.key("live", address))
    return sorted(member.decode() for member in members)
