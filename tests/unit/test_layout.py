from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobboard.cli.main import main
from jobboard.source.files import SourceFile
from jobboard.source.layout import laid_out, meaning_of
from jobboard.source.loader import load

CORPUS = Path(__file__).parent.parent / "corpus"
NOW_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z

BEFORE = """\
# yaml-language-server: $schema=x
# header

# about jobs
jobs:

  # about a
  a:
    timeout: 5m   # five
    # the cron
    # of it
    cron: 0 2 * * *
    run: |
      # not a comment
      echo\x20\x20

    retries:
      delay: 5s
      max: 3\x20\x20
    description: 'it''s'
    # tail of a
  # about b
  b: {timeout: 5m, run: 'x'}

  c:
    env: {A: 'x "y"', B: 'z'}
    run: "a"
board: 'b'


"""
AFTER = """\
# yaml-language-server: $schema=x
# header

board: "b"
# about jobs
jobs:
  # about a
  a:
    description: "it's"
    run: |
      # not a comment
      echo\x20\x20
    # the cron
    # of it
    cron: "0 2 * * *"
    timeout: 5m   # five

    retries:
      max: 3
      delay: 5s
    # tail of a
  # about b
  b: {timeout: 5m, run: "x"}

  c:
    run: "a"
    env: {A: 'x "y"', B: "z"}
"""


def test_keys_are_in_order_and_comments_go_with_them() -> None:
    assert laid_out(BEFORE) == AFTER
    assert laid_out(AFTER) == AFTER


@pytest.mark.parametrize("path", sorted(CORPUS.glob("valid/*.yaml")), ids=lambda path: path.stem)
def test_layout_changes_no_board_of_the_corpus_and_is_done_in_one_go(path: Path) -> None:
    content = path.read_bytes().decode("utf-8-sig")
    after = laid_out(content)
    assert laid_out(after) == after
    assert meaning_of(after) == meaning_of(content)
    specs = [
        load([SourceFile("b.yaml", text.encode(), "d")], NOW_MS).boards[0].jobs for text in (content, after)
    ]
    assert specs[0] == specs[1]
    assert sorted(comments(content)) == sorted(comments(after))


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("board: b\njobs: {}", "board: b\njobs: {}\n"),
        ("board: b\r\njobs: {}\r\n", "board: b\njobs: {}\n"),
        ("jobs: {}\nboard: b\n", "board: b\njobs: {}\n"),
        ("---\njobs: {}\nboard: b\n", "---\nboard: b\njobs: {}\n"),
        ("# only\njobs: {}\n# board\nboard: b\n# end\n", "# only\n# board\nboard: b\njobs: {}\n# end\n"),
        (
            "board: b\njobs: {}\ndescription: 'say \"hi\"'\n",
            "board: b\ndescription: 'say \"hi\"'\njobs: {}\n",
        ),
        ("board: b\njobs: {}\ndescription: 'a\\b'\n", "board: b\ndescription: 'a\\b'\njobs: {}\n"),
        (
            "board: b\njobs:\n  a: &x\n    run: &y 'r'\n    cron: 0 2 * * *\n    description: *y\n",
            'board: b\njobs:\n  a: &x\n    run: &y "r"\n    cron: "0 2 * * *"\n    description: *y\n',
        ),
        (
            "owner: x\nboard: b\njobs:\n  a:\n    stdin: |+\n      x\n\n    run: r\n",
            "owner: x\nboard: b\njobs:\n  a:\n    stdin: |+\n      x\n\n    run: r\n",
        ),
        (
            "board: b\njobs:\n  a:\n    run: r\n    stdin: |+\n      x\n\n\n",
            "board: b\njobs:\n  a:\n    run: r\n    stdin: |+\n      x\n\n\n",
        ),
    ],
)
def test_the_layout_of_small_things(before: str, after: str) -> None:
    assert laid_out(before) == after
    assert meaning_of(after) == meaning_of(before)
    assert laid_out(after) == after


VALUES: dict[str, Any] = {
    "run": "x",
    "description": "it's",
    "timeout": "5m",
    "queue": "q",
    "cron": "0 2 * * *",
}


@st.composite
def boards(draw: st.DrawFn) -> str:
    """A board with its keys in any order, with comments and gaps between them."""

    def between(indent: str) -> str:
        words = draw(st.lists(st.sampled_from(["", "# one", "#two"]), max_size=3))
        return "".join(f"{indent}{word}\n" if word else "\n" for word in words)

    jobs = ""
    for name in draw(st.permutations(["a", "b", "c"])):
        jobs += between("  ") + f"  {name}:\n"
        for key in draw(st.permutations(list(VALUES))):
            value = yaml.dump(VALUES[key], default_style=draw(st.sampled_from(["'", '"']))).strip()
            jobs += between("    ") + f"    {key}: {value}{draw(st.sampled_from(['', '  # why']))}\n"
    parts = [f"{between('')}board: b\n", f"{between('')}jobs:\n{jobs}", f"{between('')}owner: 'me'\n"]
    return "".join(draw(st.permutations(parts))) + between("")


@given(boards())
def test_no_layout_loses_a_comment_or_changes_a_meaning(text: str) -> None:
    after = laid_out(text)
    assert laid_out(after) == after
    assert meaning_of(after) == meaning_of(text)
    assert sorted(comments(after)) == sorted(comments(text))
    assert after.count("# why") == text.count("# why")
    keys = [
        line.split(":")[0].strip() for line in after.splitlines() if line.startswith("    ") and ":" in line
    ]
    assert keys == ["description", "run", "cron", "timeout", "queue"] * 3


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text("jobs:\n  j: {run: a}\nboard: b\n")
    (tmp_path / "jobboard.yaml").write_text("lint: {pile-up: off}\norigin: 'x'\n")
    return tmp_path


def test_files_are_rewritten_whole_and_keep_their_mode(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = project / "boards" / "b.yaml"
    board.chmod(0o640)
    link = project / "boards" / "link.yaml"
    other = project / "other.txt"
    other.write_text("jobs: {}\nboard: c\n")
    link.symlink_to(other)
    assert main(["fmt"]) == 0
    assert capsys.readouterr().out.splitlines() == ["jobboard.yaml", "boards/b.yaml", "boards/link.yaml"]
    assert board.read_text() == "board: b\njobs:\n  j: {run: a}\n"
    assert board.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert other.read_text() == "board: c\njobs: {}\n"
    assert (project / "jobboard.yaml").read_text() == 'origin: "x"\nlint: {pile-up: off}\n'
    assert main(["fmt"]) == 0
    assert capsys.readouterr().out == "Everything is laid out already.\n"
    assert sorted(path.name for path in (project / "boards").iterdir()) == ["b.yaml", "link.yaml"]


def test_check_and_diff_write_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (project / "boards" / "b.yaml").read_bytes()
    assert main(["fmt", "--check"]) == 1
    assert "boards/b.yaml would change" in capsys.readouterr().out
    assert main(["fmt", "--diff", "boards"]) == 0
    assert "+board: b\n jobs:\n" in capsys.readouterr().out
    assert main(["fmt", "--check", "-o", "json", "boards"]) == 1
    assert '"boards/b.yaml"' in capsys.readouterr().out
    assert (project / "boards" / "b.yaml").read_bytes() == before


def test_a_file_with_an_error_leaves_all_as_they_are(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "boards" / "c.yaml").write_text("board: c\njobs:\n  j: {}\n")
    before = (project / "boards" / "b.yaml").read_bytes()
    assert main(["fmt"]) == 65
    assert "has no command" in capsys.readouterr().err
    assert (project / "boards" / "b.yaml").read_bytes() == before


def test_what_cannot_be_written_stays(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fchmod", full)
    assert main(["fmt", "boards"]) == 1
    assert "no space left" in capsys.readouterr().err
    assert [path.name for path in (project / "boards").iterdir()] == ["b.yaml"]
