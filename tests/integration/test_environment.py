"""Environments of the project file, all the way into a store."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import pytest
from kit.project import Project

from jobboard import errors
from jobboard.cli.daemons import refuse_shared
from jobboard.settings import Settings
from jobboard.source.projectfile import load_project
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store

FILE = """\
environments:
  here: {{redis: "{url}", namespace: {namespace}, variables: {{HOST: h1}}}}
  far: {{redis: "redis://far.example.org", watch: true}}
  farther: {{redis: "redis://far.example.org"}}
default_environment: here
defaults: {{timeout: 5m}}
"""


@pytest.fixture
def project(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    made = Project(tmp_path, store, monkeypatch, capsys)
    for name in ("JOBBOARD_REDIS_URL", "JOBBOARD_NAMESPACE", "JOBBOARD_ENV"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "jobboard.yaml").write_text(FILE.format(url=store.url, namespace=store.namespace))
    return made


def test_a_sync_goes_where_the_environment_says(project: Project) -> None:
    project.board("b", "j: {run: 'ping ${var:HOST}', every: 1h}\nk: {run: x}")
    project.sync()
    assert project.spec("b/j")["command"] == {"run": "ping h1"}
    assert project.spec("b/k") == {"command": {"run": "x"}, "timeout": 300_000}
    assert project.counts() == {}


def test_another_value_of_a_variable_that_is_used_is_a_change(project: Project) -> None:
    project.board("b", "j: {run: 'ping ${var:HOST}', every: 1h}")
    project.board("c", "k: {run: x}")
    project.sync()
    assert project.counts("--var", "OTHER=1") == {}
    assert project.counts("--var", "HOST=h2") == {"change": 1}
    project.sync("--var", "HOST=h2")
    assert project.spec("b/j")["command"] == {"run": "ping h2"}


def test_other_defaults_of_the_project_are_a_change_of_every_board(project: Project) -> None:
    project.board("b", "j: {run: x}")
    project.board("c", "k: {run: x}")
    project.sync()
    file = project.folder / "jobboard.yaml"
    file.write_text(file.read_text().replace("5m", "6m"))
    assert project.counts() == {"change": 2}


def test_jobs_of_one_template_come_and_go(project: Project) -> None:
    project.board("b", "j: {for_each: [x, y], run: 'r ${each:key}'}")
    project.sync()
    assert sorted(project.live("b")) == ["j-x", "j-y"]
    project.board("b", "j: {for_each: [y, z], run: 'r ${each:key}'}")
    assert project.counts() == {"add": 1, "destroy": 1}


def test_the_origin_of_a_project_outside_git_is_what_its_file_says(project: Project) -> None:
    file = project.folder / "jobboard.yaml"
    file.write_text(file.read_text() + "origin: shop-jobs\n")
    project.board("b", "j: {run: x}")
    project.sync()
    file.write_text(file.read_text().replace("shop-jobs", "somebody-else"))
    assert project.run("sync", "--auto-approve").code == 3


def test_a_shared_store_is_watched_where_the_project_allows_it(project: Project) -> None:
    def settings(environment: str) -> Settings:
        read = Namespace(read_project=lambda root: load_project(root, environment=environment))
        return Settings.from_args(read, {}, project.folder)

    refuse_shared(settings("far"), shared=False)
    with pytest.raises(errors.Refused, match="may be shared"):
        refuse_shared(settings("farther"), shared=False)


class TestPolicies:
    """What becomes of live edits: by flag, else board, environment, project, else as built in."""

    @pytest.fixture(autouse=True)
    def _drifted(self, project: Project) -> None:
        project.board("b", "j: {run: x}")
        project.sync()
        project.ok("set", "b/j", "timeout=7m")

    def say(self, project: Project, *, of_all: str = "", of_here: str = "", of_board: str = "") -> None:
        text = FILE.format(url=project.store.url, namespace=project.store.namespace)
        if of_all:
            text += f"reconcile: {{on_drift: {of_all}}}\n"
        if of_here:
            text = text.replace("variables: {HOST", f"reconcile: {{on_drift: {of_here}}}, variables: {{HOST")
        (project.folder / "jobboard.yaml").write_text(text)
        project.board("b", "j: {run: x}", head=f"reconcile: {{on_drift: {of_board}}}\n" if of_board else "")

    def test_the_higher_one_wins(self, project: Project) -> None:
        assert project.counts() == {}
        self.say(project, of_all="revert")
        assert project.counts() == {"change": 1}
        assert project.counts("--on-drift", "keep") == {}
        self.say(project, of_all="revert", of_here="fail")
        refused = project.run("sync", "--auto-approve")
        assert refused.code == 3
        assert "b/j was edited live: timeout" in refused.err
        self.say(project, of_all="revert", of_here="fail", of_board="keep")
        assert project.counts() == {}
        self.say(project, of_here="revert")
        project.sync()
        assert project.spec("b/j")["timeout"] == 300_000

    def test_explain_says_who_said_it(self, project: Project) -> None:
        self.say(project, of_all="revert", of_here="fail", of_board="keep")
        values = {value["path"]: value for value in project.ok("explain", "b/j", "-o", "json").json["values"]}
        policy = values["reconcile.on_drift"]
        assert policy["value"] == "keep"
        layers = [source["layer"] for source in policy["said"]]
        assert layers == ["project", "environment here", "board"]
        assert policy["source"]["file"] == "boards/b.yaml"
        assert "reconcile.on_drift" in project.ok("explain", "b/j").out
        assert "reconcile.on_conflict" not in values

    def test_a_field_has_a_policy_of_its_own(self, project: Project) -> None:
        file = project.folder / "jobboard.yaml"
        file.write_text(file.read_text() + "reconcile: {fields: {timeout: {on_drift: revert}}}\n")
        assert project.counts() == {"change": 1}
        values = {value["path"]: value for value in project.ok("explain", "b/j", "-o", "json").json["values"]}
        source = values["reconcile.fields.timeout.on_drift"]["source"]
        assert (source["layer"], source["line"]) == ("project, timeout", 7)

    def test_what_contradicts_itself_is_an_error_with_its_place(self, project: Project) -> None:
        file = project.folder / "jobboard.yaml"
        before = file.read_text()
        file.write_text(before + "reconcile: {on_drift: revert, on_conflict: live}\n")
        refused = project.run("plan")
        assert refused.code == 65
        assert "jobboard.yaml:7:44" in refused.err
        assert "on_conflict: file" in refused.err
        file.write_text(before + "reconcile: {on_drift: sometimes}\n")
        refused = project.run("lint")
        assert refused.code == 65
        assert "jobboard.yaml:7:" in refused.err
        file.write_text(before + "reconcile: {on_drift: revert}\n")
        project.board("b", "j: {run: x}", head="reconcile: {on_conflict: live}\n")
        refused = project.run("plan")
        assert refused.code == 64
        assert "on_conflict: live keeps what on_drift: revert" in refused.err

    def test_what_becomes_of_runs_of_jobs_that_go_is_said_there_too(self, project: Project) -> None:
        file = project.folder / "jobboard.yaml"
        file.write_text(file.read_text() + "reconcile: {on_prune: cancel}\n")
        project.sync()
        record = definitions.read_board(project.store, "b")
        assert record is not None
        assert record.meta["reconcile"] == {"on_prune": "cancel"}
        project.board("b", "j: {run: x}", head="reconcile: {on_prune: drain}\n")
        project.sync()
        record = definitions.read_board(project.store, "b")
        assert record is not None
        assert record.meta["reconcile"] == {"on_prune": "drain"}
