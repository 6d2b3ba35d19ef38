from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobboard.daemon.worker.envfile import BadFile, parse, read_files

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_are_names_and_values() -> None:
    text = "# who\nA=1\n\n export B = two words \nC='$A'\nD=\"x=y\"\nE=\nA=2\n"
    assert parse(text, "f") == {"A": "2", "B": "two words", "C": "$A", "D": "x=y", "E": ""}


@pytest.mark.parametrize("line", ["A", "1A=x", "=x", "A B=c", "A=\0", "JOBBOARD_JOB=x"])
def test_what_is_none_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(BadFile, match=r"line 2 of f is not NAME=VALUE"):
        parse(f"A=1\n{line}\n", "f")


def test_later_files_win_and_some_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("A=1\nB=1\n")
    (tmp_path / "two").write_text("B=2\n")
    names = ["one", "-three", str(tmp_path / "two")]
    assert read_files(names, str(tmp_path)) == {"A": "1", "B": "2"}
    with pytest.raises(BadFile, match=r"there is no .*/three where the worker runs"):
        read_files(["three"], str(tmp_path))
    with pytest.raises(BadFile, match="cannot be read: Is a directory"):
        read_files(["."], str(tmp_path))
    (tmp_path / "huge").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(BadFile, match="over 1 MiB"):
        read_files(["huge"], str(tmp_path))
