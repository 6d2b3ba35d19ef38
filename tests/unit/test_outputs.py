from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from jobboard import errors
from jobboard.cli.main import Parser, global_options
from jobboard.cli.outputs import Output, outputs_of, put_file, write_all

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from jobboard.cli.screen import Screen

FORMS = ("text", "json", "markdown")


def parsed(*words: str) -> argparse.Namespace:
    return Parser(parents=[global_options(FORMS, several=True)]).parse_args(words)


def shout(form: str, screen: Screen) -> None:
    screen.line(f"as {form}", "error")


def test_text_is_printed_unless_another_form_is(tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    assert outputs_of(parsed()) == [Output("text")]
    assert outputs_of(parsed("-o", "json")) == [Output("json")]
    assert outputs_of(parsed(f"-omarkdown={file}")) == [Output("markdown", file), Output("text")]
    both = parsed("-o", f"markdown={file}", "--output=json", "-o", f"json={tmp_path / 'x'}", "-o", "json=-")
    assert outputs_of(both) == [Output("markdown", file), Output("json", tmp_path / "x"), Output("json")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "mrkdown"], 'there is no form "mrkdown"; did you mean markdown?'),
        (["-o", "xml=a"], "forms are text, json, markdown; FORM=FILE writes a file"),
        (["-o", "json="], "names no file"),
        (["-o", "json=."], "names no file"),
        (["-o", "json=no/where.json"], "there is no folder no"),
        (["-o", "json", "-o", "markdown"], "-o json and -o markdown would both be printed"),
        (["-o", "json=a", "-o", "markdown=a"], "two outputs go into a"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(words: list[str], said: str) -> None:
    with pytest.raises(errors.UsageError) as raised:
        parsed(*words)
    assert said in f"{raised.value.message} {raised.value.hint}"


def test_files_are_without_colour_and_written_before_anything_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = tmp_path / "plan.md"
    write_all(outputs_of(parsed("-o", f"markdown={file}")), shout)
    assert file.read_text() == "as markdown\n"
    assert capsys.readouterr().out == "\x1b[31mas text\x1b[0m\n"


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    file, link = tmp_path / "plan.md", tmp_path / "link.md"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    with file.open() as reader:
        put_file(link, "new")
        assert reader.read() == "old"
    assert (file.read_text(), link.is_symlink()) == ("new", True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "plan.md"]


def test_a_new_file_has_the_mode_any_program_would_give_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        put_file(tmp_path / "plan.md", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "plan.md").stat().st_mode) == 0o640


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    put_file(pipe, "through")
    reader.join(10)
    assert found == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError) as raised:
        put_file(tmp_path / ("x" * 300), "x")
    assert "cannot be written: file name too long" in raised.value.message
