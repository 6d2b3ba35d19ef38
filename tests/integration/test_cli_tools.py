"""The commands around the others: demo, doctor, fsck, and the two stable forms of next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock
    from kit.server import Server

    from jobboard.store.calls.connect import Store


def process(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jobboard", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


class TestDemo:
    def test_it_runs_everything_it_promises_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        done = process("demo", TMPDIR=str(tmp_path), JOBBOARD_HOME=str(home))
        assert done.returncode == 0, done.stderr
        said = done.stdout
        for line in (
            "hello from demo/hello",
            "and it went well",
            "exit 1 → retry → exit 1 → retry → ok",
            "timeout after 500ms",
            "left goes through the door",
            "right goes through the door",
            "for its lock",
        ):
            assert line in said
        assert "Terminated" not in said
        assert list(tmp_path.iterdir()) == []

    def test_for_programs_it_says_how_each_run_ended(self, tmp_path: Path) -> None:
        done = process("demo", "-o", "json", TMPDIR=str(tmp_path))
        ended = {run.partition("@")[0]: state for run, state in json.loads(done.stdout)["runs"].items()}
        assert ended == {
            "demo/hello": "ok",
            "demo/after-hello": "ok",
            "demo/flaky": "ok",
            "demo/slow": "failed",
            "demo/left": "ok",
            "demo/right": "ok",
        }


class TestNext:
    """Scripts and tests rely on these forms."""

    def fires(self, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
        assert main(["next", *words, "-o", "json"]) == 0
        return [fire["nominal"] for fire in json.loads(capsys.readouterr().out)["fires"]]

    def test_a_cron_expression_in_a_zone(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--cron", "30 2 * * *", "--timezone", "Europe/Madrid", "--from", "2027-03-27T01:30:00Z"]
        assert self.fires(capsys, *words, "-n", "3") == [
            "2027-03-28T01:00:00Z",
            "2027-03-29T00:30:00Z",
            "2027-03-30T00:30:00Z",
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "{every: 3m5s, start: 2027-01-01T00:00:00Z}",
            '{"every": {"minutes": 3, "seconds": 5}, "start": "2027-01-01T00:00:00Z"}',
        ],
    )
    def test_any_schedule_as_yaml_or_json(self, capsys: pytest.CaptureFixture[str], text: str) -> None:
        words = ["--timezone", "UTC", "--from", "2027-01-01T00:00:00Z", "-n", "2"]
        assert self.fires(capsys, "--schedule", text, *words) == [
            "2027-01-01T00:03:05Z",
            "2027-01-01T00:06:10Z",
        ]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--cron", "61 * * * *"], "61 is no minute"),
            (["--cron", "* * * *"], "five fields"),
            (["--schedule", "{evry: 5m}"], "evry"),
            (["--schedule", "{every: soon}"], "soon"),
            (["--cron", "0 2 * * *", "--timezone", "Europe/Madird"], "Europe/Madird"),
        ],
    )
    def test_an_invalid_one_exits_65_with_a_diagnostic(
        self, capsys: pytest.CaptureFixture[str], words: list[str], message: str
    ) -> None:
        assert main(["next", *words, "-o", "json"]) == 65
        said: Any = json.loads(capsys.readouterr().out)["error"]
        assert message in json.dumps(said["diagnostics"])
        assert said["diagnostics"][0]["column"] >= 1

    def test_neither_a_store_nor_its_library_is_needed(self) -> None:
        script = (
            "import sys; from jobboard.cli.main import main; main(['next', '--cron', '0 0 * * *']); "
            "sys.exit('redis' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert done.returncode == 0


class TestPrev:
    def test_it_lists_what_next_would_have_newest_first(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--cron", "30 2 * * *", "--timezone", "Europe/Madrid", "-n", "3", "-o", "json"]
        assert main(["prev", "--from", "2027-03-30T00:30:00Z", *words]) == 0
        fires = json.loads(capsys.readouterr().out)["fires"]
        assert [fire["nominal"] for fire in fires] == [
            "2027-03-30T00:30:00Z",
            "2027-03-29T00:30:00Z",
            "2027-03-28T01:00:00Z",
        ]
        assert [fire.get("shift") for fire in fires] == [None, None, "gap"]

    def test_it_goes_back_no_further_than_it_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--schedule", "{every: 1h, phase: 0s}", "--from", "2027-01-01T02:30:00Z"]
        assert main(["prev", *words, "--since", "2027-01-01T01:00:00Z"]) == 0
        assert [line[-20:].strip() for line in capsys.readouterr().out.splitlines()[1:]] == [
            "2027-01-01T02:00:00Z",
            "2027-01-01T01:00:00Z",
        ]
        assert main(["prev", *words, "--since", "2027-01-01T02:15:00Z"]) == 0
        assert "Never yet" in capsys.readouterr().out

    def test_what_an_exclusion_puts_off_is_marked(self, capsys: pytest.CaptureFixture[str]) -> None:
        schedule = '{cron: "0 2 * * *", exclude: ["* * * * 6,0"], on_exclude: defer}'
        words = ["--schedule", schedule, "-n", "2"]
        assert main(["next", *words, "--from", "2026-03-06T12:00:00Z"]) == 0
        first, second = capsys.readouterr().out.splitlines()[1:]
        assert "2026-03-09T00:00:00Z" in first
        assert "put off" in first
        assert "put off" not in second

    def test_a_job_that_is_held_is_marked(
        self, store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        board = tmp_path / "b.yaml"
        board.write_text("board: b\njobs:\n  j: {run: a, every: 1h}\n")
        assert jobboard(store, "sync", str(board), "--auto-approve") == 0
        assert jobboard(store, "pause", "b/j") == 0
        capsys.readouterr()
        assert [fire["held"] for fire in asked(store, capsys, "next", "j", "-n", "2")["fires"]] == [
            True,
            True,
        ]
        earlier = asked(store, capsys, "prev", "j", "-n", "2")["fires"]
        assert [fire["job"] for fire in earlier] == ["b/j", "b/j"]
        assert not any("held" in fire for fire in earlier)


class TestDoctor:
    def test_it_says_who_is_missing(self, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        said = told(store, capsys, "doctor")
        assert "nobody schedules" in said
        assert "no worker" in said

    def test_a_queue_nobody_serves_is_an_error(
        self, store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        board = tmp_path / "ops.yaml"
        board.write_text("board: ops\njobs: {a: {run: 'true', queue: slow}}\n")
        assert jobboard(store, "sync", str(board), "--auto-approve", "--allow-dirty") == 0
        assert jobboard(store, "run", "ops/a") == 0
        capsys.readouterr()
        assert jobboard(store, "doctor", "-o", "json") == 1
        findings = json.loads(capsys.readouterr().out)["findings"]
        wrong = [finding for finding in findings if finding["level"] == "error"]
        assert [finding["topic"] for finding in wrong] == ["queues"]
        assert wrong[0]["hint"] == "jobboard worker --queue slow"

    def test_how_long_the_first_has_waited_is_told_as_spans_are(
        self, store: Store, capsys: pytest.CaptureFixture[str], clock: StoreClock
    ) -> None:
        story = Story(store)
        story.board("ops", {"a": {"command": {"run": "true"}}})
        story.worker("w1")
        story.runs.start_run("ops/a", by="ana")
        for waited_ms, said in ((64_000, "1m4s"), (3_600_000, "1h1m4s")):
            clock.advance(waited_ms)
            story.worker("w1")
            assert f"queue common: 1 waiting, the first for {said} " in told(store, capsys, "doctor")

    def test_eviction_is_reported(
        self, server: Server, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            said = told(store, capsys, "doctor")
        finally:
            store.client.config_set("maxmemory-policy", "noeviction")
        assert "the server throws jobs away" in said


class TestFsck:
    def test_what_holds_together_says_so(self, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        assert "Everything holds together" in told(store, capsys, "fsck")

    def test_what_does_not_is_named_and_mended(
        self, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.client.zadd(store.key("sched"), {"ops/ghost": 1})
        assert jobboard(store, "fsck") == 1
        assert "ops/ghost" in capsys.readouterr().out
        assert jobboard(store, "fsck", "--repair", "-o", "json") == 0
        said = json.loads(capsys.readouterr().out)
        assert [found["subject"] for found in said["repaired"]] == ["ops/ghost"]
        assert said["problems"] == []
