"""Runners of a project's own: what they are told, how they answer, and who serves them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.work import PYTHON, board, finished, output, start, working

from jobboard import errors, testing
from jobboard.cli import daemons
from jobboard.core.jobs.resolve import resolve_job
from jobboard.core.jobs.runner import Runner
from jobboard.runners.found import find_runners
from jobboard.source.projectfile import load_project
from jobboard.store.calls import clocks
from jobboard.store.views import fsck
from jobboard.store.views.liveness import check_liveness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kit.project import Project

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store


def spec_of(**keys: Any) -> Spec:
    spec, faults = resolve_job({"runner": "own", **keys}, board="ops", name="job")
    assert faults == []
    return spec


def shell(text: str, answers: Any = "exit") -> Mapping[str, Runner]:
    return {"own": Runner(("/bin/sh", "-c", text), answers)}


def ran(store: Store, home: Path, runners: Mapping[str, Runner], **keys: Any) -> tuple[dict[str, Any], bytes]:
    board(store, {"job": spec_of(**keys)})
    with working(store, home, queues=["common", "common:own"], runners=runners):
        run_id = start(store, "job")
        return finished(store, run_id), output(store, run_id)


def test_a_runner_gets_the_run_as_json(store: Store, tmp_path: Path) -> None:
    keys: dict[str, Any] = {"with": {"module": "x.wasm", "n": 3}, "stdin": "payload"}
    record, said = ran(store, tmp_path, shell("cat"), **keys)
    assert record["state"] == "ok"
    told = json.loads(said)
    assert told.pop("fence") > 0
    assert told == {
        "run": record["id"],
        "job": "ops/job",
        "nominal": told["nominal"],
        "attempt": 1,
        "queue": "common",
        "runner": "own",
        **keys,
    }


def test_a_runner_answers_with_its_exit_code(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, shell("exit 7"), ok_exit=[7])
    assert record["state"] == "ok"


ACKS = r"""
cat >/dev/null
echo plain
echo '{"ack": "progress", "percent": 40, "text": "copying"}'
echo '{"not": "an answer"}'
echo '{"ack": "failure", "percent": 4711}'
"""


def test_a_runner_may_answer_in_lines(store: Store, tmp_path: Path) -> None:
    failure = """echo '{"ack": "failure", "message": "the disk is full", "group": "disk", "exit": 3}'"""
    record, said = ran(store, tmp_path, shell(ACKS + failure, "lines"))
    assert (record["state"], record["exit"], record["group"]) == ("failed", 3, "disk")
    assert record["reason"] == "exit 3: the disk is full"
    # What is no answer is output.
    assert said.decode().split("\n") == [
        "plain",
        '{"not": "an answer"}',
        '{"ack": "failure", "percent": 4711}',
        "",
    ]


def test_a_success_in_lines_counts_whatever_the_exit_code(store: Store, tmp_path: Path) -> None:
    text = """echo '{"ack": "failure", "message": "no"}'; echo '{"ack": "success"}'; exit 9"""
    assert ran(store, tmp_path, shell(text, "lines"))[0]["state"] == "ok"


@pytest.mark.parametrize(("text", "reason"), [("exit 4", "exit 4"), ("kill -KILL $$", "signal SIGKILL")])
def test_without_an_answer_the_end_counts(store: Store, tmp_path: Path, text: str, reason: str) -> None:
    assert ran(store, tmp_path, shell(text, "lines"))[0]["reason"] == reason


def test_a_runner_that_is_not_there_says_so(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, {"own": Runner(("./no-such-runner",), "lines")})
    assert record["reason"] == "exit 127: ./no-such-runner: no such file or directory"


def test_a_timeout_ends_runner_and_all(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, shell("sleep 60", "lines"), timeout="300ms")
    assert record["reason"] == "timeout after 300ms"


def test_only_who_serves_a_runner_gets_its_runs(store: Store, tmp_path: Path) -> None:
    board(store, {"job": spec_of(), "plain": {"command": {"run": "true"}}})
    with working(store, tmp_path / "a"):
        run_id = start(store, "job")
        finished(store, start(store, "plain"))
        (found,) = [f for f in check_liveness(store, clocks.now_ms(store)) if "common:own" in f.message]
        assert found.message.endswith("and no worker serves it")
        assert found.hint == "jobboard worker --runner own"
        assert fsck.check(store) == []
        with working(store, tmp_path / "b", name="v", queues=["common:own"], runners=shell("true")):
            assert finished(store, run_id)["state"] == "ok"
    assert fsck.check(store) == []


def test_a_run_in_a_queue_where_its_runner_is_not_served_fails_in_words(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, {})
    assert record["reason"] == 'this worker serves no runner "own"'


def test_a_package_brings_a_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "brought-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[jobboard.runners]\nsql = brought:run\n")
    (tmp_path / "brought.py").write_text("def run(told): print(told['job'], told['with'])\n")
    (tmp_path / "jobboard.yaml").write_text("runners: {sql: {}}\n")
    path = tmp_path / "ops.yaml"
    path.write_text(f"board: ops\njobs:\n  job: {{runner: sql, with: {{q: 1}}, cwd: {tmp_path}}}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert testing.run(path, "job").text == "ops/job {'q': 1}\n"


def test_the_console_prints_what_it_was_asked_for(store: Store, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match='no runner "console" here'):
        find_runners(["console"], {})
    found = find_runners(["console"], {"console": Runner()})
    board(store, {"job": spec_of(runner="console", **{"with": {"region": "eu"}})})
    with working(store, tmp_path, queues=["common", "common:console"], runners=found):
        record = finished(store, start(store, "job"))
    assert record["state"] == "ok"
    said = json.loads(output(store, record["id"]))
    assert (said["run"], said["with"]) == (record["id"], {"region": "eu"})


def test_a_runner_that_nobody_has_is_refused() -> None:
    with pytest.raises(errors.UsageError, match='there is no runner "none" here'):
        find_runners(["none"], {})
    with pytest.raises(errors.UsageError, match='no package here brings the runner "none"'):
        find_runners(["none"], {"none": Runner()})


PROJECT = f"""\
runners:
  own: {{exec: [{PYTHON}, -c, "import json, sys; print(json.load(sys.stdin)['with'])"]}}
"""


def test_a_board_names_a_runner_of_its_project(project: Project) -> None:
    (project.folder / "jobboard.yaml").write_text(PROJECT)
    project.board("ops", "job: {runner: onw, with: {a: 1}}")
    said = project.run("lint", ".")
    assert said.code == 65
    assert 'boards/ops.yaml:3:17  error  there is no runner "onw"' in said.out + said.err
    assert 'Did you mean "own"?' in said.out + said.err


def test_what_nobody_serves_is_seen_everywhere(project: Project) -> None:
    (project.folder / "jobboard.yaml").write_text(PROJECT)
    project.board("ops", "job: {runner: own, with: {a: 1}}")
    assert "runner own" in project.ok("explain", "job").out
    project.sync(".")
    assert "jobboard worker --runner own" in project.ok("run", "ops/job").out
    assert "jobboard worker --runner own" in project.ok("why", "ops/job").out
    assert "common:own" in project.ok("queues").out
    assert "1 job" in project.ok("pause", "--queue", "common:own", "--reason", "x").out
    project.ok("resume", "--queue", "common:own")
    with working(project.store, project.folder, queues=["common", "common:own"], runners=_runners(project)):
        found: Any = project.store.client.smembers(project.store.key("live", "ops/job"))
        (run_id,) = (raw.decode() for raw in found)
        assert finished(project.store, run_id)["state"] == "ok"
        assert output(project.store, run_id) == b"{'a': 1}\n"


def _runners(project: Project) -> Mapping[str, Runner]:
    common = load_project(project.folder)
    assert common is not None
    return find_runners(["own"], common.runners)


def test_a_worker_serves_the_runners_it_is_told_to(project: Project) -> None:
    (project.folder / "jobboard.yaml").write_text(PROJECT)
    parser = argparse.ArgumentParser()
    daemons.add_worker_options(parser)
    told = ["--queue", "common=4", "--queue", "slow=1", "--runner", "own"]
    args = parser.parse_args(told, argparse.Namespace(read_project=load_project))
    serving = daemons.serving_of(args)
    assert serving.queues[:4] == ("common", "common:own", "slow", "slow:own")
    assert (serving.slots, serving.own_slots["slow:own"]) == (5, 1)
    said = project.run("worker", "--runner", "onw")
    assert (said.code, 'there is no runner "onw" here' in said.err) == (64, True)
    said = project.run("worker", "--queue", "common:own")
    assert (said.code, "write --queue common --runner own" in said.err) == (64, True)
