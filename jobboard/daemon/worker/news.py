"""What the worker's threads tell its loop, and starting one of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.runs.runs import Reserved


@dataclass(frozen=True, slots=True)
class Taken:
    """Said to the loop: runs were reserved."""

    runs: tuple[Reserved, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """Said to the loop: these runs are to be ended, since they were called off or are not ours any more."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Renewed:
    """Said to the loop: the store believed in us at this instant on the monotonic clock."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """Said to the loop: somebody asked the worker to stop, or to be quick about it."""

    hurried: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Said to the loop: do this, between two other things."""

    act: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """Said to the loop: a thread has failed, and the worker with it."""

    error: BaseException


News: TypeAlias = Taken | Ended | Renewed | Stopped | Asked | Broken


def start_thread(name: str, run: Callable[[], None], tell: Callable[[News], None]) -> threading.Thread:
    """Start a thread whose failure the loop is told."""

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the loop's thread
            tell(Broken(error))

    thread = threading.Thread(target=guarded, name=name)
    thread.start()
    return thread
