from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.events import wait_for_event
from kit.story import Story

from jobboard.store.runs.output import PAGE, read_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

JOB: dict[str, Any] = {"command": {"run": "true"}}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": JOB, "b": JOB})
    return told_story


def meanwhile(store: Store, work: Callable[[Story], None]) -> threading.Thread:
    """A worker's part, on a connection of its own."""

    def act() -> None:
        with store.again() as other:
            work(Story(other))

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_bytes_come_out_as_they_were_written(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    written = bytes(range(256)) + "grün\r\n".encode()
    run_id = story.ran("ops/a", output=written)
    assert jobboard(store, "logs", run_id) == 0
    assert capfdbinary.readouterr() == (written, b"")


def test_output_of_many_pages_comes_out_whole(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story.worker()
    story.runs.start_run("ops/a", by="ana")
    (run,) = story.reserve()
    lines = [b"%d\n" % n for n in range(2 * PAGE)]
    for start in range(0, len(lines), 128):
        story.runs.output(run.run_id, run.token, 1, lines[start : start + 128])
    assert b"".join(chunk.content for chunk in read_output(store, run.run_id)) == b"".join(lines)
    assert jobboard(store, "logs", "a") == 0
    assert capfdbinary.readouterr().out == b"".join(lines)


def test_tries_are_told_apart_on_standard_error(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story.worker()
    story.runs.start_run("ops/a", by="ana")
    verdicts: list[Word] = ["retry", "ok"]
    for attempt, verdict in enumerate(verdicts, 1):
        (run,) = story.reserve()
        story.runs.output(run.run_id, run.token, attempt, [b"try %d\n" % attempt])
        story.finish(run, verdict, reason="exit 3" if verdict == "retry" else "")
    assert jobboard(store, "logs", "a") == 0
    out, err = capfdbinary.readouterr()
    assert out == b"try 1\ntry 2\n"
    assert err.decode().splitlines() == ["── try 1 (exit 3) ──", "── try 2 ──"]
    assert jobboard(store, "logs", "a", "--attempt", "2") == 0
    assert capfdbinary.readouterr().out == b"try 2\n"
    assert jobboard(store, "logs", "a", "--attempt", "7") == 0
    assert b"nothing of try 7 is kept" in capfdbinary.readouterr().err
    assert jobboard(store, "logs", "a", "-o", "json") == 0
    said = json.loads(capfdbinary.readouterr().out)
    assert [one["output"] for one in said["attempts"]] == ["try 1\n", "try 2\n"]


def test_what_was_dropped_is_said(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story.worker()
    story.runs.start_run("ops/a", by="ana")
    (run,) = story.reserve()
    story.runs.output(run.run_id, run.token, 1, [b"head"])
    story.finish(run, output_bytes=1000, dropped_bytes=996)
    assert jobboard(store, "logs", "a") == 0
    assert capfdbinary.readouterr() == (b"head", b"996 of 1000 bytes of the last try were not kept\n")


def test_output_that_has_expired_is_said(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run_id = story.ran("ops/a", output=b"gone")
    store.client.delete(store.key("out", run_id))
    assert jobboard(store, "logs", "a") == 0
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert b"is not kept any more" in err


def test_where_else_output_is_kept_is_said_where_it_is_not_all_here(
    store: Store,
    story: Story,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "jobboard.yaml").write_text("log_url: https://logs/{board}/{job}\n")
    monkeypatch.chdir(tmp_path)
    run_id = story.ran("ops/a", output=b"here\n")
    assert jobboard(store, "logs", "a") == 0
    assert capsys.readouterr() == ("here\n", "")
    assert "logs        https://logs/ops/a\n" in told(store, capsys, "show", run_id)
    assert asked(store, capsys, "show", run_id)["log_url"] == "https://logs/ops/a"
    assert asked(store, capsys, "logs", run_id)["log_url"] == "https://logs/ops/a"
    store.client.delete(store.key("out", run_id))
    assert jobboard(store, "logs", "a") == 0
    assert "more may be kept at https://logs/ops/a\n" in capsys.readouterr().err


def test_silence_is_told_apart_from_expiry(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story.ran("ops/a")
    story.runs.start_run("ops/b", by="ana")
    assert jobboard(store, "logs", "a") == 0
    assert b"wrote nothing" in capfdbinary.readouterr().err
    assert jobboard(store, "logs", "b") == 0
    assert b"is queued and has written nothing; jobboard why ops/b@" in capfdbinary.readouterr().err


def test_following_ends_with_the_run_and_misses_nothing(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run_id = story.runs.start_run("ops/a", by="ana")

    def work(other: Story) -> None:
        other.worker()
        for attempt in (1, 2):
            (run,) = other.reserve()
            for n in range(50):
                other.runs.output(run.run_id, run.token, attempt, [b"%d.%d\n" % (attempt, n)])
            other.finish(run, "retry" if attempt == 1 else "failed", reason="exit 3", exit_code=3)

    thread = meanwhile(store, work)
    assert jobboard(store, "logs", "-f", run_id) == 0
    thread.join()
    out, err = capfdbinary.readouterr()
    assert out.decode().split() == [f"{attempt}.{n}" for attempt in (1, 2) for n in range(50)]
    assert err.decode().splitlines()[-1] == f"{run_id} failed: exit 3"


def test_following_what_is_over_just_prints_it(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story.ran("ops/a", output=b"done\n")
    assert jobboard(store, "logs", "-f", "a") == 0
    assert capfdbinary.readouterr() == (b"done\n", b"")


def test_following_a_queued_run_waits_until_it_is_called_off(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run_id = story.runs.start_run("ops/a", by="ana")
    thread = meanwhile(store, lambda other: [other.runs.cancel(run_id, "luis")].clear())
    assert jobboard(store, "logs", "-f", "a") == 0
    thread.join()
    wait_for_event(store, lambda event: event["e"] == "finished" and event["run"] == run_id)
    assert capfdbinary.readouterr().out == b""


def test_a_job_without_runs_says_what_to_ask(
    store: Store, story: Story, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert jobboard(store, "logs", "a") == 64
    assert b"jobboard why ops/a" in capfdbinary.readouterr().err
