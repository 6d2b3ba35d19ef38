"""Every way in which `plan` and `sync` say no for safety, caused, each with what its message says to type.

A row is a refusal: how it comes about, the exit code, words of its message, and the arguments that it
names. The test sees that nothing is written without them, and that with them the sync goes through.
"""

from __future__ import annotations

import argparse
import io
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from kit.project import Project, dump_of

from jobboard.cli.commands import watch
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Row:
    """One refusal.

    Attributes:
        code: What a plan in JSON calls it; None for what is no guard of the plan.
        arrange: Brings it about: the next sync of the project is refused.
        exit_code: How that sync ends.
        says: Words of its message.
        lift: Arguments that let it through; the message names them. None where no flag does.
        hint: What the message names instead of a flag.
    """

    code: str | None
    arrange: Callable[[Project], None]
    exit_code: int
    says: str
    lift: tuple[str, ...] | None
    hint: str = ""


def two_commits(project: Project) -> None:
    """The board as of two commits, the later one synced, the earlier one checked out."""
    for run in ("x", "y"):
        project.board("ops", f"a: {{run: {run}}}")
        project.commit(run)
        project.sync()
    project.git("checkout", "-q", "HEAD~1")


def of_a_shallow_clone(project: Project) -> None:
    """The history grew and was then cut off, this side of the commit that was synced."""
    project.board("ops", "a: {run: x}")
    project.commit("x")
    project.git("remote", "add", "origin", "https://example.org/one.git")
    project.sync()
    project.board("ops", "a: {run: y}")
    project.commit("y")
    project.cut_off()


def of_another_repository(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.commit()
    project.git("remote", "add", "origin", "https://example.org/one.git")
    project.sync()
    project.git("remote", "set-url", "origin", "https://example.org/other.git")
    project.board("ops", "a: {run: y}")
    project.commit()


def uncommitted(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.commit()
    project.share()
    project.sync()
    project.board("ops", "a: {run: y}")


def emptied(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.sync()
    project.board("ops", "")


def decimated(project: Project) -> None:
    project.board("ops", "\n".join(f"j{n}: {{run: x}}" for n in range(10)))
    project.sync()
    project.board("ops", "\n".join(f"j{n}: {{run: x}}" for n in range(6)))


def vanished(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.board("etl", "b: {run: x}")
    project.sync()
    project.path("ops").unlink()


def protected(project: Project) -> None:
    project.board("ops", "a: {run: x, protected: true}\nb: {run: x}")
    project.sync()
    project.board("ops", "b: {run: x}")


def bereft(project: Project) -> None:
    project.board("ops", "a: {run: x}\nb: {run: x}")
    more = project.folder / "more"
    more.mkdir()
    shutil.move(project.board("etl", "c: {run: x, after: ops/a}"), more)
    project.sync("boards", "more")
    project.board("ops", "b: {run: x}")


def forbidden_drift(project: Project) -> None:
    project.board("ops", "a: {run: x}", head="reconcile: {on_drift: fail}\n")
    project.sync()
    project.ok("set", "ops/a", "timeout=5m")


def conflict(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}")
    project.sync()
    project.ok("set", "ops/a", "timeout=5m")
    project.board("ops", "a: {run: x, timeout: 9m}")


ROWS = {
    "a later commit was synced": Row(
        "rewind", two_commits, 5, "does not descend from it", ("--allow-rewind",)
    ),
    "a shallow clone cannot tell": Row(
        "rewind",
        of_a_shallow_clone,
        5,
        "this shallow clone cannot tell",
        ("--allow-rewind",),
        "fetch-depth: 0",
    ),
    "another repository owns it": Row(
        "owner", of_another_repository, 3, "is owned by https://example.org/one.git", ("--take-ownership",)
    ),
    "no commit holds it": Row("dirty", uncommitted, 5, "in no commit", ("--allow-dirty",)),
    "a board would be emptied": Row("empty", emptied, 5, "from 1 job to none", ("--allow-empty",)),
    "many jobs would go": Row("many", decimated, 5, "lose 4 of its 10 jobs", ("--allow-destroy", "4")),
    "a board's file is gone": Row(
        "vanished", vanished, 5, "boards/ops.yaml is gone", ("--prune-board", "ops")
    ),
    "a job is protected": Row("protected", protected, 5, "ops/a is protected", None, "`protected: false`"),
    "another board depends on it": Row("depends", bereft, 5, "etl/c runs after ops/a", None, "change etl/c"),
    "drift is forbidden": Row(
        "drift", forbidden_drift, 3, "ops/a was edited live: timeout", ("--on-drift", "keep")
    ),
    "drift is forbidden, and is taken back": Row(
        "drift", forbidden_drift, 3, "ops/a was edited live: timeout", ("--on-drift", "revert")
    ),
    "both changed; the file wins": Row(None, conflict, 3, "timeout", ("--on-conflict", "file")),
    "both changed; Redis wins": Row(None, conflict, 3, "timeout", ("--on-conflict", "live")),
}


@pytest.fixture(params=ROWS)
def row(request: pytest.FixtureRequest, project: Project) -> Row:
    """A refusal, brought about."""
    found: Row = ROWS[request.param]
    found.arrange(project)
    return found


def test_a_refusal_writes_nothing_and_names_what_lifts_it(project: Project, row: Row) -> None:
    before = dump_of(project.store)
    planned = project.run("plan")
    assert planned.code == row.exit_code, planned
    assert "A sync would write none of it" in planned.out
    refused = project.run("sync", "--auto-approve")
    assert refused.code == row.exit_code, refused
    assert "nothing was written" in refused.err
    for said in (planned.out, refused.out):
        assert row.says in said
        assert row.hint in said
        assert " ".join(row.lift or ()) in said
    assert dump_of(project.store) == before


def test_a_plan_for_programs_says_it_too(project: Project, row: Row) -> None:
    plan = project.plan()
    assert not plan["applyable"]
    assert not plan["empty"]
    found = [refusal for board in plan["boards"] for refusal in board["refusals"]]
    assert [refusal["code"] for refusal in found] == ([row.code] if row.code else [])
    for refusal in found:
        assert row.says in refusal["message"]
        assert " ".join(row.lift or (row.hint,)) in refusal["way_out"]


def test_what_it_names_lifts_it(project: Project, row: Row) -> None:
    if row.lift is None:
        lifted = project.run("sync", "--auto-approve", "--allow-empty", "--allow-destroy", "99")
        assert lifted.code == row.exit_code
        return
    planned = project.plan(*row.lift)
    assert planned["applyable"], planned
    project.sync(*row.lift)
    again = project.run("plan", "--detailed-exitcode", *row.lift)
    assert again.code == 0, again


def test_the_store_of_others_is_watched_only_when_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBBOARD_REDIS_URL", "redis://redis.invalid")
    for command in ("watch", "up"):
        refused = project.run(command)
        assert refused.code == 5
        assert "--shared" in refused.err
        assert "watch: true" in refused.err
        project.board("ops", "a: {run: x}")
        assert project.run(command, "--shared", "--store-wait", "0s").code == 69
    project.folder.joinpath("jobboard.yaml").write_text("environments: {far: {watch: true}}\n")
    assert project.run("watch", "--env", "far", "--store-wait", "0s").code == 69


def test_nobody_to_ask_is_refused(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    before = dump_of(project.store)
    refused = project.run("sync")
    assert refused.code == 64
    for flag in ("--auto-approve", "--expect-digest"):
        assert flag in refused.err
    assert dump_of(project.store) == before
    digest = project.plan()["digest"]
    assert project.run("sync", "--expect-digest", "sha256:" + "0" * 64).code == 4
    project.ok("sync", "--expect-digest", digest)


def test_a_watched_store_of_others_keeps_to_its_branch(project: Project) -> None:
    """What `watch` refuses there; with --take-over it goes through."""

    def look(*words: str) -> str:
        parser = argparse.ArgumentParser()
        watch.configure(parser)
        args = parser.parse_args(["--shared", *words])
        args.read_project = lambda root: None
        said = io.StringIO()
        watch.watcher_of(args, Settings.from_args(args), project.store, Screen(said)).look()
        return said.getvalue()

    project.share()
    project.board("ops", "a: {run: x}")
    project.commit("x")
    assert "Synced: revision 1." in look()
    project.git("checkout", "-q", "-b", "feature")
    project.board("ops", "a: {run: y}")
    project.commit("y")
    before = dump_of(project.store)
    refused = look()
    assert "was last synced from branch main, and this is branch feature" in refused
    assert "--take-over" in refused
    assert dump_of(project.store) == before
    assert "Synced: revision 2." in look("--take-over")
    project.git("checkout", "-q", "main")
    assert "Synced: revision 3." in look("--take-over")
