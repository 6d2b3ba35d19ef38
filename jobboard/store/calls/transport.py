"""A call of a script as a value, and the plain way to carry it out: one connection, one call at a time.

A call names its script and holds its arguments packed; whoever carries it out passes one key, the
namespace's ``meta``, which routes it in a cluster. There are two transports, and nothing above
`store.calls.connect` knows which one a store has: this one, which waits for each answer, and
`store.calls.multiplexed`, on which many threads have calls under way at once. Here exceptions are still the
client library's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Future

    import redis

    from jobboard.store.calls.scripts import Script


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script.

    Attributes:
        script: The script.
        meta: The one key it is given.
        packed: Its arguments, a msgpack map.
    """

    script: Script
    meta: str
    packed: bytes

    @property
    def by_sha(self) -> tuple[str | bytes | int, ...]:
        """The command that names the script, which the server may not have yet."""
        return ("EVALSHA_RO" if self.script.read_only else "EVALSHA", self.script.sha, *self._given)

    @property
    def by_text(self) -> tuple[str | bytes | int, ...]:
        """The command that carries the script, after which the server has it."""
        return ("EVAL_RO" if self.script.read_only else "EVAL", self.script.text, *self._given)

    @property
    def _given(self) -> tuple[int, str, bytes]:
        return 1, self.meta, self.packed


class Transport(Protocol):
    """Carries calls out; `submit` returns the answer as the server sent it, now or later."""

    def submit(self, call: Call) -> Future[bytes]:
        """Send the call. A failure is in the future, never raised here."""
        ...

    def close(self) -> None:
        """Let go of every connection. Safe to call twice."""
        ...


class Blocking:
    """Waits for the answer inside `submit`: the future it returns is done."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client

    def submit(self, call: Call) -> Future[bytes]:
        """Send the call and wait for its answer."""
        from concurrent.futures import Future

        answer: Future[bytes] = Future()
        try:
            answer.set_result(self._answer(call))
        except Exception as error:  # noqa: BLE001 - the future carries it to whoever asks for the answer
            answer.set_exception(error)
        return answer

    def _answer(self, call: Call) -> bytes:
        from redis.exceptions import NoScriptError

        try:
            reply: bytes = self._client.execute_command(*call.by_sha)
        except NoScriptError:
            reply = self._client.execute_command(*call.by_text)
        return reply

    def close(self) -> None:
        """Let go of the client's connections."""
        self._client.close()
