from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jobboard.core.diagnostic import Fault
from jobboard.errors import UsageError
from jobboard.source import digest, git
from jobboard.source.files import SourceFile, discover, read
from jobboard.source.loader import Loaded, load
from jobboard.source.values import parse_value, read_schedule

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_795_219_200_000  # 2026-11-21T00:00:00Z


def loaded(*texts: str) -> Loaded:
    return load(
        [SourceFile(f"{n}.yaml", text.encode(), f"digest-{n}") for n, text in enumerate(texts)], NOW_MS
    )


def said(result: Loaded) -> list[str]:
    return [f"{diagnostic.place} {diagnostic.message}" for diagnostic in result.diagnostics]


def test_a_board_knows_where_its_jobs_stand() -> None:
    (board,) = loaded("board: b\njobs:\n  one: {run: a}\n\n  two:\n    run: b\n    timeout: 5m\n").boards
    assert {name: board.line_of(name) for name in board.jobs} == {"one": 3, "two": 5}
    assert board.position("two", ("timeout",)) == (7, 14)
    diagnostic = board.diagnostic(Fault(("timeout",), "too long"), "two")
    assert (diagnostic.place, diagnostic.source) == ("0.yaml:7:14", "    timeout: 5m")
    assert board.diagnostic(Fault(("board",), "taken")).place == "0.yaml:1:8"


def test_a_board_in_two_files_shows_both_places() -> None:
    result = loaded("board: b\njobs: {}\n", "\n\nboard: b\njobs: {}\n")
    assert said(result) == ['1.yaml:3:8 board "b" is in two files, first at 0.yaml:1:8']
    assert [board.path for board in result.boards] == ["0.yaml"]


def test_dependencies_cross_files_and_trust_boards_that_are_not_there() -> None:
    result = loaded(
        "board: a\njobs:\n  x: {run: a, after: b/y}\n  z: {run: a, after: b/none}\n",
        "board: b\njobs:\n  y: {run: b, after: c/unknown}\n  w: {run: c, tags: 5, after: y}\n",
    )
    assert said(result) == [
        '0.yaml:4:22 there is no job "b/none" to run after',
        '1.yaml:4:21 "tags" must be a list, not 5',
    ]


def test_a_parent_in_which_something_is_wrong_is_still_there() -> None:
    jobs = "  x: {run: a, colour: 1}\n  y: {run: b, after: x}\n  z: 5\n  w: {run: c, after: z}\n"
    result = loaded("board: a\njobs:\n" + jobs)
    assert [line.partition(" ")[0] for line in said(result)] == ["0.yaml:3:15", "0.yaml:5:6"]


def test_every_fault_of_every_file_comes_in_one_go() -> None:
    text = "board: b\njobs:\n" + "".join(f"  j{n}: {{run: a, timeout: {n}x}}\n" for n in range(1000))
    result = loaded(text, text.replace("board: b", "board: c"), "{", "")
    assert len(result.diagnostics) == 2002
    assert result.boards == ()


def test_a_warning_leaves_the_board_in() -> None:
    result = loaded('board: b\ntimezone: Europe/Madrid\njobs:\n  j: {run: a, cron: "30 2 * * *"}\n')
    assert [diagnostic.severity for diagnostic in result.diagnostics] == ["warning", "warning"]
    assert result.is_valid
    assert len(result.boards) == 1


def test_a_crowd_on_one_minute_is_warned_of_once() -> None:
    jobs = "".join(f'  j{n}: {{run: a, cron: "0 4 * * *"}}\n' for n in range(101))
    (diagnostic,) = loaded(f"board: b\njobs:\n{jobs}").diagnostics
    assert diagnostic.severity == "warning"
    assert "101 jobs" in diagnostic.message


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", ".hidden/d.yaml", ".e.yaml", "f.txt", "g.yaml~"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("board: x\njobs: {}\n")
    return tmp_path


def test_directories_give_their_boards_in_order_and_nothing_hidden(boards: Path) -> None:
    assert [path.relative_to(boards).as_posix() for path in discover([boards])] == [
        "a.yml",
        "b.yaml",
        "sub/c.yaml",
    ]
    assert discover([boards / "f.txt", boards / "sub", boards / "sub" / "c.yaml"]) == [
        boards / "f.txt",
        boards / "sub" / "c.yaml",
    ]


def test_a_path_that_is_not_there_is_a_usage_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no") as caught:
        discover([tmp_path / "nowhere"])
    assert caught.value.hint is not None
    assert discover([tmp_path]) == []


def test_a_mounted_configuration_is_found_once(tmp_path: Path) -> None:
    """Kubernetes mounts files as links into a hidden directory that is swapped."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "jobs.yaml").write_text("board: x\njobs: {}\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "jobs.yaml").symlink_to("..data/jobs.yaml")
    assert discover([tmp_path]) == [tmp_path / "jobs.yaml"]


def test_a_file_is_named_below_its_root_and_shown_as_asked_for(
    boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(boards / "sub")
    file = read("c.yaml", boards)
    assert (file.path, file.shown, file.refusal) == ("sub/c.yaml", "c.yaml", None)
    assert file.digest == read(boards / "b.yaml").digest
    assert file.digest.startswith("sha256:")


def test_a_digest_covers_the_bytes_the_rules_and_the_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {digest.digest_of(b"a"), digest.digest_of(b"b")}
    monkeypatch.setattr(digest, "VERSION", 999)
    digests.add(digest.digest_of(b"a"))
    monkeypatch.setattr(digest, "zone_version", lambda: "1999z")
    digests.add(digest.digest_of(b"a"))
    assert len(digests) == 4


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(50 << 20)
    source = read(huge)
    assert source.raw == b""
    (diagnostic,) = load([source]).diagnostics
    assert "larger than 16 MiB" in diagnostic.message


def test_a_file_that_cannot_be_read_is_a_fault_like_any_other(tmp_path: Path) -> None:
    result = load([read(tmp_path / "gone.yaml"), read(tmp_path)])
    assert ["cannot be read" in diagnostic.message for diagnostic in result.diagnostics] == [True, True]


def run_git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_git_tells_where_boards_come_from(tmp_path: Path) -> None:
    assert git.checkout_of(tmp_path) is None
    run_git(tmp_path, "init", "-q", "-b", "main")
    empty = git.checkout_of(tmp_path)
    assert empty is not None
    assert (empty.commit, empty.origin, empty.branch, empty.dirty) == (None, None, "main", False)
    (tmp_path / "a.yaml").write_text("board: a\njobs: {}\n")
    run_git(tmp_path, "add", ".")
    run_git(tmp_path, "commit", "-q", "-m", "one")
    first = git.checkout_of(tmp_path)
    assert first is not None
    assert first.commit == run_git(tmp_path, "rev-parse", "HEAD")
    assert (first.origin, first.author, first.dirty) == (f"root:{first.commit}", "A <a@b>", False)
    (tmp_path / "a.yaml").write_text("changed")
    run_git(tmp_path, "remote", "add", "origin", "https://user:secret@example.org/x.git")
    second = git.checkout_of(tmp_path)
    assert second is not None
    assert (second.origin, second.dirty) == ("https://example.org/x.git", True)
    run_git(tmp_path, "commit", "-q", "-a", "-m", "two")
    assert first.commit is not None
    assert git.descends(tmp_path, "HEAD", first.commit) is True
    assert git.descends(tmp_path, first.commit, "HEAD") is False
    assert git.descends(tmp_path, "HEAD", "0" * 40) is False
    assert git.descends(tmp_path, "0" * 40, "HEAD") is None


def test_a_shallow_clone_never_says_that_a_commit_does_not_descend(tmp_path: Path) -> None:
    whole, shallow = tmp_path / "whole", tmp_path / "shallow"
    whole.mkdir()
    run_git(whole, "init", "-q", "-b", "main")
    for message in ("one", "two", "three"):
        run_git(whole, "commit", "-q", "--allow-empty", "-m", message)
    run_git(tmp_path, "clone", "-q", "--depth", "2", f"file://{whole}", str(shallow))
    assert not git.is_shallow(whole)
    assert git.is_shallow(shallow)
    assert git.descends(shallow, "HEAD", run_git(whole, "rev-parse", "HEAD~1")) is True
    assert git.descends(shallow, "HEAD", run_git(whole, "rev-parse", "HEAD~2")) is None
    assert git.descends(shallow, "HEAD~1", "HEAD") is None


def test_without_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_git(tmp_path, "init", "-q")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.checkout_of(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5m", "5m"), ("5", 5), ("true", True), ("", None), ("null", None), ("*/5 * * * *", "*/5 * * * *"),
        ("[a, b]", ["a", "b"]), ("{max: 3}", {"max": 3}), ('"5"', "5"), ("echo hi: there", "echo hi: there"),
        ("[ -f x ] && y", "[ -f x ] && y"), ("@daily", "@daily"), ("'a' b", "'a' b"), ("12:30", "12:30"),
    ],
)  # fmt: skip
def test_a_value_on_the_command_line_needs_no_second_quoting(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_a_schedule_on_the_command_line_is_that_of_a_job() -> None:
    schedule, diagnostics = read_schedule(
        '{"every": "3m5s", "start": "2026-03-29 01:30", "for": "1h"}', "Europe/Madrid"
    )
    assert diagnostics == []
    assert schedule == {"every": 185_000, "start": 1_774_744_200_000, "stop": 1_774_747_800_000}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every",
        "{}",
        "{every: 5}",
        "{every: 5m, run: x}",
        "{after: x}",
        "{cron: * * * * *}",
        "{cron: '61 * * * *'}",
        "{colour: red}",
        "{jitter: 5m}",
    ],
)
def test_a_schedule_that_is_none_is_refused_with_a_place(text: str) -> None:
    schedule, diagnostics = read_schedule(text)
    assert schedule is None
    assert {diagnostic.severity for diagnostic in diagnostics} == {"error"}


def test_reading_a_sound_board_loads_neither_redis_nor_the_reference_validator(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("board: a\njobs:\n  x: {run: a, every: 5m}\n")
    code = (
        "import sys; from jobboard.source import files, loader;"
        "loader.load([files.read(sys.argv[1])]);"
        "heavy = {'redis', 'jsonschema', 'rich', 'watchfiles', 'croniter'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.yaml")], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_a_mistake_on_every_job_is_found_in_one_go_and_so_is_all_else() -> None:
    job = "  j{n}:\n    run: a\n    cron: */5 * * * *\n    timeout: {n}x\n"
    result = loaded("board: b\njobs:\n" + "".join(job.format(n=n) for n in range(1000)))
    assert len(result.diagnostics) == 2000
    assert {diagnostic.column for diagnostic in result.diagnostics} == {11, 14}


def test_a_script_that_looks_like_a_mistake_is_left_alone() -> None:
    (diagnostic,) = loaded(
        "board: b\njobs:\n  a:\n    run: a\n    cron: * * * * *\n"
        "  b:\n    run: |\n      cat <<X\n      cron: * * * * *\n      X\n"
    ).diagnostics
    assert diagnostic.line == 5
