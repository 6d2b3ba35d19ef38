"""A line that breaks at every call of a push, with the run over before anybody asks again."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine
from kit.proxy import Cut, Proxy, When
from kit.server import Server, fresh_namespace

from jobboard import errors
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.calls.connect import Store
from jobboard.store.runs import pushes
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from jobboard.store.runs.pushes import Parcel


class Line:
    """Pushes through a proxy; whoever works there does so on a line of its own."""

    def __init__(self, server: Server) -> None:
        self._behind = Path(server.url.removeprefix("unix://"))
        self.store = Store(server.url, fresh_namespace())
        self._engine = Engine.at_work(self.store)
        self.ran: list[str] = []

    def work(self) -> None:
        """Run everything there is, and as much again as a job remembers of itself."""
        for reserved in self._engine.reserve():
            self._engine.finish(reserved)
            self.ran.append(reserved.run_id)
            for _ in range(21):
                self._engine.runs.start_run("b/other", by="ana")
                self._engine.finish(self._engine.reserve_one())

    def push(self, parcel: Parcel, cut: Cut, *, insist: bool) -> int:
        """Push, again and again where it is insisted on; how many calls that took."""
        self._engine.define("b/other")
        self.store.client.script_flush()
        with Proxy(self._behind, self._behind.parent, cut) as proxy:
            for _ in range(3 if insist else 1):
                with suppress(errors.StoreUnreachable), Store(proxy.url, self.store.namespace) as through:
                    pushes.push(through, [parcel], by="ana")
                    break
            return proxy.calls


@pytest.mark.parametrize("when", ["asked", "answered"])
@pytest.mark.parametrize(
    "more", [{"id": "a"}, {"id": "a", "replace": True}, {}], ids=["id", "replace", "none"]
)
def test_a_push_runs_once_wherever_its_line_breaks(server: Server, more: dict[str, Any], when: When) -> None:
    for call in count(1):
        line = Line(server)
        with line.store:
            parcel = make_parcel(line.store, queue="common", keys={"run": "true"}, **more)
            reached = line.push(parcel, Cut(call, when, line.work), insist="id" in more)
            line.work()
            # Without an id of one's own, whoever asks again asks for another run: here nobody does.
            assert len(line.ran) in ((1,) if reached < call or "id" in more else (0, 1)), call
            assert fsck.check(line.store) == []
        if reached < call:
            break
    # The script's name, which the server does not know, and then the script.
    assert call > 2
