from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, cast

import pytest
from kit.commandline import jobboard, told
from kit.server import Server
from kit.story import Story

from jobboard import errors
from jobboard.cli.records import instant_json
from jobboard.store.calls import scripts
from jobboard.store.calls.clocks import now_ms
from jobboard.store.calls.connect import Store
from jobboard.store.runs import events
from jobboard.store.runs.pushes import Parcel, push

_TOLD_OF: Any = {"e": "queued", "job": "o/x", "at": 0}


@pytest.fixture
def story(store: Store) -> Story:
    built = Story(store)
    built.board("ops", {"a": {"command": {"run": "true"}}, "b": {"command": {"run": "true"}}})
    return built


def _lines(store: Store, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told(store, capsys, "events", "-o", "json", *words).splitlines()]


def test_what_happened_is_told_in_order(
    story: Story, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = story.ran("ops/a", "failed", exit_code=3, reason="exit 3")
    seen = _lines(store, capsys, "--job", "a")
    assert [event["event"] for event in seen] == ["queued", "reserved", "finished"]
    assert {event["run"] for event in seen} == {run_id}
    assert (seen[1]["worker"], seen[1]["attempt"]) == ("web-1", 1)
    assert (seen[2]["state"], seen[2]["reason"]) == ("failed", "exit 3")
    last = told(store, capsys, "events", "--job", "a", "-n", "1")
    assert re.fullmatch(rf"\S+Z  finished +{re.escape(run_id)}  failed, exit 3\n", last)


def test_only_what_was_asked_for(story: Story, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for job in ("ops/a", "ops/b", "ops/a"):
        story.ran(job)
    ended = _lines(store, capsys, "--kind", "finished", "--kind", "reserved", "-n", "3")
    assert [(event["event"], event["job"]) for event in ended] == [
        ("finished", "ops/b"),
        ("reserved", "ops/a"),
        ("finished", "ops/a"),
    ]


def test_only_of_what_is_tracked(story: Story, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    tracked, _ = story.ran("ops/a"), story.ran("ops/b")
    assert _lines(store, capsys, "--tracked") == []
    told(store, capsys, "track", tracked)
    kinds = [event["event"] for event in _lines(store, capsys, "--tracked")]
    assert kinds == ["queued", "reserved", "finished", "tracked"]


def test_what_comes_to_be_tracked_is_told_from_then_on(
    story: Story, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    before = events.latest_id(store)
    run_id = story.runs.start_run("ops/a", by="ana")
    told(store, capsys, "track", run_id)
    story.worker()
    (run,) = story.reserve()
    story.finish(run)
    told(store, capsys, "untrack", run_id)
    kinds = [event["event"] for event in _lines(store, capsys, "--tracked", "--after", before)]
    assert kinds == ["tracked", "reserved", "finished", "untracked"]


def test_a_reader_goes_on_behind_an_id(
    story: Story, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    story.ran("ops/a")
    before = _lines(store, capsys, "-n", "1000")
    second = story.ran("ops/b")
    later = _lines(store, capsys, "--after", before[-1]["id"])
    assert {event["run"] for event in later if event["run"]} == {second}
    assert _lines(store, capsys, "--after", "0") == [*before, *later]


def test_more_than_a_page_is_read_to_its_end(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    ids = cast("list[bytes]", [store.client.xadd(store.key("events"), _TOLD_OF) for _ in range(1200)])
    every = _lines(store, capsys, "--after", "0")
    assert [event["id"] for event in every] == [stream_id.decode() for stream_id in ids]
    assert _lines(store, capsys, "-n", "700") == every[-700:]


def test_a_gap_is_said(story: Story, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    story.ran("ops/a")
    assert jobboard(store, "events", "--after", "5-0") == 0
    assert "may be missing" in capsys.readouterr().err
    assert jobboard(store, "events", "--after", "0") == 0
    assert capsys.readouterr().err == ""


def test_followed_as_it_happens_until_nobody_reads(story: Story, store: Store) -> None:
    words = ("events", "-f", "--after", "0", "--kind", "finished", "-o", "json", "--redis", store.url)
    command = [sys.executable, "-m", "jobboard", *words, "--namespace", store.namespace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        for job in ("ops/a", "ops/b"):
            run_id = story.ran(job)
            assert json.loads(reader.stdout.readline())["run"] == run_id
        reader.stdout.close()
        story.ran("ops/a")
        assert reader.wait(10) == 141


def test_a_store_that_goes_away_is_said_with_the_way_on() -> None:
    server = Server({})
    try:
        with Store(server.url, "x") as own:
            added = [own.client.xadd(own.key("events"), _TOLD_OF) for _ in range(2)]
        first, last = (str(cast("bytes", event_id), "ascii") for event_id in added)
        words = ("events", "-f", "--after", first, "--redis", server.url, "--namespace", "x")
        command = [sys.executable, "-m", "jobboard", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert "queued" in reader.stdout.readline()
            server.kill()
            _, said = reader.communicate(timeout=20)
        assert reader.returncode == errors.StoreUnreachable.exit_code
        assert f"--after {last} goes on where this stopped" in said
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--kind", "finish"], "finished"),
        (["--kind", "xyz"], "known are"),
        (["--after", "now"], "-o json"),
        (["-n", "-1"], "from 0 on"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    store: Store, capsys: pytest.CaptureFixture[str], words: list[str], hint: str
) -> None:
    assert jobboard(store, "events", *words) == 64
    assert hint in capsys.readouterr().err


def test_every_kind_that_scripts_tell_of_is_known() -> None:
    sources = [scripts.include_source(i) for s in scripts.script_names() for i in scripts.includes_of(s)]
    sources += [scripts.source_of(s) for s in scripts.script_names()]
    told_of = {kind for source in sources for kind in re.findall(r"(?<![\w.])event\('([^']+)'", source)}
    assert told_of
    assert told_of <= set(events.KINDS)


def test_events_of_one_call_are_told_as_whole_as_any(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    began_ms = now_ms(store)
    push(store, [Parcel(f"push/p{n}", {"command": {"exec": ["true"]}}) for n in range(3)], by="ana")
    seen = _lines(store, capsys)
    assert [event["job"] for event in seen] == ["push/p0", "push/p1", "push/p2"]
    assert [event["event"] for event in seen] == ["queued"] * 3
    assert {event["at"] for event in seen} == {seen[0]["at"]}
    assert seen[0]["at"] >= instant_json(began_ms)
