"""What only Linux does, each with something that does on any other POSIX system.

Every function answers on every system; where the kernel has no such thing, it answers with the next best,
and its docstring says what is lost.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from pathlib import Path

IS_LINUX = sys.platform == "linux"
PIPE_BYTES = 1 << 20

_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36  # prctl(2)
_ARG_START, _ARG_END = 45, 46
"""Where a process's arguments lie, among the fields of proc_pid_stat(5) after the name."""
_DEAD_STATES = b"ZX"
_STAT_BYTES = 1024
_LIMITS_BYTES = 4096
_ENVIRON_BYTES = 1 << 20
_SEND_S = 5


class Process(NamedTuple):
    """A live process: who its parent is, and which session and process group it is in."""

    parent: int
    session: int
    group: int


def become_subreaper(*, wanted: bool = True) -> bool:
    """Have orphaned descendants come to this process, not to init, or no more; whether the system can.

    Without it, a process that forks twice and leaves its session is out of reach.
    """
    if not IS_LINUX:
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) == 0)


def set_title(name: str, title: str) -> bool:
    """Have ps(1) and top(1) show what this process does; whether they will.

    The words it was started with are overwritten, so a title longer than those is cut. Elsewhere than on
    Linux, and where the kernel does not say where those words are, nothing changes.

    Args:
        name: For where there is little room: 15 bytes.
        title: In place of the command line.
    """
    if not IS_LINUX:
        return False
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    raw = _read_proc("/proc/self/stat", _STAT_BYTES)
    fields = raw[raw.rfind(b")") + 2 :].split()
    start, end = (int(fields[n]) for n in (_ARG_START, _ARG_END)) if len(fields) > _ARG_END else (0, 0)
    if not 0 < start < end:
        return False
    room = end - start
    cut = title.encode("utf-8", "replace")[: room - 1].decode("utf-8", "ignore").encode()
    # Ends in a zero, without which the kernel would take what follows for a part of it.
    ctypes.memmove(start, cut.ljust(room, b"\0"), room)
    return True


def brand_children(number: int) -> bool:
    """Have every process that is started from now on, and what it starts, carry a number; whether they do.

    Nothing else is inherited by everyone, given up by nobody by accident and readable from outside: it is the
    soft limit on the processor time of real-time processes (setrlimit(2)), in microseconds. Numbers are to be
    2^60 or more, which no process could ever reach. Without it, one that leaves its session and empties its
    environment is known by its parents alone.
    """
    kind = getattr(resource, "RLIMIT_RTTIME", None)
    if kind is None or not IS_LINUX:
        return False
    try:
        resource.setrlimit(kind, (number, resource.getrlimit(kind)[1]))
    except (OSError, ValueError):
        return False  # the limit of this process is lower, and not its own to raise
    return True


def brand_of(pid: int) -> int | None:
    """The number a process carries by `brand_children`; None where there is none to be seen."""
    _, _, rest = _read_proc(f"/proc/{pid}/limits", _LIMITS_BYTES).partition(b"Max realtime timeout")
    soft = rest.split(None, 1)[0] if rest else b""
    return int(soft) if soft.isdigit() else None


def widen_pipe(fd: int, size_bytes: int = PIPE_BYTES) -> int:
    """Make a pipe hold more; how much it holds now, 0 where the system does not say.

    The default of 64 KiB makes a busy job wait for us. A user has a budget for large pipes (pipe(7)); past
    it, the pipe stays as it was.
    """
    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)
    if set_size is None or get_size is None:
        return 0
    try:
        return fcntl.fcntl(fd, set_size, size_bytes)
    except OSError:
        return fcntl.fcntl(fd, get_size)


def open_unnamed() -> int:
    """A file without a name, open for reading and writing; in memory where the system can do that."""
    memfd_create = getattr(os, "memfd_create", None)
    if IS_LINUX and memfd_create is not None:
        return int(memfd_create("stdin", os.MFD_CLOEXEC))
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def open_datagram(name: str) -> tuple[socket.socket, str]:
    """A datagram socket that every process of this machine can send to, and its address.

    On Linux ``@NAME`` in the abstract namespace, which leaves nothing behind; elsewhere a path.
    """
    return open_abstract(name) if IS_LINUX else open_named(name)


def open_sender(name: str, address: str) -> socket.socket | None:
    """A socket that sends to an address of `open_datagram`, and whose datagrams come from ``@NAME``.

    Nobody else can send in that name while the socket, or a copy of it, is open. None elsewhere than on
    Linux, and where nobody listens.
    """
    if not IS_LINUX or not address.startswith("@"):
        return None
    import socket

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        # Who reads may be stopped; whoever writes is not to wait for long.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_S, 0))
        sock.bind("\0" + name)
        sock.connect("\0" + address[1:])
    except OSError:
        sock.close()
        return None
    return sock


def open_abstract(name: str) -> tuple[socket.socket, str]:
    """One without a file (unix(7))."""
    import socket

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)  # noqa: FBT003 - positional by the library's signature
    sock.bind("\0" + name)
    return sock, "@" + name


def open_named(name: str) -> tuple[socket.socket, str]:
    """One with a file, in a folder of its own."""
    import socket
    import tempfile

    folder = tempfile.mkdtemp(prefix="jobboard-")
    os.chmod(folder, 0o711)  # noqa: PTH101, S103 - whoever the command runs as may pass; pathlib would double the agent's start-up
    path = f"{folder}/{name}"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)  # noqa: FBT003 - positional by the library's signature
    sock.bind(path)
    os.chmod(path, 0o666)  # noqa: PTH101, S103 - whoever the command runs as may write to it
    return sock, path


def processes() -> dict[int, Process]:
    """Every live process, by id. Zombies are not alive."""
    if IS_LINUX:
        return processes_of_proc()
    return processes_of_ps()


def processes_of_proc() -> dict[int, Process]:
    """Every live process, as /proc lists them (proc_pid_stat(5))."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the agent's start-up
        if name.isdigit():
            process = _read_stat(name)
            if process is not None:
                found[int(name)] = process
    return found


def _read_stat(name: str) -> Process | None:
    raw = _read_proc(f"/proc/{name}/stat", _STAT_BYTES)
    # The command's name stands in brackets and may itself hold blanks and brackets.
    state, parent, group, session, *_ = raw[raw.rfind(b")") + 2 :].split(b" ", 4) if raw else (b"X", 0, 0, 0)
    if state in _DEAD_STATES:
        return None
    return Process(int(parent), int(session), int(group))


def processes_of_ps() -> dict[int, Process]:
    """Every live process, as ps(1) lists them. Sessions are not portable: the group stands in for one."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,state="],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )
    found = {}
    for line in listed.stdout.splitlines():
        pid, parent, group, state = line.split(None, 3)
        if state[:1] not in _DEAD_STATES:
            found[int(pid)] = Process(int(parent), int(group), int(group))
    return found


def has_writer(path: str | Path) -> bool:
    """Whether anybody, this process too, has a file open for writing.

    A lease to read is refused while that is so (fcntl(2), F_SETLEASE). False where there is no such file or
    its file system has no leases, where it is somebody else's, and on other systems than Linux.
    """
    if not IS_LINUX:
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Whoever opens it for writing right now is let in at once; the signal that tells us is one that
        # nobody who does not ask for it gets.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def carries(pid: int, mark: bytes) -> bool:
    """Whether the environment a process was started with has an entry that begins with `mark`.

    False where the system does not show it: then a tree is known by session and parents alone.
    """
    raw = _read_proc(f"/proc/{pid}/environ", _ENVIRON_BYTES)
    return raw.startswith(mark) or b"\0" + mark in raw


def _read_proc(path: str, most_bytes: int) -> bytes:
    """A file of /proc in one read; empty where the process is gone or not ours to look at."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, most_bytes)
    except OSError:
        return b""
    finally:
        os.close(fd)
