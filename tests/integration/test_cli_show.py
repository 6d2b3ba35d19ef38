from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.reconcile.live import edit_job
from jobboard.store.boards import holds
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

SPEC: dict[str, Any] = {
    "command": {"run": "pg_dump main | gzip > out"},
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Madrid"},
    "env": {"PGPASSWORD": "hunter2"},
    "locks": {"db": 1},
    "description": "Every night",
}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    jobs = {"backup": SPEC, "report": {"command": {"run": "x"}, "after": ["ops/backup"]}}
    told_story.board("ops", jobs, due={"backup": 86_400_000}, origin="git:ops", revision=1, locks={"db": 1})
    return told_story


def test_a_job_shows_its_definition_its_defaults_and_where_it_comes_from(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(store, capsys, "show", "backup")
    assert out.startswith("ops/backup   at 02:00 every day (Europe/Madrid)\n  Every night\n")
    assert "boards/ops.yaml @ 3f2c1ab · revision 1" in out
    assert "pg_dump main | gzip > out" in out
    assert "no retries" in out
    assert "warm" not in out, "that is about calls and requests"
    assert "It has not run yet." in out
    assert len(out.partition("  Next\n")[2].partition("\n\n")[0].splitlines()) == 5


def test_no_value_of_the_environment_is_ever_shown(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_job(
        store, "ops/backup", {"env": {"PGPASSWORD": "hunter3"}}, by={"actor": "ana", "via": "cli"}, now_ms=1
    )
    run_id = story.ran("ops/backup")
    for what in ("backup", run_id, "ops"):
        for form in ("text", "json"):
            assert jobboard(store, "show", what, "-o", form) == 0
            out = capsys.readouterr().out
            assert "hunter" not in out
            assert ("PGPASSWORD" in out) == (what != "ops")


def test_drift_is_shown_by_field_with_who_and_when(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = clocks.now_ms(store)
    edit_job(store, "ops/backup", {"timeout": "2h"}, by={"actor": "luis", "via": "cli"}, now_ms=now_ms)
    assert "~ timeout: the board says nothing; edited live (luis, cli, just now)" in told(
        store, capsys, "show", "backup"
    )
    found = asked(store, capsys, "show", "backup")
    assert found["units"]["timeout"] == "ms"
    (drift,) = found["drift"]
    assert (drift["path"], drift["base"], drift["live"], drift["by"]) == ("timeout", None, 7_200_000, "luis")
    assert "drift" in told(store, capsys, "show", "ops")


def test_holds_and_last_runs_are_shown(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/backup", "failed", exit_code=3, reason="exit 3")
    holds.pause(store, "board:ops", by={"actor": "luis"}, reason="vendor", until_ms=None)
    out = told(store, capsys, "show", "backup")
    assert 'board ops by luis: "vendor"   jobboard resume ops' in out
    assert "exit 3" in out
    said = asked(store, capsys, "show", "backup")
    assert [hold["scope"] for hold in said["holds"]] == ["board:ops"]
    assert [run["state"] for run in said["last"]] == ["failed"]
    assert len(said["next"]) == 5


def test_a_disabled_job_has_no_next(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Story(store).board("ops", {"off": {**SPEC, "enabled": False}})
    assert asked(store, capsys, "show", "off")["next"] == []
    assert "  Next" not in told(store, capsys, "show", "off")


def test_a_run_shows_how_it_went(store: Store, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.worker()
    run_id = story.runs.start_run("ops/backup", by="ana")
    (run,) = story.reserve()
    story.finish(run, "retry", exit_code=3, reason="exit 3")
    (run,) = story.reserve()
    story.runs.output(run_id, run.token, 2, [b"".join(b"line %d\n" % n for n in range(30)), b"\x1b[2J\xff\n"])
    story.finish(run, "failed", exit_code=127, reason="exit 127")
    out = told(store, capsys, "show", run_id)
    assert out.startswith(f"{run_id} failed: exit 127 after 500ms.\n")
    assert "Exit code 127: the command was not found." in out
    assert "manual by ana" in out
    assert "     1  retry" in out
    assert "line 29" in out
    assert "line 20\n" not in out
    assert "\x1b" not in out
    said = asked(store, capsys, "show", run_id)
    assert (said["state"], said["attempt"], len(said["tries"])) == ("failed", 2, 1)
    assert said["tail"][0] == "line 21"


def test_a_run_that_waits_says_for_what(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.runs.start_run("ops/backup", by="ana")
    out = told(store, capsys, "show", run_id)
    assert out.startswith(f'{run_id} is queued: no worker serves queue "common".\n')
    assert "→ jobboard worker\n" in out


def test_a_run_of_a_job_that_is_gone_is_still_shown(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.ran("ops/report")
    story.board("ops", {"backup": SPEC})
    assert told(store, capsys, "show", run_id).startswith(f"{run_id} ended well")
    assert asked(store, capsys, "show", run_id)["spec"] is None


def test_a_board_shows_how_its_jobs_stand(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/report", "failed", reason="exit 1")
    out = told(store, capsys, "show", "ops")
    assert out.startswith("Board ops   2 jobs\n")
    assert "git:ops" in out
    assert "failed      ops/report" in out
    assert "ops/backup" in out
    said = asked(store, capsys, "show", "ops")
    assert (said["board"], said["origin"], said["locks"]) == ("ops", "git:ops", {"db": 1})
    assert [entry["job"] for entry in said["jobs"]] == ["ops/backup", "ops/report"]


def test_what_is_not_there_is_a_usage_error(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobboard(store, "show", "bakcup") == 64
    assert "did you mean ops/backup?" in capsys.readouterr().err


# ---- why


def test_why_tells_of_a_job_what_became_of_its_nominals(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = clocks.now_ms(store)
    assert story.fire("ops/backup", now_ms - 2, next_due_ms=1)[0] == "FIRED"
    assert story.fire("ops/backup", now_ms - 1, next_due_ms=now_ms + 3_600_000)[0] == "SKIPPED"
    out = told(store, capsys, "why", "backup")
    assert out.startswith("ops/backup has not run yet.\n")
    assert "skipped  overlap: ops/backup@" in out
    assert 'queued   no worker serves queue "common"' in out
    assert "no scheduler is running, so nothing fires" in out
    assert out.endswith("→ jobboard worker\n")
    said = asked(store, capsys, "why", "backup")
    assert [f["state"] for f in said["findings"]] == ["skipped", "queued", "stalled"]
    assert said["command"] == "jobboard worker"
    child = asked(store, capsys, "why", "report")
    assert child["findings"][0]["text"] == "after: ops/backup skipped"
    assert child["findings"][0]["command"] == "jobboard why ops/backup"


def test_why_names_the_holder_of_a_lock(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.worker()
    story.scheduler()
    holder = story.runs.start_run("ops/backup", by="ana")
    story.reserve()
    waiter = story.runs.start_run("ops/backup", by="luis")
    story.reserve()
    said = asked(store, capsys, "why", waiter)
    assert f'lock "db" is held by {holder} on web-1' in said["headline"]
    assert said["command"] == f"jobboard show {holder}"
    assert told(store, capsys, "why", waiter).startswith(f"{waiter} is waiting: ")


def test_why_tells_of_a_run_that_is_over(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.ran("ops/backup", "failed", exit_code=3, reason="exit 3")
    out = told(store, capsys, "why", run_id)
    assert out.splitlines()[0] == f"{run_id} failed: exit 3 after 500ms."
    assert "the job has no retries" in out


def test_why_tells_of_a_job_that_is_gone(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/report")
    story.board("ops", {"backup": SPEC})
    assert told(store, capsys, "why", "ops/report").startswith("ops/report is on no board any more.\n")
