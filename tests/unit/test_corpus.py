"""Every board of the corpus says exactly what it said before: bad ones their faults, good ones their specs.

After a wanted change, `JOBBOARD_REGENERATE=1 pytest tests/unit/test_corpus.py` writes what is said now; the
difference is then read in review.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jobboard.core.diagnostic import render
from jobboard.core.jobs.model import FIELDS
from jobboard.source.digest import digest_of
from jobboard.source.files import SourceFile
from jobboard.source.loader import Loaded, load

CORPUS = Path(__file__).parent.parent / "corpus"
INVALID = sorted((CORPUS / "invalid").glob("*.yaml"))
VALID = sorted((CORPUS / "valid").glob("*.yaml"))
NOW_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z

named = pytest.mark.parametrize


def loaded(path: Path) -> Loaded:
    raw = path.read_bytes()
    return load([SourceFile(path.name, raw, digest_of(raw))], NOW_MS)


def expect(path: Path, said: str) -> None:
    if os.environ.get("JOBBOARD_REGENERATE"):
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@named("path", INVALID, ids=lambda path: path.stem)
def test_a_bad_board_says_what_is_wrong(path: Path) -> None:
    result = loaded(path)
    expect(path.with_suffix(".txt"), render(result.diagnostics))
    assert result.diagnostics
    assert path.stem == "warnings" or result.boards == ()
    assert path.stem == "warnings" or not result.is_valid


@named("path", INVALID, ids=lambda path: path.stem)
def test_every_diagnostic_points_into_its_file(path: Path) -> None:
    content = path.read_bytes().decode("utf-8-sig", errors="replace").split("\n")
    for diagnostic in loaded(path).diagnostics:
        assert diagnostic.file == path.name
        if diagnostic.line:
            source = content[diagnostic.line - 1].rstrip("\r")
            assert diagnostic.source == source
            assert 1 <= diagnostic.column <= len(source) + 1


@named("path", VALID, ids=lambda path: path.stem)
def test_a_good_board_resolves_to_its_specs(path: Path) -> None:
    result = loaded(path)
    assert result.is_valid, render(result.diagnostics)
    (board,) = result.boards
    shown: dict[str, Any] = {
        "board": board.name,
        "description": board.description,
        "owner": board.owner,
        "timezone": board.timezone,
        "jobs": {name: dict(sorted(spec.items())) for name, spec in board.jobs.items()},
    }
    expect(path.with_suffix(".json"), json.dumps(shown, indent=2, ensure_ascii=False) + "\n")


@named("path", VALID, ids=lambda path: path.stem)
def test_a_spec_holds_known_fields_and_no_built_in_value(path: Path) -> None:
    (board,) = loaded(path).boards
    for spec in board.jobs.values():
        for name, value in spec.items():
            default = FIELDS[name].default
            assert value not in (None, {}, [], list(default) if isinstance(default, tuple) else default)


def test_no_text_of_the_corpus_can_move_a_terminal() -> None:
    for path in (CORPUS / "invalid").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert not any(ord(character) < 32 and character != "\n" for character in text), path.name
        assert "\x7f" not in text


def test_what_spells_out_built_in_values_is_what_leaves_them_out() -> None:
    (board,) = loaded(CORPUS / "valid" / "built_in_values.yaml").boards
    assert board.jobs["spelled_out"] == board.jobs["left_out"]


def test_there_is_a_text_for_every_bad_board_and_none_without_one() -> None:
    assert {path.stem for path in INVALID} == {path.stem for path in (CORPUS / "invalid").glob("*.txt")}
    assert {path.stem for path in VALID} == {path.stem for path in (CORPUS / "valid").glob("*.json")}
