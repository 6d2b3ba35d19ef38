from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.events import wait_for_event
from kit.story import Story

from jobboard.cli.commands.run import exit_code_of
from jobboard.core.runs.record import Record
from jobboard.store.boards import holds
from jobboard.store.runs import past

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

JOB: dict[str, Any] = {"command": {"run": "true"}}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": JOB, "off": {**JOB, "enabled": False}, "gpu": {**JOB, "queue": "gpu"}})
    return told_story


def served(store: Store, verdict: Any, output: bytes = b"", **how: Any) -> threading.Thread:
    """A worker that takes the next run as soon as there is one, and ends it like this."""

    def act() -> None:
        wait_for_event(store, lambda event: event["e"] == "queued")
        with store.again() as other:
            worker = Story(other)
            worker.worker()
            (run,) = worker.reserve()
            if output:
                worker.runs.output(run.run_id, run.token, 1, [output])
            worker.finish(run, verdict, output_bytes=len(output), **how)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_it_starts_a_run_and_says_how_to_follow(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.worker()
    queued, hint = told(store, capsys, "run", "a", "--reason", "test").splitlines()
    (run,) = past.live_runs(store, "ops/a")
    assert queued == f"{run.run_id} is queued."
    assert hint == f"jobboard logs -f {run.run_id}"
    assert (run.by, run.reason, run.trigger) == ("ana", "test", "manual")


def test_it_says_when_nobody_serves_the_queue(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.worker()
    out = told(store, capsys, "run", "gpu")
    assert 'No worker serves queue "gpu"' in out
    assert "jobboard worker --queue gpu" in out


def test_as_json_it_is_the_run(store: Store, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(store, capsys, "run", "a")
    assert said["run"].startswith("ops/a@")
    assert (said["state"], said["by"]) == ("queued", "ana")


@pytest.mark.parametrize(
    ("verdict", "how", "code"),
    [
        ("ok", {"exit_code": 0}, 0),
        ("failed", {"exit_code": 3, "reason": "exit 3"}, 3),
        ("failed", {"exit_code": 75, "reason": "exit 75"}, 75),
        ("failed", {"signal": "SIGKILL", "reason": "signal SIGKILL"}, 137),
    ],
)
def test_following_shows_output_and_exits_as_the_command_did(
    store: Store,
    story: Story,
    capfdbinary: pytest.CaptureFixture[bytes],
    *,
    verdict: str,
    how: dict[str, Any],
    code: int,
) -> None:
    thread = served(store, verdict, b"out \xff\n", **how)
    assert jobboard(store, "run", "-f", "a") == code
    thread.join()
    out, err = capfdbinary.readouterr()
    assert out == b"out \xff\n"
    assert (f"failed, {how.get('reason')}".encode() in err) == (verdict == "failed")


def test_following_as_json_tells_the_end(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = served(store, "ok", b"x", exit_code=0)
    assert asked(store, capsys, "run", "-f", "a")["state"] == "ok"
    thread.join()


def test_what_stands_in_the_way_is_said_and_forced(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobboard(store, "run", "off") == 5
    assert "--force" in capsys.readouterr().err
    holds.pause(store, "all", by={"actor": "luis"}, reason="vendor", until_ms=None)
    assert jobboard(store, "run", "a") == 5
    assert "paused by luis: vendor" in capsys.readouterr().err
    assert jobboard(store, "run", "off", "--force") == 0
    assert jobboard(store, "run", "a", "--force") == 0
    capsys.readouterr()
    holds.resume(store, "all", by={"actor": "luis"})
    assert jobboard(store, "run", "a", "--respect-overlap") == 5
    assert "has not finished" in capsys.readouterr().err


def test_an_unknown_job_is_a_usage_error(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobboard(store, "run", "gpuu") == 64
    assert "did you mean ops/gpu?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record("a/b", "ok", 0), 0),
        (Record("a/b", "ok", 0, exit_code=3), 3),
        (Record("a/b", "failed", 0, signal="SIGTERM"), 143),
        (Record("a/b", "failed", 0, signal="SIGNONE"), 1),
        (Record("a/b", "lost", 0), 1),
        (Record("a/b", "cancelled", 0), 1),
    ],
)
def test_every_end_has_an_exit_code(record: Record, code: int) -> None:
    assert exit_code_of(record) == code


# ---- cancel


def test_a_queued_run_is_called_off_at_once(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.runs.start_run("ops/a", by="ana")
    assert told(store, capsys, "cancel", "a") == f"{run_id} is called off; it had not started.\n"
    record = past.read_run(store, run_id)
    assert record is not None
    assert (record.state, record.by) == ("cancelled", "ana")
    assert "is over" in told(store, capsys, "cancel", run_id)


def test_of_a_running_one_the_worker_is_told(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.worker()
    run_id = story.runs.start_run("ops/a", by="ana")
    story.reserve()
    out = told(store, capsys, "cancel", run_id)
    assert "is being stopped" in out
    assert f"jobboard logs -f {run_id}" in out
    assert past.live_runs(store, "ops/a")[0].state == "stopping"


def test_several_are_called_off_only_when_asked(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {story.runs.start_run("ops/a", by="ana") for _ in range(3)}
    assert jobboard(store, "cancel", "a") == 64
    hint = capsys.readouterr().err
    assert "ops/a has 3 unfinished runs\n" in hint
    assert "name one, or add --all: " in hint
    assert all(run in hint for run in runs)
    said = asked(store, capsys, "cancel", "a", "--all")
    assert {run["run"] for run in said["runs"]} == runs
    assert {run["outcome"] for run in said["runs"]} == {"cancelled"}


def test_nothing_to_call_off_is_said(store: Store, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    said = "ops/a has no unfinished run. jobboard runs ops/a lists those that ended.\n"
    assert told(store, capsys, "cancel", "a") == said
    assert asked(store, capsys, "cancel", "a") == {"runs": []}
