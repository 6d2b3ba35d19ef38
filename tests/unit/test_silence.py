from __future__ import annotations

from pathlib import Path

import pytest

from jobboard.cli.github import annotation
from jobboard.cli.main import main
from jobboard.core.diagnostic import Diagnostic
from jobboard.core.rules import RULES
from jobboard.source.files import SourceFile
from jobboard.source.loader import load

NOW_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z
BOARD = """\
board: b
jobs:
  one:
    run: a
    locks: db{here}
{above}  two:
    run: a  # not it
    locks: db
"""


def said(text: str) -> list[tuple[str, int]]:
    result = load([SourceFile("b.yaml", text.encode(), "d")], NOW_MS)
    return [(diagnostic.rule, diagnostic.line) for diagnostic in result.diagnostics]


def board(here: str = "", above: str = "") -> str:
    return BOARD.format(here=f"  # {here}" if here else "", above=f"  # {above}\n" if above else "")


def test_a_comment_silences_what_begins_on_its_line() -> None:
    assert said(board()) == [("lock-timeout", 5), ("lock-timeout", 8)]
    assert said(board("jobboard: ignore lock-timeout ends by itself")) == [("lock-timeout", 8)]


def test_a_comment_of_its_own_silences_what_begins_below() -> None:
    assert said(board(above="jobboard: ignore lock-timeout ends by itself")) == [("lock-timeout", 5)]
    assert said("# jobboard: ignore lock-timeout x\n\n# and\n" + board()) == [
        ("idle-silence", 1),
        ("lock-timeout", 8),
        ("lock-timeout", 11),
    ]
    assert said(board().replace("jobs:", "jobs:  # jobboard:ignore lock-timeout x")) == []


def test_a_silence_wants_a_reason() -> None:
    assert said(board("jobboard: ignore lock-timeout")) == [("silence-reason", 5), ("lock-timeout", 8)]


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("jobboard: ignore pile-up x", 'nothing here breaks "pile-up"'),
        ("jobboard: ignore lock-timout x", 'there is no rule "lock-timout"'),
        ("jobboard: ignore", "no rule is named"),
    ],
)
def test_a_silence_that_silences_nothing_is_warned_of(comment: str, words: str) -> None:
    result = load([SourceFile("b.yaml", board(comment).encode(), "d")], NOW_MS)
    assert words in [diagnostic.message for diagnostic in result.diagnostics]


def test_what_only_looks_like_a_comment_is_none() -> None:
    text = "board: b\njobs:\n  j:\n    run: |\n      # jobboard: ignore lock-timeout x\n    locks: db\n"
    assert said(text) == [("lock-timeout", 6)]
    assert said("board: b\njobs:\n  j: {run: 'x # jobboard: ignore pile-up x'}\n") == []


def test_errors_cannot_be_silenced() -> None:
    assert said("board: b\njobs:\n  j: {run: 5, timeout: x}  # jobboard: ignore lock-timeout x\n") == [
        ("", 3),
        ("", 3),
        ("idle-silence", 3),
    ]


def test_profiles_that_nobody_extends_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said("board: b\nprofiles: {p: {}, q: {}}\njobs:\n  j: {run: a, extend: q}\n") == [
        ("unused-profile", 2)
    ]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text("board: b\njobs:\n  j: {run: a, extend: q}\n")
    (tmp_path / "jobboard.yaml").write_text("profiles:\n  p: {}\n  q: {}\n")
    assert main(["lint", "-o", "github"]) == 0
    assert capsys.readouterr().out == (
        "::warning file=jobboard.yaml,line=2,col=3,title=jobboard unused-profile::"
        'no job extends the profile "p". Take it out\n'
    )
    assert main(["lint", "boards"]) == 0
    assert "no errors" in capsys.readouterr().out
    (tmp_path / "jobboard.yaml").write_text(
        "profiles:\n  p: {}  # jobboard: ignore unused-profile from next week\n  q: {}\n"
    )
    assert main(["lint", "--strict"]) == 0


def test_a_rule_that_is_off_may_stay_silenced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text(board("jobboard: ignore lock-timeout why not"))
    (tmp_path / "jobboard.yaml").write_text("lint: {lock-timeout: off}\n")
    assert main(["lint", "--strict"]) == 0
    (tmp_path / "jobboard.yaml").write_text("lint: {lock-timeout: error}\n")
    assert main(["lint"]) == 65
    assert "1 error in 1 file" in capsys.readouterr().out


def test_an_annotation_escapes_what_would_end_it() -> None:
    diagnostic = Diagnostic("error", "a,b:c%.yaml", 3, 7, "one\ntwo: 5%", "Write x")
    assert annotation(diagnostic) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=jobboard::one%0Atwo: 5%25. Write x"
    )


def test_every_warning_that_is_made_names_a_rule_there_is() -> None:
    package = Path(__file__).parents[2] / "jobboard"
    made = {rule for path in package.rglob("*.py") for rule in RULES if f'"{rule}"' in path.read_text()}
    assert made | {"gap-hour", "fold-hour"} == set(RULES)
