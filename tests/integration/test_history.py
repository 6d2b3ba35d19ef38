"""What is remembered of every sync: the list, one in full, what lies between two, whose a field is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.store.boards import history, staging
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project


@pytest.fixture(autouse=True)
def _synced(project: Project) -> None:
    """Three revisions: three jobs; one changed, one gone, one new; another board."""
    project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x}\nc: {run: x, env: {X: one, Y: two}}")
    project.commit("first")
    project.sync("--reason", "to begin with")
    project.board("ops", "a: {run: x, timeout: 2m}\nc: {run: x, env: {X: three, Y: two}}\nd: {run: y}")
    project.sync()
    project.board("web", "w: {run: w}")
    project.commit("third")
    project.sync("--as", "luis")


def listed(project: Project, *words: str) -> list[int]:
    return [r["revision"] for r in project.ok("history", *words, "-o", "json").json["revisions"]]


def test_it_lists_who_synced_what(project: Project) -> None:
    newest, second, first = project.ok("history", "-o", "json").json["revisions"]
    assert (newest["revision"], newest["by"], newest["boards"]) == (3, "luis", ["web"])
    assert newest["commit"] == project.git("rev-parse", "HEAD")
    assert (newest["branch"], newest["author"], newest["dirty"]) == ("main", "ana <ana@example.org>", False)
    assert (second["dirty"], second["counts"]) == (True, {"add": 1, "change": 2, "destroy": 1})
    assert (first["by"], first["via"], first["reason"]) == ("ana", "cli", "to begin with")
    lines = project.ok("history").out.splitlines()
    assert lines[1].startswith("3 ")
    assert "luis" in lines[1]
    assert lines[2].split()[-1] == "-1"
    assert "dirty" in lines[2]
    assert lines[3].endswith("to begin with")


def test_it_is_narrowed_to_a_board_and_to_a_job(project: Project) -> None:
    assert listed(project) == [3, 2, 1]
    assert listed(project, "-n", "2") == [3, 2]
    assert listed(project, "ops") == [2, 1]
    assert listed(project, "web") == [3]
    assert listed(project, "ops/a") == listed(project, "a") == [2, 1]
    assert listed(project, "d") == [2]
    assert listed(project, "ops/b") == [2, 1], "a job that is gone has a history"
    project.path("web").unlink()
    project.sync("--prune-board", "web")
    assert listed(project, "web") == [4, 3], "and so has a board"
    refused = project.run("history", "nobody")
    assert refused.code == 64
    assert "there is no job nobody" in refused.err
    assert "jobboard history show 2 shows revision 2" in project.run("history", "2").err


def test_it_shows_one_revision_job_by_job(project: Project) -> None:
    said = project.ok("history", "show", "2").out
    assert project.ok("show", "2").out == project.ok("show", "r2").out == said
    assert "there is no revision 99" in project.run("show", "99").err
    assert "Revision 2" in said
    assert "  a commit by ana <ana@example.org>\n" in said
    assert "~ ops/a\n        timeout    1m  →  2m" in said
    assert "- ops/b" in said
    assert "env.X      one  →  three" in said
    assert "+ ops/d" in said
    changes = {c["job"]: c for c in project.ok("history", "show", "r2", "-o", "json").json["changes"]}
    assert changes["ops/b"]["before"] == {"command": {"run": "x"}}
    assert changes["ops/a"]["after"]["timeout"] == 120_000
    assert changes["ops/a"]["fields"] == [
        {"path": "timeout", "before": 60_000, "after": 120_000, "unit": "ms"}
    ]
    for words, error in (
        (["show", "9"], "no revision 9"),
        (["show", "x"], "is no revision"),
        (["a", "b"], "one"),
    ):
        refused = project.run("history", *words)
        assert (refused.code, error in refused.err) == (64, True)


def test_a_record_is_remembered_by_what_the_file_said(project: Project) -> None:
    project.ok("set", "ops/a", "timeout=9m")
    project.board("ops", "a: {run: x, timeout: 9m}\nc: {run: x, env: {X: three, Y: two}}\nd: {run: y}")
    project.sync()
    (change,) = project.ok("history", "show", "4", "-o", "json").json["changes"]
    assert change["action"] == "record"
    assert change["fields"] == [{"path": "timeout", "before": 120_000, "after": 540_000, "unit": "ms"}]


def test_it_tells_what_lies_between_two(project: Project) -> None:
    def between(*words: str) -> dict[str, Any]:
        found = project.ok("diff", *words, "-o", "json").json
        return {c["job"]: (c["action"], [f["path"] for f in c["fields"]]) for c in found["changes"]}

    assert between("1", "2") == {
        "ops/a": ("change", ["timeout"]),
        "ops/b": ("destroy", ["command"]),
        "ops/c": ("change", ["env.X"]),
        "ops/d": ("add", ["command"]),
    }
    assert between("2") == {"web/w": ("add", ["command"])}
    assert between("0", "1").keys() == {"ops/a", "ops/b", "ops/c"}
    assert between("2", "1")["ops/b"] == ("add", ["command"])
    assert between("1", "--board", "web").keys() == {"web/w"}
    assert between("3") == {}
    assert "said the same" in project.ok("diff", "3").out
    assert "~ ops/a\n        timeout    1m  →  2m" in project.ok("diff", "1", "2").out
    patch = project.ok("diff", "1", "2", "-o", "diff", "-o", "json=diff.json").out
    assert "--- a/ops/a\n+++ b/ops/a\n" in patch
    assert "-timeout: 1m\n+timeout: 2m\n" in patch
    assert json.loads((project.folder / "diff.json").read_text())["to"] == 2
    for words in (["7"], ["1", "2", "3"], ["one"]):
        assert project.run("diff", *words).code == 64


def test_it_says_whose_each_field_is(project: Project) -> None:
    project.ok("set", "ops/a", "queue=slow", "--as", "eva")
    fields = {f["path"]: f for f in project.ok("blame", "ops/a", "-o", "json").json["fields"]}
    assert (fields["command"]["revision"], fields["timeout"]["revision"]) == (1, 2)
    assert (fields["queue"]["origin"], fields["queue"]["by"]) == ("live", "eva")
    assert (fields["timeout"]["unit"], fields["queue"]["unit"]) == ("ms", None)
    said = project.ok("blame", "a").out
    assert "revision 1" in said
    assert "live edit  eva (cli)" in said
    env = {f["path"]: f["revision"] for f in project.ok("blame", "c", "-o", "json").json["fields"]}
    assert (env["env.X"], env["env.Y"]) == (2, 1)


def test_a_revision_without_its_number_is_asked_for(project: Project) -> None:
    for words in (["show"], ["shw", "3"]):
        refused = project.run("history", *words)
        assert refused.code == 64
        assert "as in  jobboard history show 12" in refused.err


def test_only_the_newest_are_kept_job_by_job(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "KEPT_CHANGES", 2)
    project.board("web", "w: {run: w2}")
    project.sync()
    assert listed(project) == [4, 3, 2, 1]
    assert "no longer kept" in project.ok("history", "show", "2").out
    refused = project.run("diff", "1", "4")
    assert refused.code == 5
    assert "jobboard history" in refused.err
    assert project.run("diff", "2", "4").code == 0
    assert "longer ago than is known" in project.ok("blame", "ops/a").out
    assert check(project.store) == []


def test_changes_nobody_made_are_found_and_mended(project: Project) -> None:
    stage = staging.begin(project.store)
    staging.stage_changes(project.store, stage, "left", {"ops/a": history.encode_change("add", None, None)})
    assert check(project.store) == []
    project.store.client.zrem(project.store.key("stages"), str(stage.id))
    (problem,) = [p for p in check(project.store) if p.kind == "changes"]
    assert problem.words == "has changes that no revision made"
    project.ok("fsck", "--repair")
    assert check(project.store) == []
