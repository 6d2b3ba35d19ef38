"""Whether somebody is still writing a board, as far as the system tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.daemon.system.linux import IS_LINUX, has_writer
from jobboard.daemon.watcher.halfsaved import are_being_written

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_has_a_writer_for_as_long_as_it_is_open_for_writing(tmp_path: Path) -> None:
    file = tmp_path / "ops.yaml"
    with file.open("w"):
        assert has_writer(file) == IS_LINUX
    assert not has_writer(file)
    with file.open():
        assert not has_writer(file)


def test_what_is_no_file_has_no_writer(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert not has_writer(tmp_path)
    assert not has_writer(tmp_path / "loop")
    assert not has_writer(tmp_path / "none")


def test_boards_and_the_project_file_count_and_nothing_else_does(tmp_path: Path) -> None:
    boards = tmp_path / "boards"
    boards.mkdir()
    for name, counts in (("boards/ops.yaml", True), ("jobboard.yaml", True), ("boards/notes.txt", False)):
        with (tmp_path / name).open("w"):
            assert are_being_written([boards], tmp_path) == (counts and IS_LINUX)
    assert not are_being_written([boards], tmp_path)
    assert not are_being_written([tmp_path / "none"], None)
