"""lint, plan, sync, init and schema as commands: what they print, ask, and how they end."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobboard.cli import markdown
from jobboard.clock import monotonic_s
from jobboard.store.boards import definitions, holds
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

PLANS = Path(__file__).parent.parent / "corpus" / "plans"
CTRL_C = "\x03"
NOON = 1_795_262_400_000
"""2026-11-21T12:00:00Z."""


def argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "jobboard", *words]


def on_terminal(project: Project, answer: str, *words: str) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer its question; its exit code, what was shown."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        argv(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=project.folder,
        env={**os.environ, **project.environment()},
        start_new_session=True,
    )
    os.close(theirs)
    shown, give_up_at_s = b"", monotonic_s() + 20
    while monotonic_s() < give_up_at_s:
        select.select([ours], [], [], 1)
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end has gone
            break
        shown += part
        if b"applies it: " in shown and answer:
            if answer == CTRL_C:
                command.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer.encode())
            answer = ""
    code = command.wait(timeout=20)
    os.close(ours)
    return code, shown.decode()


class TestAsking:
    @pytest.fixture(autouse=True)
    def _board(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")

    @pytest.mark.parametrize(
        ("answer", "code", "jobs"),
        [("yes\n", 0, {"a"}), ("y\n", 130, set()), ("\x04", 130, set()), (CTRL_C, 130, set())],
    )
    def test_on_a_terminal_only_yes_applies(
        self, project: Project, answer: str, code: int, jobs: set[str]
    ) -> None:
        ended, shown = on_terminal(project, answer, "sync")
        assert ended == code
        assert shown.index("Plan: 1 to add") < shown.index("Apply this?")
        assert ("Sync complete!" in shown) is (code == 0)
        assert ("\njobboard: not applied; nothing was written" in shown) is (code == 130)
        assert set(project.live("ops")) == jobs

    def test_without_a_terminal_it_is_a_usage_error(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Path("/dev/null").open() as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            refused = project.run("sync")
        assert refused.code == 64
        assert "--auto-approve" in refused.err
        assert "--expect-digest" in refused.err
        assert project.live("ops") == {}

    def test_nothing_to_do_is_not_asked_about(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.sync()
        with Path("/dev/null").open() as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            assert project.run("sync").code == 0

    def test_the_digest_a_plan_prints_is_an_approval(self, project: Project) -> None:
        printed = re.search(r"digest (sha256:\w+…)", project.run("plan").out)
        assert printed is not None
        digest = project.plan()["digest"]
        for wrong in ("sha256:0000000000", digest[:12], "sha256:"):
            refused = project.run("sync", "--expect-digest", wrong)
            assert refused.code == 4
            assert digest in refused.err
        assert project.live("ops") == {}
        assert project.run("sync", "--expect-digest", printed[1]).code == 0
        assert project.run("sync", "--expect-digest", digest).code == 0
        assert set(project.live("ops")) == {"a"}

    def test_a_digest_is_of_the_changes_alone(self, project: Project) -> None:
        digest = project.plan()["digest"]
        project.path("ops").write_text("# a remark\n" + project.path("ops").read_text())
        assert project.plan()["digest"] == digest
        project.board("ops", "a: {run: y}")
        assert project.plan()["digest"] != digest


class TestGlobalOptions:
    def test_they_go_before_and_after_the_command(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.board("ops", "a: {run: x}")
        url, namespace = project.store.url, project.store.namespace
        for name in ("JOBBOARD_REDIS_URL", "JOBBOARD_NAMESPACE"):
            monkeypatch.delenv(name)
        before = ["--redis", url, "--namespace", namespace, "--as", "eva", "-o", "json"]
        assert json.loads(project.ok(*before, "plan").out)["namespace"] == namespace
        assert json.loads(project.ok("plan", *before).out)["namespace"] == namespace
        mixed = project.ok(
            "--redis", url, "sync", "--auto-approve", f"--namespace={namespace}", "--as", "eva"
        )
        assert "Sync complete!" in mixed.out
        assert "ops" in definitions.read_boards(project.store)

    def test_what_is_wrong_with_them_is_a_usage_error(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        for words in (
            ["plan", "--redis", "http://x"],
            ["--namespace", "a b", "plan"],
            ["plam"],
            ["plan", "--no"],
            [],
        ):
            assert project.run(*words).code == 64
        assert "did you mean jobboard plan" in project.run("plam").err


class TestExitCodes:
    def test_changes_are_told_by_the_code_only_when_asked_for(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        assert project.run("plan").code == 0
        assert project.run("plan", "--detailed-exitcode").code == 2
        project.sync()
        assert project.run("plan", "--detailed-exitcode").code == 0

    def test_invalid_boards_come_before_a_store_that_is_down(self, project: Project) -> None:
        down = ["--redis", "unix:///nowhere/s"]
        project.board("ops", "a: {run: x}")
        assert project.run("plan", *down).code == 69
        assert project.run("sync", "--auto-approve", *down).code == 69
        project.board("ops", "a: {}")
        for command in ("plan", "sync"):
            refused = project.run(command, *down)
            assert refused.code == 65
            assert "boards/ops.yaml:3" in refused.err

    def test_a_conflict_comes_before_other_guards(self, project: Project) -> None:
        project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x, protected: true}")
        project.sync()
        project.ok("set", "ops/a", "timeout=2m")
        project.board("ops", "a: {run: x, timeout: 3m}")
        assert project.run("sync", "--auto-approve").code == 3
        assert project.run("plan", "--detailed-exitcode").code == 3
        assert project.run("sync", "--auto-approve", "--on-conflict", "file").code == 5

    def test_an_error_is_a_value_for_programs(self, project: Project) -> None:
        project.board("ops", "a: {}")
        refused = project.run("plan", "-o", "json")
        assert refused.code == 65
        assert refused.err == ""
        assert refused.json["error"]["exit_code"] == 65
        assert refused.json["error"]["diagnostics"][0]["line"] == 3

    def test_a_missing_folder_names_the_way_to_a_first_board(self, project: Project) -> None:
        (project.folder / "boards").rmdir()
        for command in ("lint", "plan", "sync", "watch"):
            refused = project.run(command)
            assert refused.code == 64
            assert "there is no file or folder boards" in refused.err
            assert "jobboard init" in refused.err

    def test_a_name_in_place_of_a_file_is_told_its_file(self, project: Project) -> None:
        project.board("ops", "a: {run: x}\nb: {}")
        (project.folder / "boards" / "broken.yaml").write_text("jobs: {")
        for command in ("lint", "plan", "sync", "watch", "fmt", "simulate"):
            for name, hint in (
                ("ops", "board ops is in boards/ops.yaml; plan and sync take --target ops"),
                ("b", "job ops/b is in boards/ops.yaml; plan and sync take --target ops/b"),
                ("ops/a", "job ops/a is in boards/ops.yaml"),
                ("boards/op.yaml", "did you mean boards/ops.yaml?"),
            ):
                refused = project.run(command, name)
                assert refused.code == 64
                assert f"there is no file or folder {name}\n" in refused.err
                assert hint in refused.err

    def test_an_uncommitted_board_is_not_for_a_store_that_others_use(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from jobboard.cli import project as shared

        project.board("ops", "a: {run: x}")
        project.commit()
        project.board("ops", "a: {run: y}")
        monkeypatch.setattr(shared, "may_be_shared", lambda settings: True)
        refused = project.run("sync", "--auto-approve")
        assert refused.code == 5
        assert "--allow-dirty" in refused.err
        project.sync("--allow-dirty")
        project.sync()
        project.board("ops", "a: {run: z}")
        project.commit()
        project.sync()

    def test_a_store_that_others_use_is_not_watched_unless_that_is_said(self, project: Project) -> None:
        for command in ("watch", "up"):
            refused = project.run(command, "--redis", "redis://redis.example.org")
            assert refused.code == 5
            assert "--shared" in refused.err


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("embedded://", False),
        ("unix:///run/s", False),
        ("redis://localhost:6379/0", False),
        ("redis://:pw@127.0.0.1", False),
        ("redis://[::1]:6379", False),
        ("redis://127.0.0.2", False),
        ("redis://store.localhost:6379", False),
        ("redis://localhost.example.org", True),
        ("redis://redis.example.org", True),
        ("rediss://u:p@10.0.0.1:6380/1", True),
    ],
)
def test_a_store_on_another_machine_may_be_shared(url: str, *, shared: bool) -> None:
    from jobboard.cli.project import may_be_shared
    from jobboard.settings import Settings

    assert may_be_shared(Settings(url, "x", Path("/h"), "ana", "cli", Path("/"))) is shared


def test_a_first_board_is_written_and_lints_plans_and_syncs(project: Project) -> None:
    (project.folder / "boards").rmdir()
    said = project.ok("init").out
    assert "jobboard lint" in said
    assert project.ok("lint").out == "2 jobs in 1 file: no errors.\n"
    assert project.counts() == {"add": 2}
    project.sync()
    schema = json.loads((project.folder / "boards" / ".board.schema.json").read_text())
    assert schema == json.loads(project.ok("schema").out)
    refused = project.run("init")
    assert refused.code == 64
    assert "is there already" in refused.err
    assert project.ok("init", "more", "-o", "json").json["written"][0] == "more/hello-2.yaml"
    assert project.ok("lint", "boards", "more").code == 0


def test_a_first_board_takes_a_name_that_no_other_file_has(project: Project) -> None:
    boards = project.folder / "boards"
    (boards / "a.yaml").write_text("board: hello\njobs: {a: {run: x}}\n")
    (boards / "b.yml").write_text('{"board": "hello-2", "jobs": {"a": {"wrong": 1}}}\n')
    (boards / "broken.yaml").write_text("[")
    (boards / "text.yaml").write_bytes(b"\xff\xfe\x00")
    said = project.ok("init").out
    assert said.startswith("There is a board hello already: this one is hello-3.\nwrote boards/hello-3.yaml ")
    assert (boards / "hello-3.yaml").read_text().splitlines()[1] == "board: hello-3"
    assert "boards/hello-3.yaml is there already" in project.run("init").err


def test_a_warning_stops_nothing_unless_strict(project: Project) -> None:
    project.board("ops", 'a: {run: x, cron: "30 2 * * *"}', head="timezone: Europe/Madrid\n")
    assert project.run("lint").code == 0
    assert project.run("lint", "--strict").code == 65
    assert "        clock      the clock in Europe/Madrid skips 02:00 to 03:00 on" in project.run("plan").out
    project.board("more", "a: {run: x, every: 1m, jitter: 1h}")
    assert "boards/more.yaml:3:34  warn  a jitter of 1h" in project.run("plan").out
    project.sync()
    assert "warn" not in project.run("plan").out


class TestWeekAhead:
    """What a plan says of the coming week and year."""

    def test_crowded_hours_count_every_job_there_is(self, project: Project, clock: StoreClock) -> None:
        clock.set(NOON)
        project.board("there", "\n".join(f'j{n}: {{run: x, cron: "{n} 2 * * *"}}' for n in range(20)))
        project.sync()
        project.board("new", "\n".join(f'j{n}: {{run: x, cron: "H 2 * * *"}}' for n in range(15)))
        said = project.run("plan").out
        assert "Runs per day of these jobs: 0 → 15." in said
        assert "Crowded: Sun 22 Nov 02:00 UTC and on 6 more days, 20 → 35 runs start in that hour" in said
        assert ", of all 35 jobs." in said
        week = project.plan()["week"]
        assert (week["runs_per_day_before"], week["runs_per_day_after"]) == (0, 15)
        assert (week["counted_jobs"], week["all_jobs"]) == (35, True)
        assert week["crowded"] == [{"from": "2026-11-22T02:00:00Z", "before": 20, "after": 35, "days": 7}]

    def test_in_a_large_namespace_only_the_changed_ones_are_counted(self, project: Project) -> None:
        project.board("there", "\n".join(f"j{n}: {{run: x}}" for n in range(501)))
        project.sync()
        project.board("new", "\n".join(f'j{n}: {{run: x, cron: "H 2 * * *"}}' for n in range(15)))
        assert "0 → 15 runs start in that hour, of these jobs alone." in project.run("plan").out

    def test_an_hour_the_clock_skips_is_said_of_the_jobs_that_change(self, project: Project) -> None:
        jobs = 'a: {run: x, cron: "30 2 * * *"}\nb: {run: x, cron: "31 2 * * *"}'
        project.board("ops", jobs, head="timezone: Europe/Madrid\n")
        project.sync()
        project.board("ops", jobs.replace('"31', '"32'), head="timezone: Europe/Madrid\n")
        said = project.run("plan").out
        assert said.count("the clock in Europe/Madrid skips") == 1
        (change,) = project.plan()["boards"][0]["changes"]
        assert [text.split(" on ")[0] for text in change["clock_changes"]] == [
            "the clock in Europe/Madrid skips 02:00 to 03:00",
            "the clock in Europe/Madrid repeats 02:00 to 03:00",
        ]

    def test_one_that_a_board_silences_is_not_said(self, project: Project) -> None:
        head = "timezone: Europe/Madrid\n"
        jobs = 'a: {run: x, cron: "30 2 * * *"}  # jobboard: ignore gap-hour any time will do'
        project.board("ops", jobs, head=head)
        assert "skips" not in project.run("plan").out
        assert "repeats" in project.run("plan").out


def test_a_sync_as_json_says_what_was_done(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    digest = project.plan()["digest"]
    done = project.sync("-o", "json").json
    assert done["revision"] == 1
    assert done["digest"] == digest
    assert {action: count for action, count in done["counts"].items() if count} == {"add": 1}
    assert project.sync("-o", "json").json["revision"] is None


def scene(project: Project, clock: StoreClock) -> None:
    """A project in which everything a plan can show happens at once, at noon."""
    clock.set(NOON)
    project.board(
        "ops",
        """
        backup: {run: pg_dump, cron: "0 2 * * *", timeout: 30m}
        old: {run: x, cron: "0 4 * * 1"}
        poll: {run: curl, every: 5m, phase: 0s, timeout: 60s}
        report: {run: report, after: backup, env: {A: "1"}}
        settled: {run: x, timeout: 1m}
        kept: {run: x, protected: true}
        """,
    )
    project.board("gone", "x: {run: x}")
    project.sync()
    project.ok("set", "poll", "timeout=90s")
    project.ok("set", "report", "env.A=2")
    project.ok("set", "settled", "timeout=2m")
    holds.pause(
        project.store, "job:ops/poll", by={"actor": "luis"}, reason="vendor outage", until_ms=NOON + 3_600_000
    )
    project.ok(
        "override", "set", "backup", "timeout=10m", "--until", "2026-11-21T13:00Z", "--reason", "slow disk"
    )
    project.ok("skip-next", "backup", "--reason", "moving house")
    Runs(project.store).start_run("ops/backup", by="ana")
    project.path("gone").unlink()
    project.board(
        "ops",
        """
        backup: {run: pg_dump -Fc, cron: "0 3 * * *", timeout: 1h}
        poll: {run: curl, every: 5m, phase: 0s, timeout: 60s}
        report: {run: report, after: backup, env: {A: "3"}}
        settled: {run: x, timeout: 2m}
        vacuum: {run: vacuumdb, cron: "10 4 * * 0"}
        """,
    )


@pytest.mark.parametrize("form", ["text", "json", "diff", "markdown", "github"])
def test_a_plan_reads_as_it_always_did(project: Project, clock: StoreClock, form: str) -> None:
    """Golden files; ``REGENERATE=1`` in the environment writes them anew."""
    scene(project, clock)
    outcome = project.run("plan", "-o", form)
    assert outcome.code == 3
    said = outcome.out.replace(project.store.namespace, "NAMESPACE")
    said = said.replace(project.store.url, "STORE").replace(markdown.code(project.store.url)[6:-7], "STORE")
    said = re.sub(r"(cli,|made) \d+s ago", r"\1 just now", said)
    said = re.sub(
        r'("(?:at|since|until|live_since)": )("2026-11-21T12:00:\d\d(?:\.\d+)?Z")',
        r'\1"2026-11-21T12:00:00Z"',
        said,
    )
    golden = PLANS / f"everything.{form}"
    if os.environ.get("REGENERATE"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said)
    assert said == golden.read_text()


class TestSeveralForms:
    """``-o FORM=FILE``, as often as wanted."""

    def test_a_plan_in_three_of_them(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        plan = project.ok("plan", "-o", "markdown=plan.md", "-o", "json=plan.json")
        assert "Plan: 1 to add" in plan.out
        assert (project.folder / "plan.md").read_text().startswith("<!-- jobboard:plan:")
        assert json.loads((project.folder / "plan.json").read_text())["counts"]["add"] == 1
        assert project.ok("-o", "json=plan.json", "plan", "-odiff").out.startswith(
            "--- /dev/null\n+++ b/ops/a"
        )

    def test_a_sync_writes_its_plan_before_it_is_refused_and_its_result_at_the_end(
        self, project: Project
    ) -> None:
        project.board("ops", "a: {run: x}")
        forms = ["-o", "markdown=plan.md", "-o", "json=done.json"]
        done = project.sync(*forms)
        assert "Sync complete! Revision 1" in done.out
        assert "1 to add" in (project.folder / "plan.md").read_text()
        assert json.loads((project.folder / "done.json").read_text())["revision"] == 1
        project.board("ops", "")
        assert project.run("sync", "--auto-approve", *forms).code == 5
        assert "1 guard in the way" in (project.folder / "plan.md").read_text()
        refused = json.loads((project.folder / "done.json").read_text())["error"]
        assert refused["exit_code"] == 5
        assert refused["message"].endswith("; nothing was written")

    def test_where_there_is_no_plan_every_file_says_why(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        forms = [f"-o{form}=plan.{form}" for form in ("text", "diff", "json", "markdown")]
        project.ok("plan", *forms)
        refused = project.run("plan", "--target", "nope", *forms)
        assert refused.code == 64
        said = {path.suffix[1:]: path.read_text() for path in project.folder.glob("plan.*")}
        assert said["text"].startswith("there is no job or board nope among these\nwrite BOARD/JOB")
        assert said["diff"].startswith("# there is no job or board nope")
        assert json.loads(said["json"])["error"]["message"] == "there is no job or board nope among these"
        assert "### No plan\n\n```\nthere is no job or board nope" in said["markdown"]

    def test_what_a_sync_did_is_said_beside_what_it_printed_for_a_program(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        done = project.sync("-o", "markdown")
        assert done.out.startswith("<!-- ")
        assert done.err == "Sync complete! Revision 1: 1 added, 0 changed, 0 destroyed.\n"

    def test_a_step_on_github_gets_annotations_and_a_summary(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.board("ops", "a: {run: x}")
        project.sync()
        project.board("ops", "a: {run: y}")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder / "summary.md"))
        plan = project.ok("plan", "-o", "github")
        assert plan.out == "::notice file=boards/ops.yaml,line=3,title=ops/a would change::command x → y\n"
        assert "1 to change" in (project.folder / "summary.md").read_text()

    def test_boards_with_errors_leave_no_older_plan_behind(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.board("ops", "a: {run: x}")
        forms = [f"-o{form}=plan.{form}" for form in ("text", "diff", "json", "markdown")]
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.folder / "summary.md"))
        project.ok("plan", *forms)
        project.board("ops", "a: {rum: x}")
        for command in (["plan"], ["sync", "--auto-approve"]):
            refused = project.run(*command, *forms, "-o", "github")
            assert refused.code == 65
            assert refused.out.startswith("::error file=boards/ops.yaml,line=3,col=7,title=jobboard::")
            found = {
                form: (project.folder / f"plan.{form}").read_text() for form in ("text", "diff", "markdown")
            }
            assert all('"rum"' in text for text in found.values())
            assert found["diff"].startswith("# boards/ops.yaml:3:7")
            assert found["markdown"].startswith(
                f"<!-- jobboard:plan:{project.store.namespace} -->\n### No plan: "
            )
            said = json.loads((project.folder / "plan.json").read_text())["error"]
            assert said["exit_code"] == 65
            assert said["message"].endswith("; nothing was written") == ("sync" in command)
            assert (project.folder / "summary.md").read_text() == found["markdown"]
            (project.folder / "summary.md").unlink()


def in_process(project: Project, *paths: str) -> subprocess.Popen[str]:
    """A sync in a process of its own."""
    return subprocess.Popen(
        argv("sync", "--auto-approve", *paths),
        cwd=project.folder,
        env={**os.environ, **project.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_boards_at_once_do_not_disturb_each_other(project: Project) -> None:
    names = ("one", "two", "three")
    for name in names:
        project.board(name, "a: {run: x, every: 1m}")
    started = [in_process(project, f"boards/{name}.yaml") for name in names]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, _, code in ended] == [0, 0, 0], ended
    assert set(definitions.read_boards(project.store)) == set(names)
    assert project.store.client.zcard(project.store.key("sched")) == 3
