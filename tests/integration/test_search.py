"""A text looked for in what runs ran and wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, told
from kit.story import Story

from jobboard import Client
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.runs import pushes, search

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    jobs: dict[str, Any] = {
        "mail": {"command": {"exec": ["./mail.sh", "--to", "Ana"]}},
        "load": {"command": {"run": "./load.sh"}, "env": {"TOKEN": "hidden"}},
        "gpu": {"command": {"run": "./render.sh"}, "queue": "gpu"},
    }
    told_story.board("ops", jobs)
    return told_story


def push(story: Story, run: str, verdict: Any = "ok") -> str:
    (pushed,) = pushes.push(
        story.store, [make_parcel(story.store, queue="common", keys={"run": run})], by="ana"
    )
    story.worker()
    (reserved,) = story.reserve()
    story.finish(reserved, verdict)
    return pushed.run_id


def found(store: Store, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    return [run["run"] for run in asked(store, capsys, "runs", "--search", *words)["runs"]]


def test_commands_of_jobs_and_of_what_was_pushed(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    mailed, _ = story.ran("ops/mail"), story.ran("ops/load")
    pushed, failed = push(story, "./mail.sh --to luis"), push(story, "./mail.sh --to eva", "failed")
    live = story.runs.start_run("ops/gpu", by="ana")
    assert found(store, capsys, "mail.sh") == [failed, pushed, mailed]
    assert found(store, capsys, "LUIS") == [pushed]
    assert found(store, capsys, "--to ana") == [mailed]
    assert found(store, capsys, "render") == [live]
    assert found(store, capsys, "mail.sh", "--state", "failed") == [failed]
    # Values of the environment are no part of what is looked into.
    assert found(store, capsys, "hidden") == []


def test_what_a_pushed_command_was_is_shown_when_it_is_over(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = push(story, "./mail.sh --to luis")
    assert "./mail.sh --to luis" in told(store, capsys, "show", run_id)
    assert asked(store, capsys, "show", run_id)["spec"]["command"] == {"run": "./mail.sh --to luis"}


def test_output_even_where_it_was_written_in_pieces(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.runs.start_run("ops/load", by="ana")
    story.worker()
    (run,) = story.reserve()
    story.runs.output(run_id, run.token, 1, [b"begin\nno space le", b"ft on device\n\xff\n"])
    assert found(store, capsys, "left ON device") == [run_id]
    story.finish(run)
    (row,) = asked(store, capsys, "runs", "--search", "space left")["runs"]
    assert row["match"] == {"in": "output", "line": "no space left on device"}


def test_the_command_line_shows_where_it_is(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/load", output=b"x" * 500 + b" disk full " + b"y" * 500 + b"\n")
    story.ran("ops/mail")
    out = told(store, capsys, "runs", "--search", "disk full")
    assert out.splitlines()[0].split()[-1] == "MATCH"
    (row,) = [line for line in out.splitlines() if "disk full" in line]
    assert "output: xxx" in row
    assert len(row) < 220
    said = asked(store, capsys, "runs", "--search", "disk full")["looked_at"]["output"]
    assert said == {"of_runs": 2, "bytes": 1012, "away": 0, "complete": True}
    assert told(store, capsys, "runs", "--search", "none").startswith("No such run")


def test_it_says_when_not_all_output_was_looked_through(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = story.ran("ops/load", output=b"disk full\n")
    new = story.ran("ops/load", output=b"disk full\n")
    monkeypatch.setattr(search, "MOST_RUNS", 1)
    assert found(store, capsys, "disk full") == [new]
    assert "only the command" in told(store, capsys, "runs", "--search", "disk full")
    assert "only the command" in told(store, capsys, "runs", "--search", "none")
    monkeypatch.undo()
    assert found(store, capsys, "disk full") == [new, old]


def test_output_out_of_reach_is_counted(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.runs.start_run("ops/load", by="ana")
    story.worker()
    (run,) = story.reserve()
    story.runs.output(run_id, run.token, 1, [b"elsewhere:/var/log/jobs/a.log"], streams=["file"])
    story.finish(run)
    assert "The output of 1 run is in files on other hosts." in told(
        store, capsys, "runs", "--search", "none"
    )


def test_a_program_does_it_too(store: Store, story: Story) -> None:
    run_id = story.ran("ops/load", output=b"disk full\n")
    story.ran("ops/mail")
    with Client(store.url, store.namespace) as client:
        assert [run.run_id for run in client.runs(search="disk full")] == [run_id]
        assert client.runs(search="none") == []
