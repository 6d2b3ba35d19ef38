"""What is done around every function that a job calls: opened before it, closed after it, measured, logged.

Hooks register themselves when the module they are in is imported; the package of a function is imported
with it, so its ``__init__`` is a good place for hooks of all that is in it::

    from jobboard import hooks

    @hooks.before
    def connect(run): ...

    @hooks.after
    def report(run, error): ...

    @hooks.around
    def measured(run):
        started = ...

Yield:
        ...

Each is given the run (`jobboard.job.Run`; None where no worker started it), those after it the error too,
or None. They are called in the order they were registered, those after a function in the opposite one. An
error in a hook fails the run as one in the function does; what an `around` hook catches is no failure.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobboard.job import Run

    Before: TypeAlias = Callable[[Run | None], object]
    After: TypeAlias = Callable[[Run | None, BaseException | None], object]
    Around: TypeAlias = Callable[[Run | None], Iterator[None]]

_before: list[Before] = []
_after: list[After] = []
_around: list[Around] = []


def before(hook: Before) -> Before:
    """Have a function called before each job's function."""
    _before.append(hook)
    return hook


def after(hook: After) -> After:
    """Have a function called after each job's function, however that ended."""
    _after.append(hook)
    return hook


def around(hook: Around) -> Around:
    """Have a generator function run around each job's function, which is called where it yields."""
    _around.append(hook)
    return hook


def forget() -> None:
    """Take all hooks out again; for tests."""
    for hooks in (_before, _after, _around):
        hooks.clear()


@contextmanager
def applied(run: Run | None) -> Iterator[None]:
    """Everything that was registered, around the block."""
    with ExitStack() as stack:
        for hook in tuple(_around):
            stack.enter_context(contextmanager(hook)(run))
        error: BaseException | None = None
        try:
            for first in tuple(_before):
                first(run)
            yield
        except BaseException as caught:
            error = caught
            raise
        finally:
            for last in reversed(_after):
                last(run, error)
