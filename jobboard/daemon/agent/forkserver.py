"""The program that has a program of ours and a job's module loaded, and forks a process for each run.

``start.py daemon.agent.forkserver PROGRAM MODULE``, in the directory and the environment of the job, and with
a socket to the agent as `AGENT_FD`. It is asked there; what the new process reads, writes and reports to
comes along as descriptors. That process does nothing until the agent knows it, and how it ended is told to
the agent from here, where its parent is; if we are gone before, it comes to the agent like any other whose
parent is. It differs from one that was started anew in this alone: its module was loaded before, without
``JOBBOARD_`` variables and with nowhere to print to.

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
import select
import signal
import socket
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard.daemon.agent.reaping import watch_children
from jobboard.daemon.system import confine, linux
from jobboard.runners import call

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import ModuleType

AGENT_FD = 3
MESSAGE_BYTES = 1 << 16
_MOST_FDS = 8
_WAKEUP_BYTES = 4096


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
    children = Children(agent)
    poll = select.poll()
    for fd in (agent.fileno(), children.fd):
        poll.register(fd, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        try:
            if children.fd in ready:
                children.tell_ends()
            if agent.fileno() not in ready:
                continue
            raw, fds, _, _ = socket.recv_fds(agent, MESSAGE_BYTES, _MOST_FDS)
            if not raw:
                return False
            told = json.loads(raw)
            if loaded.has_changed(told["cwd"]):
                return False
            forked_pid = os.fork()
        except OSError:
            return False  # no room for another process, or no agent: let the agent try
        if not forked_pid:
            children.disown()
            _begin(agent, told, fds)
            return True
        for fd in fds:
            os.close(fd)


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
    # Read without a file object: what a new process touches first is what it copies, and that is its price.
    values = json.loads(os.pread(env_fd, os.fstat(env_fd).st_size, 0))
    for fd in fds:
        os.close(fd)
    os.environ.clear()
    os.environ.update(values)
    linux.brand_children(told["brand"])
    # Its state was copied with the module; Python's own generator sees to that by itself.
    numbers: Any = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()


class Children:
    """The processes that were forked here.

    Args:
        agent: Where to tell how they ended.

    Attributes:
        fd: Reads when one has ended.
    """

    def __init__(self, agent: socket.socket) -> None:
        self._agent = agent
        self._before = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
        self.fd = watch_children()

    def tell_ends(self) -> None:
        """Tell how each ended that has; only then is it gone, so that nobody ever ends untold."""
        os.read(self.fd, _WAKEUP_BYTES)
        while found := _ended_child():
            pid, status = found
            self._agent.send(json.dumps({"pid": pid, "status": status}).encode())
            os.waitpid(pid, 0)

    def disown(self) -> None:
        """In a process that was forked: they are its siblings, and its own children are its own business."""
        os.close(self.fd)
        os.close(signal.set_wakeup_fd(-1))
        signal.signal(signal.SIGCHLD, self._before)


def _ended_child() -> tuple[int, int] | None:
    """Process id and wait status of a child that has ended, and is left as it is."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if found is None:
        return None
    return found.si_pid, found.si_status << 8 if found.si_code == os.CLD_EXITED else found.si_status


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
