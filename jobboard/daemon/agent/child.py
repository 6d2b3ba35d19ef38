"""Starting one command: its pipe, its input, and why it could not be started."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from jobboard.daemon.system import confine, linux

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REPORT_VARIABLE = "JOBBOARD_REPORT_FD"
REPORT_FD = 3
"""Where a command finds the socket that it reports through; one digit, as some shells redirect no others."""

NOT_FOUND = 127
NOT_RUNNABLE = 126
"""What a shell answers for a command that is not there, and for one that cannot be run."""

_IGNORED_HERE = (signal.SIGPIPE, signal.SIGXFSZ)
"""What Python ignores, and a command is not to."""


class Refusal(Exception):
    """A command that could not be started: the code a shell would give, and why in words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    @classmethod
    def to_run(cls, why: str) -> Self:
        """One of a command that is there and cannot be run."""
        return cls(NOT_RUNNABLE, f"exit {NOT_RUNNABLE}: {why}")


def start(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
    stdin: str | None,
    confined: Mapping[str, Any] | None = None,
    *,
    split: bool = False,
    report_fd: int | None = None,
) -> tuple[int, tuple[int, ...]]:
    """Start a command as the leader of a session of its own.

    Standard output and standard error are one pipe, so that lines keep the order they were written in.

    Args:
        argv: Its words; the first is looked up on the PATH of `env`.
        env: Its whole environment.
        cwd: Where it starts; None for where this process is.
        stdin: What it reads; None for nothing at all.
        confined: As `confine.confinement_of` made it.
        split: Whether they are to be two pipes, which tells them apart and loses their order.
        report_fd: What it gets as `REPORT_FD`; see `reserve_report_fd`.

    Returns:
        Its process id, and the ends to read from: of the one pipe, or of output and errors.

    Raises:
        Refusal: It could not be started.
    """
    source = _nothing() if stdin is None else open_input(stdin)
    read_ends, write_ends = open_pipes(split=split)
    ends = (source, write_ends[0], write_ends[-1], *(() if report_fd is None else (report_fd,)))
    try:
        if confined:
            pid = _fork(argv, env, cwd, ends, confine.Confinement(confined))
        else:
            pid = spawn(argv, env, cwd, ends)
    except (OSError, ValueError) as error:
        _close(read_ends)
        raise _refusal(error, argv, cwd) from error
    except Refusal:
        _close(read_ends)
        raise
    finally:
        _close(write_ends if stdin is None else (*write_ends, source))
    return pid, read_ends


def open_pipes(*, split: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ends to read from, and those to write to, of one pipe or of two."""
    read_ends, write_ends = zip(*(_spare.pop() if _spare else _pipe() for _ in range(1 + split)), strict=True)
    return read_ends, write_ends


def get_ready() -> None:
    """Have a pipe at hand for the next command, which need not wait until one is made."""
    if not _spare:
        with suppress(OSError):  # too many are open: the command that needs one says so
            _spare.append(_pipe())


_spare: list[tuple[int, int]] = []


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    linux.widen_pipe(ends[1])
    return ends


def reserve_report_fd() -> None:
    """See to it that no descriptor made from now on is `REPORT_FD`, which means another one in a command."""
    while (fd := os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)) <= REPORT_FD:
        pass
    os.close(fd)


def _close(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)


def spawn(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, ends: tuple[int, ...]) -> int:
    """Start it with nothing between fork and exec, so that the kernel need not copy this process (vfork).

    posix_spawn knows no working directory, so this process goes there for the moment; it has one thread.
    """
    if cwd is None:
        return _spawn_here(argv, env, ends)
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    try:
        os.chdir(cwd)
        return _spawn_here(argv, env, ends)
    finally:
        os.fchdir(here)
        os.close(here)


def _spawn_here(argv: Sequence[str], env: Mapping[str, str], ends: tuple[int, ...]) -> int:
    program = _program_of(argv, env)
    try:
        # Our descriptors close by themselves at exec (PEP 446), so nothing has to go through them.
        return os.posix_spawn(
            program,
            list(argv),
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends)],
            setsid=True,
            setsigdef=_IGNORED_HERE,
        )
    except NotImplementedError:
        # Python says so where the C library has no POSIX_SPAWN_SETSID, as glibc before 2.26: there the
        # session is started between fork and exec, as it is for a command that is confined.
        return _fork(argv, env, None, ends, None)


def _program_of(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """The file that a command's first word names, looked for where its own PATH says.

    Raises:
        OSError: There is none, or none that may be run.
    """
    if not argv:
        raise ValueError("a command without a word")
    if "/" in argv[0]:
        return argv[0]
    paths = [f"{folder or '.'}/{argv[0]}" for folder in env.get("PATH", os.defpath).split(os.pathsep)]
    for path in paths:
        if os.access(path, os.X_OK) and os.path.isfile(path):  # noqa: PTH113 - pathlib would double the agent's start-up
            return path
    found = next(filter(os.path.isfile, paths), None)
    number = errno.EACCES if found else errno.ENOENT
    raise OSError(number, os.strerror(number), found or argv[0])


def _fork(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
    ends: tuple[int, ...],
    before_exec: confine.Confinement | None,
) -> int:
    """Start it as `subprocess` does, which can run something of ours just before exec."""
    source, output, errors, *report = ends

    def prepare() -> None:
        if report:
            os.dup2(report[0], REPORT_FD)
        if before_exec is not None:
            before_exec()

    try:
        child = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=source,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            close_fds=False,
            preexec_fn=prepare if report or before_exec else None,  # noqa: PLW1509 - this process has one thread
        )
    except subprocess.SubprocessError as error:
        said = before_exec.close() if before_exec else ""
        before_exec = None
        raise Refusal.to_run(said) from error
    finally:
        if before_exec is not None:
            before_exec.close()
    # Reaped by process id, all children alike; this object must not wait for it too.
    child.returncode = 0
    return child.pid


def open_input(text: str | None) -> int:
    """A descriptor that reads `text` from its beginning."""
    if text is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    fd = linux.open_unnamed()
    with open(fd, "wb", closefd=False) as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


@cache
def _nothing() -> int:
    """What commands read that are given nothing to read: one for all, as there is no place in it to share."""
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _refusal(error: OSError | ValueError, argv: Sequence[str], cwd: str | None) -> Refusal:
    if isinstance(error, ValueError):
        return Refusal(NOT_RUNNABLE, f"exit {NOT_RUNNABLE}: not runnable: {error}")
    if cwd is not None and not os.path.isdir(cwd):  # noqa: PTH112 - pathlib would double the agent's start-up
        what = "not a directory" if os.path.exists(cwd) else "no such directory"  # noqa: PTH110 - likewise
        return Refusal(NOT_RUNNABLE, f"exit {NOT_RUNNABLE}: {what}: {cwd}")
    code, what = {
        errno.ENOENT: (NOT_FOUND, "command not found"),
        errno.ENOTDIR: (NOT_FOUND, "command not found"),
        errno.EACCES: (NOT_RUNNABLE, "permission denied"),
        errno.ENOEXEC: (NOT_RUNNABLE, "not a program (a script needs a first line like #!/bin/sh)"),
    }.get(error.errno or 0, (NOT_RUNNABLE, (error.strerror or str(error)).lower()))
    return Refusal(code, f"exit {code}: {what}: {argv[0] if argv else ''}")
