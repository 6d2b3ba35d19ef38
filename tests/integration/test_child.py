"""Starting one command, whichever way the system has of doing it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from jobboard.daemon.agent import child

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["posix_spawn", "fork"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system whose posix_spawn starts sessions, and on one where it does not."""

    def none(*_: Any, **__: Any) -> NoReturn:
        # As Python says that the C library has no POSIX_SPAWN_SETSID.
        raise NotImplementedError

    if request.param == "fork":
        monkeypatch.setattr(os, "posix_spawn", none)


def _ran(argv: list[str], cwd: Path | None = None, path: str = os.defpath) -> tuple[int, bytes]:
    """Exit code and output of a command."""
    pid, (fd,) = child.start(argv, {"PATH": path}, None if cwd is None else str(cwd), None)
    with os.fdopen(fd, "rb") as file:
        said = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def _script(path: Path, text: str, *, runnable: bool = True) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(stat.S_IRWXU if runnable else stat.S_IRUSR)
    return path


def test_it_leads_a_session_and_its_streams_are_one() -> None:
    code, said = _ran(["sh", "-c", "echo out; echo err >&2; ps -o sid= -p $$; echo $$; exit 3"])
    out, err, session, pid = said.split()
    assert (code, out, err, session) == (3, b"out", b"err", pid)


def test_a_pipe_at_hand_is_for_one_command() -> None:
    child.get_ready()
    child.get_ready()
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - what the system says
    assert [_ran(["echo", word]) for word in ("a", "b")] == [(0, b"a\n"), (0, b"b\n")]
    assert len(os.listdir("/dev/fd")) <= before  # noqa: PTH208 - what the system says


def test_whoever_is_given_nothing_to_read_reads_nothing() -> None:
    assert [_ran(["cat"]) for _ in range(2)] == [(0, b""), (0, b"")]


def test_it_starts_where_it_is_told_and_we_stay_where_we_are(tmp_path: Path) -> None:
    _script(tmp_path / "here", "pwd")
    before = os.getcwd()  # noqa: PTH109 - what the system says
    assert _ran(["./here"], tmp_path) == (0, f"{tmp_path}\n".encode())
    with pytest.raises(child.Refusal, match="command not found"):
        _ran(["./nowhere"], tmp_path)
    assert os.getcwd() == before  # noqa: PTH109 - what the system says


def test_it_is_looked_for_on_its_own_path_and_what_may_not_be_run_is_passed_over(tmp_path: Path) -> None:
    _script(tmp_path / "a" / "tool", "echo a", runnable=False)
    _script(tmp_path / "b" / "tool", "echo b")
    (tmp_path / "c" / "tool").mkdir(parents=True)
    path = os.pathsep.join(str(tmp_path / folder) for folder in ("c", "a", "b"))
    assert _ran(["tool"], path=path) == (0, b"b\n")
    with pytest.raises(child.Refusal, match="permission denied: tool") as refused:
        _ran(["tool"], path=str(tmp_path / "a"))
    assert refused.value.code == child.NOT_RUNNABLE


@pytest.mark.parametrize("argv", [["no-such-command"], [""], ["/no/such"]])
def test_what_is_not_there_is_said(argv: list[str]) -> None:
    with pytest.raises(child.Refusal, match="command not found") as refused:
        _ran(argv)
    assert refused.value.code == child.NOT_FOUND


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as many as there are
    _ran(["true"], tmp_path)
    for argv, cwd in ((["no-such-command"], None), (["true"], tmp_path / "none"), (["a\0b"], None)):
        with pytest.raises(child.Refusal):
            _ran(argv, cwd)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - likewise
