"""Files as editors, disks and strangers leave them: the code, the words, the way out, and nothing written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from kit.project import Project, dump_of

from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = "board: ops\njobs:\n  a: {run: x, every: 1h}\n  b: {run: x}\n"


def refused(project: Project, *words: str) -> str:
    """lint, plan and sync all end with 65 and leave the store as it was; what sync said."""
    before = dump_of(project.store)
    said = ""
    for command in (["lint"], ["plan"], ["sync", "--auto-approve"]):
        outcome = project.run(*command)
        assert outcome.code == 65, (command, outcome)
        said = outcome.out + outcome.err
        for word in words:
            assert word in said, (command, said)
    assert "nothing was written" in said
    assert dump_of(project.store) == before
    return said


@pytest.fixture(autouse=True)
def _synced(project: Project) -> Iterator[None]:
    """Two good boards to begin with, and a store that holds together whatever was tried."""
    project.path("ops").write_text(GOOD)
    project.board("etl", "c: {run: x}")
    project.sync()
    yield
    assert fsck.check(project.store) == []


@pytest.mark.parametrize("length", range(len("board: ops\njobs:\n"), len(GOOD) - 1, 3))
def test_a_half_saved_file_never_destroys_a_job_that_is_whole_in_it(project: Project, length: int) -> None:
    half = GOOD[:length]
    project.path("ops").write_text(half)
    before = set(project.live("ops"))
    outcome = project.run("sync", "--auto-approve")
    assert outcome.code in (0, 5, 65)
    if outcome.code:
        assert set(project.live("ops")) == before
    else:
        assert "a" in project.live("ops")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["boards/ops.yaml", "empty"]),
        (b"# only a remark\n", ["boards/ops.yaml", "empty"]),
        (b"board: ops\njobs:\n  a: {run: x, every", ["boards/ops.yaml:3"]),
        (bytes(range(256)) * 10, ["boards/ops.yaml"]),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 500, ["boards/ops.yaml"]),
        (GOOD.encode("utf-16"), ["boards/ops.yaml", "UTF-8"]),
        (b"board: ops\njobs:\n  '../x': {run: x}\n", ["boards/ops.yaml:3", "../x"]),
        (b'board: ops\njobs:\n  "a\\nb": {run: x}\n', ["boards/ops.yaml:3", "a\\"]),
        (b'board: ops\njobs:\n  "a/b": {run: x}\n', ["boards/ops.yaml:3", "a/b"]),
        (b"board: ../ops\njobs:\n  a: {run: x}\n", ["boards/ops.yaml:1", "../ops"]),
        (b"board: etl\njobs:\n  a: {run: x}\n", ['board "etl" is in two files']),
        (b"- 1\n- 2\n", ["boards/ops.yaml:1"]),
        (b"board: ops\njobs:\n  a: {run: x, tiemout: 5m}\n", ["3:15", "tiemout", 'did you mean "timeout"?']),
        (b"board: ops\njobs:\n  a: {run: x}\n  a: {run: y}\n", ["boards/ops.yaml:4", "a"]),
        (b"board: ops\njobs:\n  a:\n    run: x\n    cron: * * * * *\n", ["boards/ops.yaml:5", '"* * * * *"']),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_what_is_no_board_changes_nothing(project: Project, content: bytes, words: list[str]) -> None:
    project.path("ops").write_bytes(content)
    refused(project, *words)


def test_a_bomb_of_aliases_is_defused(project: Project) -> None:
    rows = ["board: ops", "x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    rows += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12)]
    project.path("ops").write_text("\n".join(rows) + "\njobs:\n  a: {run: x}\n")
    refused(project, "boards/ops.yaml", "alias")


def test_a_file_of_fifty_megabytes_is_not_read(project: Project) -> None:
    with project.path("ops").open("ab") as file:
        file.truncate(50 * 1024 * 1024)
    refused(project, "boards/ops.yaml", "is larger than", "Split the board")


def test_a_thousand_errors_are_a_page_on_a_terminal_and_all_there_for_programs(project: Project) -> None:
    project.path("ops").write_text(
        "board: ops\njobs:\n" + "".join(f"  j{n}: {{rum: x}}\n" for n in range(1000))
    )
    said = refused(project, "boards/ops.yaml:3", "-o json lists all", "1,000 errors in 1 file")
    assert said.count("\n") < 400
    for command in (["lint"], ["plan"], ["sync", "--auto-approve"]):
        outcome = project.run(*command, "-o", "json")
        assert outcome.code == 65
        value = outcome.json
        listed = value["diagnostics"] if command == ["lint"] else value["error"]["diagnostics"]
        assert len(listed) >= 1000
        assert {entry["line"] for entry in listed} == set(range(3, 1003))


def test_the_errors_of_all_files_are_shown_at_once(project: Project) -> None:
    project.path("ops").write_text("board: ops\njobs:\n  a: {rum: x}\n")
    project.path("etl").write_text("board: etl\njobs:\n  c: {run: x, timeout: soon}\n")
    refused(project, "boards/ops.yaml:3", "boards/etl.yaml:3")


def test_a_file_that_cannot_be_read_is_an_error_and_no_missing_board(project: Project) -> None:
    file = project.path("ops")
    file.unlink()
    file.symlink_to(file.name)
    refused(project, "boards/ops.yaml", "cannot be read")


def test_what_a_board_says_cannot_move_the_cursor(project: Project) -> None:
    project.path("ops").write_text(
        GOOD.replace("b: {run: x}", 'b: {run: "x \\e[2J\\e]0;title\\a \\u202e y"}')
    )
    said = project.run("plan").out
    assert "1 to change" in said
    assert not set(said) & {"\x1b", "\x07", "\u202e"}
    project.ok("set", "b", 'description="\\e[2J"')
    assert "\x1b" not in project.run("plan").out + project.run("sync", "--auto-approve").out


@pytest.mark.parametrize("limit", [0, 300])
def test_a_full_disk_leaves_no_half_of_a_first_board(project: Project, limit: int) -> None:
    """A board file ends up whole or not at all, however much fits."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    folder: Path = project.folder / "first"
    outcome = subprocess.run(
        [sys.executable, "-m", "jobboard", "init", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert outcome.returncode == 1
    assert "cannot write into" in outcome.stderr
    assert "make room" in outcome.stderr
    assert list(folder.iterdir()) == []
    assert project.ok("init", str(folder)).code == 0
