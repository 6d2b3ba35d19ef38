"""A bound on the memory of a whole command: a control group of its own, for jobs that ask for it alone.

Making one and entering it costs more than starting a command. It takes a hierarchy with the memory
controller and a place in it that this process may write to: with cgroups of version 2 its own group, or the
one above where systemd has left that to it (``Delegate=yes`` with ``DelegateSubgroup=``, as a group with
processes has no controllers for others), with version 1 the group it is in. Where there is none, the bound is
on the address space of each process, as `daemon.system.confine` sets it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard.daemon.system import cgroup

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOUNTS, _OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
_DELEGATED = ("trusted.delegate", "user.delegate")
"""How systemd marks a group that it leaves to a service."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a version calls it.

    Attributes:
        bounds: Files with the bound; the first has to be there.
        settings: Files that are written as they are here, where they are there.
        events: The file that counts who was killed.
    """

    bounds: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    events: str


# Without swap beside it: what has left memory would be counted no more. One killed is all killed.
V2 = Kind(("memory.max",), (("memory.swap.max", "0"), ("memory.oom.group", "1")), "memory.events")
V1 = Kind(("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), (), "memory.oom_control")


@dataclass(frozen=True, slots=True)
class Room:
    """The group of one command."""

    path: Path
    kind: Kind

    @property
    def door(self) -> str:
        """The file that whoever is to be in it writes a zero to."""
        return str(self.path / "cgroup.procs")

    def was_too_small(self) -> bool:
        """Whether somebody in it was killed for want of memory."""
        with suppress(OSError, ValueError):
            for line in (self.path / self.kind.events).read_text(encoding="ascii").splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count) > 0
        return False

    def remove(self) -> bool:
        """Remove it; False while somebody is in it."""
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class Rooms:
    """Where such groups are made. Nothing here raises: what cannot be done is not done.

    Args:
        mounts: Where the system tells what is mounted.
        groups: Where it tells in which groups this process is.
    """

    def __init__(self, mounts: Path = _MOUNTS, groups: Path = _OWN) -> None:
        self._mounts, self._groups = mounts, groups
        self._place: tuple[Path, Kind] | None = None
        self._looked = False
        self._left: list[Room] = []

    def make(self, name: str, most_bytes: int) -> Room | None:
        """A group of that name with that bound; None where there can be none."""
        self._left = [room for room in self._left if not room.remove()]
        if not self._looked:
            self._looked = True
            self._place = next(self._places(), None)
        return _made(*self._place, name, most_bytes) if self._place is not None else None

    def give_up(self, room: Room) -> None:
        """Its command has ended; what that has left in the background may still be in it."""
        if not room.remove():
            self._left.append(room)

    def _places(self) -> Iterator[tuple[Path, Kind]]:
        for folder, kind in self._candidates():
            cgroup.remove_forgotten(folder)
            probe = _made(folder, kind, f"probe-{os.getpid()}", 1 << 30)
            if probe is not None and probe.remove():
                yield folder, kind

    def _candidates(self) -> Iterator[tuple[Path, Kind]]:
        own = cgroup.own(self._mounts, self._groups)
        if own is not None:
            for folder in (own, own.parent):
                if (folder == own or _is_ours(folder)) and _controls_memory(folder):
                    yield folder, V2
        first = cgroup.own_of_version_1("memory", self._mounts, self._groups)
        if first is not None:
            yield first, V1


def _made(folder: Path, kind: Kind, name: str, most_bytes: int) -> Room | None:
    room = Room(folder / f"{cgroup.PREFIX}{name}", kind)
    try:
        room.path.mkdir()
        first, *others = kind.bounds
        _write(room.path / first, str(most_bytes))
        for file, text in (*((other, str(most_bytes)) for other in others), *kind.settings):
            with suppress(OSError):  # a kernel without swap, or an older one
                _write(room.path / file, text)
    except OSError:
        room.remove()
        return None
    return room


def _is_ours(folder: Path) -> bool:
    for name in _DELEGATED:
        with suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _controls_memory(folder: Path) -> bool:
    """Whether groups in it can be given a bound; seen to, if it may be."""
    with suppress(OSError):
        if "memory" in (folder / "cgroup.controllers").read_text(encoding="ascii").split():
            _write(folder / "cgroup.subtree_control", "+memory")
            return True
    return False


def _write(path: Path, text: str) -> None:
    # Never made here: a folder that is no group would take it for a file.
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode("ascii"))
    finally:
        os.close(fd)
