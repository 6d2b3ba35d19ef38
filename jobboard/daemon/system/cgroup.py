"""A control group for what one agent starts, so that all of it can be ended in one write.

Where the system lets us make one (cgroups of version 2, a kernel from 5.14 on, a group of our own that we may
write to: root, or what systemd delegates), the agent enters it before it starts anything, and every command
and whatever those start is in it, at no cost for any of them. When runner or agent dies, one write kills all
of it at once, however fast it forks and however well it hides; the agent leaves it before, to tell of it.
Elsewhere there is no group, and the walk through sessions and parents (`daemon.system.tree`) does the same in
more time. A group of one attempt each would cost more than starting the attempt.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobboard import clock
from jobboard.daemon.system import linux

PREFIX = "jobboard-"
_MOUNTS, _OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
_FORGOTTEN_S = 60.0


@dataclass(frozen=True, slots=True)
class Group:
    """A control group. Nothing here raises: what cannot be done is done by the walk."""

    path: Path

    def enter(self) -> bool:
        """Move this process into it; whether it is there. What it starts from now on is there too."""
        return _write(self.path / "cgroup.procs", "0")

    def leave(self) -> bool:
        """Move this process into the group that holds this one."""
        return _write(self.path.parent / "cgroup.procs", "0")

    def kill(self) -> bool:
        """Kill everyone in it, and in groups below it."""
        return _write(self.path / "cgroup.kill", "1")

    def remove(self) -> None:
        """Remove it, unless somebody is in it: what a run left in the background goes on."""
        with suppress(OSError):
            self.path.rmdir()


def make(name: str, parent: Path | None) -> Group | None:
    """A new group of that name below another; None where there can be none."""
    if parent is None:
        return None
    remove_forgotten(parent)
    group = Group(parent / f"{PREFIX}{name}")
    try:
        group.path.mkdir()
        usable = (group.path / "cgroup.kill").exists()
    except OSError:
        return None
    if not usable:
        group.remove()
        return None
    return group


def own(mounts: Path = _MOUNTS, groups: Path = _OWN) -> Path | None:
    """The directory of the group that this process is in; None where there are no such groups."""
    if not linux.IS_LINUX:
        return None
    try:
        mount = _mount_point(mounts.read_text(encoding="utf-8", errors="surrogateescape"))
        lines = groups.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    inside = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    if mount is None or inside is None:
        return None
    return mount / inside.lstrip("/")


def own_of_version_1(controller: str, mounts: Path = _MOUNTS, groups: Path = _OWN) -> Path | None:
    """The directory of the group that this process is in, of version 1 with a controller; None without."""
    if not linux.IS_LINUX:
        return None
    try:
        mountinfo = mounts.read_text(encoding="utf-8", errors="surrogateescape")
        lines = groups.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    groups_of = (line.split(":", 2)[1:] for line in lines)
    inside = next((group for names, group in groups_of if controller in names.split(",")), None)
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if inside is not None and after.startswith("cgroup ") and controller in after.split()[-1].split(","):
            root, mount = before.split()[3:5]
            # A container may see but its own part of it.
            return Path(mount) / inside.removeprefix(root).lstrip("/")
    return None


def _mount_point(mountinfo: str) -> Path | None:
    """Where the second version's hierarchy is; fields as in proc(5), the type stands behind the dash."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    return None


def remove_forgotten(parent: Path) -> None:
    """Remove groups whose last process ended after its worker."""
    with suppress(OSError):
        for path in parent.glob(f"{PREFIX}*"):
            if clock.now_ms() / 1000 - path.stat().st_ctime > _FORGOTTEN_S:
                Group(path).remove()


def _write(path: Path, text: str) -> bool:
    try:
        path.write_text(text, encoding="ascii")
    except OSError:
        return False
    return True
