"""Control groups that bound the memory of a command: made where the system has them, and known when they were
too small.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from jobboard.daemon.agent import memory
from jobboard.daemon.agent.memory import V1, V2, Room, Rooms
from jobboard.daemon.system import linux

if TYPE_CHECKING:
    from pathlib import Path

V1_MOUNT = "30 23 0:26 {root} {mount} rw,relatime shared:9 - cgroup cgroup rw,memory\n"
V2_MOUNT = "42 32 0:39 / {mount} rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
OF_V2 = ("memory.max", "memory.swap.max", "memory.oom.group", "memory.events", "cgroup.procs")
OF_V1 = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control", "cgroup.procs")


class Hierarchy:
    """A directory tree that behaves as a hierarchy does: a new folder has files, and goes with them."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...]) -> None:
        self.top = top
        self.mounts, self.groups = top / "mountinfo", top / "cgroup"
        kind = type(top)
        make, remove = kind.mkdir, kind.rmdir

        def mkdir(path: Path, *args: object, **named: object) -> None:
            make(path)
            for name in files:
                (path / name).write_text("")

        def rmdir(path: Path) -> None:
            if (path / "cgroup.procs").read_text():
                raise OSError(16, "Device or resource busy")
            for name in files:
                (path / name).unlink()
            remove(path)

        monkeypatch.setattr(kind, "mkdir", mkdir)
        monkeypatch.setattr(kind, "rmdir", rmdir)
        monkeypatch.setattr(linux, "IS_LINUX", True)

    def says(self, mounts: str, groups: str) -> Rooms:
        self.mounts.write_text(mounts)
        self.groups.write_text(groups)
        return Rooms(self.mounts, self.groups)


def of_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controllers: str) -> Hierarchy:
    own = tmp_path / "unit" / "main"
    own.mkdir(parents=True)
    for folder in (own, own.parent):
        (folder / "cgroup.controllers").write_text(controllers)
        (folder / "cgroup.subtree_control").write_text("")
    return Hierarchy(tmp_path, monkeypatch, OF_V2)


def delegated(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As systemd marks what it leaves to a service."""

    def getxattr(path: Path, name: str) -> bytes:
        if path == folder and name == "user.delegate":
            return b"1"
        raise OSError(61, "No data available")

    monkeypatch.setattr(os, "getxattr", getxattr, raising=False)


def test_a_room_of_version_2_bounds_memory_without_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = of_version_2(tmp_path, monkeypatch, "cpu memory pids\n")
    room = tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n").make("w.7", 1 << 20)
    assert room == Room(tmp_path / "unit" / "main" / "jobboard-w.7", V2)
    assert (tmp_path / "unit" / "main" / "cgroup.subtree_control").read_text() == "+memory"
    assert (room.path / "memory.max").read_text() == "1048576"
    assert (room.path / "memory.swap.max").read_text() == "0"
    assert (room.path / "memory.oom.group").read_text() == "1"
    assert not room.was_too_small()
    (room.path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n")
    assert room.was_too_small()
    assert room.door == str(room.path / "cgroup.procs")


def test_where_systemd_left_it_to_us_it_is_made_beside_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = of_version_2(tmp_path, monkeypatch, "memory\n")
    (tmp_path / "unit" / "main" / "cgroup.controllers").write_text("")
    rooms = tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n")
    assert rooms.make("w.7", 1 << 20) is None, "the group above is not ours"
    delegated(monkeypatch, tmp_path / "unit")
    room = tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n").make("w.7", 1 << 20)
    assert room is not None
    assert room.path == tmp_path / "unit" / "jobboard-w.7"


def test_there_is_none_without_the_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = of_version_2(tmp_path, monkeypatch, "cpu pids\n")
    assert tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n").make("w.7", 1 << 20) is None
    assert tree.says("", "").make("w.7", 1 << 20) is None
    assert Rooms(tmp_path / "absent", tmp_path / "absent").make("w.7", 1 << 20) is None
    monkeypatch.setattr(linux, "IS_LINUX", False)
    assert Rooms().make("w.7", 1 << 20) is None


@pytest.mark.parametrize(("root", "inside"), [("/", "a/b"), ("/outer", "b")])
def test_a_room_of_version_1_bounds_memory_and_swap_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, inside: str
) -> None:
    own = tmp_path / inside
    own.mkdir(parents=True)
    tree = Hierarchy(tmp_path, monkeypatch, OF_V1)
    group = f"{root.rstrip('/')}/{inside}"
    said = f"9:name=systemd:/\n4:cpu,memory:{group}\n"
    room = tree.says(V1_MOUNT.format(mount=tmp_path, root=root), said).make("w.7", 1 << 20)
    assert room == Room(own / "jobboard-w.7", V1)
    assert {(room.path / name).read_text() for name in V1.bounds} == {"1048576"}
    (room.path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert room.was_too_small()


def test_a_room_that_somebody_is_in_goes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = of_version_2(tmp_path, monkeypatch, "memory\n")
    rooms = tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n")
    first = rooms.make("w.1", 1 << 20)
    assert first is not None
    (first.path / "cgroup.procs").write_text("4711\n")
    rooms.give_up(first)
    assert first.path.exists()
    (first.path / "cgroup.procs").write_text("")
    second = rooms.make("w.2", 1 << 20)
    assert second is not None
    assert not first.path.exists()
    rooms.give_up(second)
    assert not second.path.exists()


def test_where_the_bound_cannot_be_set_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = of_version_2(tmp_path, monkeypatch, "memory\n")
    write = memory._write

    def refuse(path: Path, text: str) -> None:
        if path.name == "memory.max":
            raise OSError(16, "Device or resource busy")
        write(path, text)

    monkeypatch.setattr(memory, "_write", refuse)
    assert tree.says(V2_MOUNT.format(mount=tmp_path), "0::/unit/main\n").make("w.7", 1) is None
    assert list((tmp_path / "unit" / "main").glob("jobboard-*")) == []
