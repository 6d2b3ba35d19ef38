"""The program that has a program of ours and a job's module loaded, and forks a process for each run.

``start.py daemon.forkserver PROGRAM MODULE``, in the directory and the environment of the job, and with a
socket to the agent as `AGENT_FD`. It is asked there; what the new process reads, writes and reports to comes
along as descriptors. That process is forked twice, so that it comes to the agent like any other whose parent
is gone, and does nothing until the agent knows it. From then on it differs from one that was started anew in
this alone: its module was loaded before, without ``JOBBOARD_`` variables and with nowhere to print to.

A fork copies one thread and shares every connection. So a module that has started threads or opened sockets
while it was loaded is not for this, and the program ends. It also ends when a file that it has loaded has
changed, or the directory's name is another's by now.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import socket
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard.daemon import confine, linux
from jobboard.runners import call

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import ModuleType

AGENT_FD = 3
MESSAGE_BYTES = 1 << 16
_MOST_FDS = 8


def main(argv: Sequence[str]) -> NoReturn:
    """Serve until the agent is gone, or this process is of no use; in a forked process, run the program."""
    agent = socket.socket(fileno=AGENT_FD)
    agent.set_inheritable(False)
    program: Any = importlib.import_module(f"jobboard.runners.{argv[0]}")
    before = frozenset(sys.modules)
    if argv[1]:
        call.look_here_first()
        importlib.import_module(argv[1])
    loaded = Loaded(sys.modules[name] for name in sys.modules.keys() - before)
    if not is_alone(known_fds=(AGENT_FD,)):
        os._exit(1)
    gc.collect()
    gc.freeze()  # else each new process would copy what its collector looks at
    agent.send(b'{"ready":true}')
    if not _serve(agent, loaded):
        os._exit(0)  # what is registered for the end of a program is for that of a run
    _leave(int(program.main([])))


def _leave(code: int) -> NoReturn:
    """End as the interpreter does, but for taking down what was loaded: to copy it for that takes longest."""
    # What waits for threads, and tells pools that there is no more, has no public name; nor has the next.
    vars(threading)["_shutdown"]()
    atexit._run_exitfuncs()  # noqa: SLF001
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        os._exit(120)  # the interpreter's own code for it
    os._exit(code)


def _serve(agent: socket.socket, loaded: Loaded) -> bool:
    """Fork for everyone who asks; True in a new process, False here, at the end."""
    while True:
        raw, fds, _, _ = socket.recv_fds(agent, MESSAGE_BYTES, _MOST_FDS)
        if not raw:
            return False
        told = json.loads(raw)
        try:
            if loaded.has_changed(told["cwd"]):
                return False
            if _forked():
                _begin(agent, told, fds)
                return True
        except OSError:
            return False  # no room for another process: let the agent try
        for fd in fds:
            os.close(fd)


def _forked() -> bool:
    """Fork twice; True in the new process.

    Raises:
        OSError: There is none.
    """
    between = os.fork()
    if between:
        if os.waitpid(between, 0)[1]:
            raise OSError("no second process")
        return False
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        os._exit(1)
    return True


def _begin(agent: socket.socket, told: dict[str, Any], fds: list[int]) -> None:
    """Become what a command is when it starts, once the agent knows of it."""
    os.setsid()
    try:
        confine.apply(told["confined"] or {})
    except confine.Unconfined as error:
        agent.send(json.dumps({"id": told["id"], "refused": str(error)}).encode())
        os._exit(0)
    agent.send(json.dumps({"id": told["id"], "pid": os.getpid()}).encode())
    agent.close()
    *ends, env_fd, go_fd = fds
    if not os.read(go_fd, 1):
        os._exit(0)  # the agent has given it up
    for number, end in enumerate(ends):
        os.dup2(end, number)
    with open(env_fd, encoding="utf-8", errors="surrogateescape", closefd=False) as file:
        values = json.load(file)
    for fd in fds:
        os.close(fd)
    os.environ.clear()
    os.environ.update(values)
    linux.brand_children(told["brand"])
    # Its state was copied with the module; Python's own generator sees to that by itself.
    numbers: Any = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()


class Loaded:
    """The files of some modules, as they are now."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        paths = (getattr(module, "__file__", None) for module in modules)
        self._stamps = {path: _stamp(path) for path in paths if path}
        self._folder = _stamp(".")

    def has_changed(self, cwd: str | None) -> bool:
        """Whether any of them is another now, or what is called `cwd` another directory."""
        if cwd is not None and (_stamp(cwd) or ())[:2] != (self._folder or ())[:2]:
            return True
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - of hundreds, before each run
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def is_alone(known_fds: Collection[int]) -> bool:
    """Whether a fork of this process has all that it has, and shares no connection with it."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - names alone
        return False
    open_fds = {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - likewise
    return not any(_is_socket(fd) for fd in open_fds - set(known_fds))


def _is_socket(fd: int) -> bool:
    with suppress(OSError):  # the one that the list itself was read from
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    return False
