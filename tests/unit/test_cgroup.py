"""Control groups: found where the system has them, used by their files, done without where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobboard import clock
from jobboard.daemon.system import cgroup, linux
from jobboard.daemon.system.cgroup import Group

if TYPE_CHECKING:
    from pathlib import Path

V1 = "30 23 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
V2 = "42 32 0:39 / {mount} rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"


@pytest.fixture
def hierarchy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that looks like a group which may be written to."""
    real_mkdir = type(tmp_path).mkdir

    def mkdir(self: Path, *args: object, **named: object) -> None:
        real_mkdir(self)
        for name in ("cgroup.procs", "cgroup.kill"):
            (self / name).write_text("")

    monkeypatch.setattr(type(tmp_path), "mkdir", mkdir)
    (tmp_path / "cgroup.procs").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("mounts", "groups", "found"),
    [
        (V1 + V2, "4:memory:/x\n0::/user.slice/me\n", "user.slice/me"),
        (V2, "0::/\n", ""),
        (V1, "0::/a\n", None),
        (V2, "4:memory:/x\n", None),
    ],
)
def test_our_own_group_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str, groups: str, found: str | None
) -> None:
    monkeypatch.setattr(linux, "IS_LINUX", True)
    (tmp_path / "mountinfo").write_text(mounts.format(mount=tmp_path / "unified"))
    (tmp_path / "cgroup").write_text(groups)
    expected = None if found is None else tmp_path / "unified" / found
    assert cgroup.own(tmp_path / "mountinfo", tmp_path / "cgroup") == expected


def test_a_system_without_them_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cgroup.own(tmp_path / "absent", tmp_path / "absent") is None
    monkeypatch.setattr(linux, "IS_LINUX", False)
    assert cgroup.own() is None


def test_a_group_is_made_entered_killed_and_left(hierarchy: Path) -> None:
    group = cgroup.make("w-1", hierarchy)
    assert group == Group(hierarchy / "jobboard-w-1")
    assert group.enter()
    assert (group.path / "cgroup.procs").read_text() == "0"
    assert group.kill()
    assert (group.path / "cgroup.kill").read_text() == "1"
    assert group.leave()
    assert (hierarchy / "cgroup.procs").read_text() == "0"


def test_there_is_none_where_none_may_be_made(tmp_path: Path) -> None:
    assert cgroup.make("w", None) is None
    assert cgroup.make("w", tmp_path / "absent") is None
    # A kernel that cannot kill a group.
    assert cgroup.make("w", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_done_is_left_to_the_walk(tmp_path: Path) -> None:
    gone = Group(tmp_path / "gone" / "deeper")
    assert not gone.enter()
    assert not gone.leave()
    assert not gone.kill()
    gone.remove()


def test_groups_nobody_is_in_any_more_are_removed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("jobboard-empty", "jobboard-used", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "jobboard-used" / "somebody").mkdir()
    cgroup.make("w", tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    now_ms = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms + 120_000)
    cgroup.make("w", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobboard-used", "other"]
