from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.diagnostic import SOURCE_WIDTH, Diagnostic, Fault, KeyFault, render, tally


def test_a_diagnostic_shows_place_source_caret_and_way_out() -> None:
    diagnostic = Diagnostic(
        "error", "ops.yaml", 12, 11, "the schedule is not quoted", 'Write  cron: "x"', "    cron: *", 1
    )
    assert diagnostic.text() == (
        "ops.yaml:12:11  error  the schedule is not quoted\n"
        "  12 |     cron: *\n"
        '     |           ^ Write  cron: "x"'
    )


def test_a_diagnostic_of_a_whole_file_is_one_line() -> None:
    diagnostic = Diagnostic("error", "ops.yaml", 0, 0, "the file is empty", "Write something")
    assert diagnostic.text() == "ops.yaml  error  the file is empty. Write something"


def test_places_align_and_are_counted() -> None:
    listed = [
        Diagnostic("error", "a.yaml", 1, 1, "one", None, "x"),
        Diagnostic("warning", "b.yaml", 100, 20, "two"),
    ]
    assert render(listed).splitlines() == [
        "a.yaml:1:1     error  one",
        "   1 | x",
        "     | ^",
        "b.yaml:100:20  warn   two",
        "1 error, 1 warning in 2 files.",
    ]
    assert render([]) == ""
    assert tally(listed[:1] * 1500) == "1,500 errors in 1 file."


def test_wide_characters_keep_the_caret_in_place() -> None:
    text = Diagnostic("error", "a", 1, 3, "x", None, "漢字ab").text()
    assert text.splitlines()[-1] == "     |     ^"


def test_as_json_names_everything() -> None:
    diagnostic = Diagnostic("warning", "a.yaml", 2, 3, "m", "h", "source", 4)
    assert diagnostic.as_json() == {
        "severity": "warning",
        "rule": None,
        "file": "a.yaml",
        "line": 2,
        "column": 3,
        "length": 4,
        "message": "m",
        "hint": "h",
        "source": "source",
    }


def test_a_fault_seen_from_above_keeps_its_kind() -> None:
    fault = KeyFault(("timeout",), "m", "h", "warning", 3).under("jobs", "a")
    assert fault == KeyFault(("jobs", "a", "timeout"), "m", "h", "warning", 3)
    assert type(Fault((), "m").under("x")) is Fault


@given(st.text(max_size=300), st.integers(0, 299), st.integers(1, 50))
def test_no_source_line_can_move_the_terminal_or_break_the_layout(source: str, at: int, length: int) -> None:
    column = min(at, len(source)) + 1
    shown = Diagnostic("error", source, 1, column, source, source, source, length).text()
    assert shown.replace("\n", "").isprintable()
    assert len(shown.split("\n")) == 3
    assert "^" in shown.rpartition("\n")[2]


@given(st.integers(1, 5000))
def test_a_long_line_is_cut_around_its_caret(column: int) -> None:
    source = "".join(chr(ord("a") + n % 26) for n in range(5000))
    head, excerpt, caret = Diagnostic("error", "f", 1, column, "m", None, source).text().split("\n")
    assert head.startswith(f"f:1:{column}")
    assert len(excerpt) <= SOURCE_WIDTH + 9
    assert excerpt[caret.index("^")] == source[column - 1]
