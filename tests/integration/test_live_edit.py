from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kit.project import Project, dump_of

from jobboard import errors
from jobboard.reconcile.live import edit_job, read_job
from jobboard.reconcile.planning import make_plan
from jobboard.store.boards import definitions, edits, staging
from jobboard.store.boards.codec import encode_definition
from jobboard.store.calls.wire import pack, unpack
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.clock import StoreClock
    from kit.engine import Engine

    from jobboard.store.calls.connect import Store

BY = {"actor": "luis", "via": "cli"}
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def _board(project: Project) -> None:
    project.board(
        "ops",
        """
        backup: {run: pg_dump, cron: "0 2 * * *", timeout: 30m, locks: [db]}
        dump: {run: pg_dump, locks: [db]}
        report: {run: report, after: backup}
        """,
    )
    project.sync()


def due(project: Project, address: str) -> int:
    score = project.store.client.zscore(project.store.key("sched"), address)
    assert score is not None
    return int(score)


def test_it_says_what_moved(project: Project) -> None:
    said = project.ok("set", "backup", "timeout=2h", "queue=slow", "--reason", "bigger").out
    assert "~ ops/backup  timeout  30m  →  2h" in said
    assert "~ ops/backup  queue  -  →  slow" in said
    assert project.spec("ops/backup")["timeout"] == 2 * HOUR
    assert "already says so" in project.ok("set", "ops/backup", "timeout=120m").out
    fields = project.ok("set", "backup", "timeout=", "-o", "json").json["fields"]
    assert fields == [{"path": "timeout", "before": 2 * HOUR, "after": None, "unit": "ms"}]


def test_it_leaves_the_schedule_alone_unless_that_is_what_moves(project: Project, clock: StoreClock) -> None:
    before = due(project, "ops/backup")
    project.ok("set", "backup", "timeout=2h")
    assert due(project, "ops/backup") == before
    project.ok("set", "backup", "cron=30 * * * *")
    assert clock.now() < due(project, "ops/backup") <= clock.now() + HOUR
    assert check(project.store) == []


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("timeout=soon", "is no duration"),
        ("tiemout=5m", "timeout"),
        ("timeout", "KEY=VALUE"),
        ("cron=61 * * * *", "61"),
        ("after=nobody", 'there is no job "nobody"'),
        ("after=report", "wait for each other"),
        ("locks=3:db", 'lock "db" has a capacity'),
    ],
)
def test_what_a_board_could_not_say_is_refused(project: Project, assignment: str, words: str) -> None:
    before = dump_of(project.store)
    refused = project.run("set", "ops/backup", assignment)
    assert refused.code == 64
    assert words in refused.err
    assert dump_of(project.store) == before


def test_an_unknown_job_is_refused(project: Project) -> None:
    refused = project.run("set", "ops/bakcup", "timeout=5m")
    assert refused.code == 64
    assert "backup" in refused.err


def test_it_makes_a_plan_made_before_stale(project: Project) -> None:
    project.board("ops", "backup: {run: other}")
    before = definitions.read_board(project.store, "ops")
    project.ok("set", "dump", "timeout=1m")
    after = definitions.read_board(project.store, "ops")
    assert before is not None
    assert after is not None
    assert before.version != after.version
    assert after.drift == ("dump",)


def test_it_goes_back_to_no_drift(project: Project) -> None:
    project.ok("set", "backup", "timeout=1h")
    project.ok("set", "backup", "timeout=30m")
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.drift == ()
    assert "drift" not in project.run("plan").out


def test_an_edited_dependent_hears_of_its_new_parent(project: Project) -> None:
    project.ok("set", "report", "after=dump")
    assert project.store.client.smembers(project.store.key("after", "ops/dump")) == {b"ops/report"}
    assert not project.store.client.exists(project.store.key("after", "ops/backup"))


def test_edits_of_one_job_at_once_are_all_made(project: Project) -> None:
    stores = [project.store.again() for _ in range(6)]

    def edit(store: Store, number: int) -> None:
        edit_job(store, "ops/dump", {f"labels.l{number}": "x"}, by=BY, now_ms=0)

    threads = [threading.Thread(target=edit, args=(s, n)) for n, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert set(project.spec("ops/dump")["labels"]) == {f"l{n}" for n in range(6)}


def test_an_edit_whose_reply_was_lost_is_recognised(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = project.store.call
    answers = []

    def twice(script: str, /, **arguments: Any) -> Any:
        if script == "edit":
            answers.append(call(script, **arguments))
        return call(script, **arguments)

    monkeypatch.setattr(project.store, "call", twice)
    edited = edit_job(project.store, "ops/dump", {"timeout": "5m"}, by=BY, now_ms=0)
    assert [field.path for field in edited.fields] == ["timeout"]
    assert answers == [["OK"]]
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.version.endswith(".1")


def test_a_fire_after_an_edit_has_the_edited_definition(
    project: Project, engine: Engine, clock: StoreClock
) -> None:
    project.ok("set", "dump", "run=other")
    Runs(project.store).start_run("ops/dump", by="ana")
    engine.worker()
    assert engine.reserve_one().spec["command"] == {"run": "other"}
    assert read_job(project.store, "ops/dump").drifted


def test_what_a_newer_version_wrote_survives_an_edit_and_a_sync(project: Project) -> None:
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    key = project.store.key("defs", definitions.defs_of(record.version))
    raw: Any = project.store.client.hget(key, "dump")
    packed = unpack(raw)
    spec = {**unpack(packed[4].encode("utf-8", "surrogateescape")[1:]), 99: "new"}
    packed[4] = b"\x01" + pack(spec)
    project.store.client.hset(key, "dump", pack(packed))
    project.ok("set", "dump", "timeout=5m")
    project.board("ops", "dump: {run: other, locks: [db]}")
    assert project.plan()["boards"][0]["notices"] == [
        "dump: a newer version wrote fields unknown to this one (#99), which stay"
    ]
    for form, words in (
        ("text", "  . dump: a newer"),
        ("diff", "# notice: board ops: dump"),
        ("github", "#99"),
    ):
        assert words in project.ok("plan", "-o", form).out
    project.sync()
    assert project.spec("ops/dump")["#99"] == "new"


def editing_before_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch, address: str, **wanted: Any
) -> None:
    """Have somebody edit a job after the next sync has planned and before it commits."""
    begin = staging.begin
    left = [wanted]

    def edit_first(store: Store) -> staging.Stage:
        if left:
            edit_job(project.store, address, left.pop(), by=BY, now_ms=0)
        return begin(store)

    monkeypatch.setattr(staging, "begin", edit_first)


def test_an_edit_in_the_middle_of_a_sync_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.path("ops").write_text(
        project.path("ops").read_text().replace("report: {run: report", "report: {run: y")
    )
    editing_before_commit(project, monkeypatch, "ops/dump", timeout="7m")
    project.sync()
    assert project.spec("ops/dump")["timeout"] == 420_000
    assert project.spec("ops/report")["command"] == {"run": "y"}
    assert "dump.timeout - here, 7m in Redis (luis" in project.run("plan").out


def test_an_edit_in_the_middle_of_a_sync_that_only_records_takes_no_base_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ok("set", "backup", "timeout=2h")
    project.path("ops").write_text(project.path("ops").read_text().replace("timeout: 30m", "timeout: 2h"))
    writing_before_edit(monkeypatch, project.sync)
    edit_job(project.store, "ops/backup", {"queue": "slow"}, by=BY, now_ms=0)
    job = read_job(project.store, "ops/backup")
    assert (job.spec["timeout"], job.base["timeout"], job.spec["queue"]) == (2 * HOUR, 2 * HOUR, "slow")
    assert project.counts() == {}
    assert check(project.store) == []


def test_an_override_in_the_middle_of_an_edit_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing_before_edit(
        monkeypatch,
        lambda: project.ok("override", "set", "ops/backup", "description=theirs", "--reason", "a test"),
    )
    edit_job(project.store, "ops/backup", {"queue": "slow"}, by=BY, now_ms=0)
    (override,) = read_job(project.store, "ops/backup").overrides
    assert override.value == "theirs"
    assert check(project.store) == []


def writing_before_edit(monkeypatch: pytest.MonkeyPatch, write: Callable[[], object]) -> None:
    """Have somebody else write after the next edit has read its job and before it is made."""
    number = edits.number
    left = [write]

    def write_first(store: Store) -> int:
        if left:
            left.pop()()
        return number(store)

    monkeypatch.setattr(edits, "number", write_first)


def test_an_edit_that_changes_what_was_planned_makes_it_stale(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.path("ops").write_text(project.path("ops").read_text().replace("timeout: 30m", "timeout: 1h"))
    editing_before_commit(project, monkeypatch, "ops/backup", timeout="7m")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 4
    assert "ops changed in Redis since the plan was made; nothing was written" in refused.err
    assert "jobboard plan" in refused.err
    assert project.spec("ops/backup")["timeout"] == 420_000
    assert project.run("sync", "--auto-approve").code == 3


class TestAStoreThatIsNeverQuiet:
    """Somebody edits the board between every plan and its commit."""

    def _edits(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Make every sync meet an edit before its commit; what became of each edit."""
        commit, answers = staging.commit, list[str]()

        def edit_first(store: Store, stage: staging.Stage, *rest: Any, **more: Any) -> tuple[int, int]:
            found = read_job(store, "ops/dump")
            unique = edits.number(store)
            spec = {**found.spec, "timeout": 60_000 + unique}
            tag, *_ = project.store.call(
                "edit",
                address="ops/dump",
                seen=definitions.read_packed(store, "ops/dump"),
                definition=encode_definition(replace(found, generation=unique, spec=spec)),
                work=False,
                by=BY,
                paths=["timeout"],
                apart=["timeout"],
                changes=[],
            )
            answers.append(tag)
            return commit(store, stage, *rest, **more)

        monkeypatch.setattr(staging, "commit", edit_first)
        return answers

    def _change(self, project: Project) -> None:
        text = project.path("ops").read_text()
        project.path("ops").write_text(text.replace("report: {run: report", "report: {run: y"))

    def test_a_sync_gets_its_turn(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = self._edits(project, monkeypatch)
        self._change(project)
        assert "Sync complete!" in project.sync().out
        assert answers == ["OK", "OK", "WAIT"]
        assert project.spec("ops/report")["command"] == {"run": "y"}
        assert not project.store.client.exists(project.store.key("quiet"))
        project.ok("set", "dump", "timeout=7m")
        assert project.spec("ops/dump")["timeout"] == 420_000
        assert check(project.store) == []

    def test_a_sync_that_fails_lets_edits_go_on(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = self._edits(project, monkeypatch)
        self._change(project)

        def fail(*_: object, **__: object) -> None:
            assert project.store.client.exists(project.store.key("quiet"))
            raise errors.StoreFull("no room")

        plan = make_plan
        with monkeypatch.context() as patched:
            patched.setattr(
                "jobboard.reconcile.applying.make_plan", lambda *a: plan(*a) if len(answers) < 2 else fail()
            )
            assert project.run("sync", "--auto-approve").code == 1
        assert not project.store.client.exists(project.store.key("quiet"))

    @pytest.mark.parametrize(
        "words",
        [
            ("set", "dump", "timeout=7m"),
            ("override", "set", "dump", "timeout=7m", "--reason", "slow tonight"),
            ("put", "dump", "--run", "true"),
            ("rm", "dump", "--reason", "its host is gone"),
        ],
        ids=lambda words: words[0],
    )
    def test_an_edit_waits_for_a_sync_and_for_a_dead_one_no_longer_than_its_lease(
        self, project: Project, clock: StoreClock, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
    ) -> None:
        staging.keep_quiet(project.store, "dead", since_ms=clock.now() - 600_000)
        waited: list[float] = []

        def sleep(span_s: float) -> None:
            waited.append(span_s)
            if len(waited) == 2:
                clock.advance(30_000)

        monkeypatch.setattr("time.sleep", sleep)
        project.ok(*words)
        assert len(waited) == 2
        staging.keep_quiet(project.store, "living", since_ms=clock.now())
        assert project.store.client.zrange(project.store.key("quiet"), 0, -1) == [b"living"]
        staging.end_quiet(project.store, "living")
        assert not project.store.client.exists(project.store.key("quiet"))


class TestWhoEdited:
    """Who edited a path live, and when, is kept exactly as long as the path differs from the file."""

    def known(self, project: Project, address: str = "ops/backup") -> list[str]:
        return sorted(edits.read_edits(project.store, [address]).get(address, {}))

    @pytest.fixture(autouse=True)
    def _edited(self, project: Project) -> None:
        project.ok("set", "backup", "timeout=2h", "priority=5")
        assert self.known(project) == ["priority", "timeout"]

    def write(self, project: Project, timeout: str, more: str = "") -> None:
        project.board(
            "ops",
            f"""
            backup: {{run: pg_dump, cron: "0 2 * * *", timeout: {timeout}, locks: [db]{more}}}
            dump: {{run: pg_dump, locks: [db]}}
            report: {{run: report, after: backup}}
            """,
        )

    def test_an_edit_taken_back_is_forgotten(self, project: Project) -> None:
        project.ok("set", "backup", "timeout=30m")
        assert self.known(project) == ["priority"]
        project.ok("set", "backup", "priority=")
        assert self.known(project) == []
        assert check(project.store) == []

    def test_a_file_that_follows_settles_it(self, project: Project) -> None:
        self.write(project, "2h")
        project.sync()
        assert self.known(project) == ["priority"]
        assert check(project.store) == []
        self.write(project, "2h", ", priority: 5")
        project.sync()
        assert self.known(project) == []
        assert check(project.store) == []

    def test_so_does_a_revert(self, project: Project) -> None:
        project.sync("--on-drift", "exact")
        assert self.known(project) == []
        assert check(project.store) == []

    def test_a_conflict_that_redis_wins_leaves_it_known(self, project: Project) -> None:
        self.write(project, "1h")
        project.sync("--on-conflict", "live")
        assert self.known(project) == ["priority", "timeout"]
        drift = project.plan()["boards"][0]["drift"][0]["fields"]
        assert [(f["path"], f["edited"]["actor"], f["edited"]["via"]) for f in drift] == [
            ("timeout", "ana", "cli"),
            ("priority", "ana", "cli"),
        ]
        assert project.ok("plan").out.count("(ana, cli, ") == 2
        project.sync("--on-drift", "revert")
        assert self.known(project) == ["priority"]

    def test_a_schedule_that_moves_with_it_is_one_step(self, project: Project) -> None:
        project.ok("set", "backup", "cron=0 5 * * *")
        project.sync("--on-drift", "exact")
        assert self.known(project) == []
        assert due(project, "ops/backup") % (24 * HOUR) == 2 * HOUR
        assert check(project.store) == []

    def test_a_put_settles_a_job_of_no_board(self, project: Project) -> None:
        project.ok("put", "clean", "every=1h", "--", "true")
        project.ok("set", "loose/clean", "timeout=1m")
        assert self.known(project, "loose/clean") == ["timeout"]
        project.ok("put", "clean", "every=1h", "--", "true")
        assert self.known(project, "loose/clean") == []
        record = definitions.read_board(project.store, "loose")
        assert record is not None
        assert record.drift == ()

    def test_fsck_forgets_what_no_edit_is_left_of(self, project: Project) -> None:
        project.store.client.hdel(project.store.key("drift"), "ops")
        assert [p.words for p in repair(project.store)] == [
            "was edited live and does not differ from its file"
        ]
        assert check(project.store) == []
