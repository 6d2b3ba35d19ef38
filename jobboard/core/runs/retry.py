"""What the end of an attempt means for its run. Pure: the spec, the counters and the end in, a verdict out.

Judged in this order: a cancel stands; a code that asks to be deferred is deferred while it may, or lets the
run go; a code that counts as success is success; a failure that the retry policy covers is tried again while
it may; whatever is left has failed. A lost worker is not judged here but by the store (``on_lost``), since
nobody is left to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.jobs.model import effective
from jobboard.core.size import format_size
from jobboard.core.times.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.run import Word

Broken: TypeAlias = Literal["silent", "output", "told"]
"""What a worker ends a run for: it said nothing for too long, or too much, or the worker was told to."""

_MAX_DOUBLINGS = 40
"""Two to this times a millisecond is 34 years, beyond any cap: larger powers are never computed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to report to the store.

    Attributes:
        verdict: ``ok``, ``failed``, ``retry``, ``defer``, ``drop`` or ``cancelled``.
        delay_ms: How long a ``retry`` or ``defer`` waits.
        reason: In words: ``exit 3``, ``signal SIGKILL``, ``timeout after 10m``; empty for success.
    """

    verdict: Word
    delay_ms: int
    reason: str


def judge(
    spec: Spec,
    *,
    attempt: int,
    defers: int,
    exit_code: int | None,
    signal: str | None = None,
    timed_out: bool = False,
    cancelled: bool = False,
    broke: Broken | None = None,
    seed: str = "",
) -> Verdict:
    """Judge how an attempt ended.

    Args:
        spec: The run's definition.
        attempt: Number of this try, from 1.
        defers: How often the run has been deferred before.
        exit_code: Of the process; None if a signal ended it or it never started.
        signal: Name of the signal that ended it, like ``SIGKILL``.
        timed_out: Whether it was ended because its time was up; wins over code and signal.
        broke: What the worker ended it for, if anything; like `timed_out`, and covered by it in a policy.
        cancelled: Whether it was ended because somebody called it off; wins over everything.
        seed: The run id; the retry's jitter is a stable hash of it.
    """
    reason = _broken(spec, broke) if broke else _reason(spec, exit_code, signal, timed_out=timed_out)
    timed_out = timed_out or broke is not None
    if cancelled:
        return Verdict("cancelled", 0, "cancelled")
    if not timed_out and exit_code is not None:
        defer = effective(spec, "defer")
        if exit_code in defer["on"] and defer["drop"]:
            return Verdict("drop", 0, f"not now: {reason}")
        if exit_code in defer["on"] and defers < defer["max"]:
            return Verdict("defer", defer["delay"], reason)
        if exit_code in effective(spec, "ok_exit"):
            return Verdict("ok", 0, "")
    retries = effective(spec, "retries")
    if attempt <= retries["max"] and _covered(retries, exit_code, signal, timed_out=timed_out):
        return Verdict("retry", retry_delay_ms(retries, attempt, seed), reason)
    return Verdict("ok" if spec.get("allow_failure") else "failed", 0, reason)


def retry_delay_ms(retries: Mapping[str, Any], attempt: int, seed: str) -> int:
    """How long to wait, in ms, after try number `attempt` (from 1) failed, before the next.

    Constant, linear or doubling from ``delay``, at most ``max_delay``, plus a part of ``jitter`` that is
    stable for the run and the try, so that runs which failed together do not come back together.
    """
    factor = {
        "constant": 1,
        "linear": attempt,
        "exponential": 2 ** min(attempt - 1, _MAX_DOUBLINGS),
    }[retries["backoff"]]
    delay_ms: int = min(retries["delay"] * factor, retries["max_delay"])
    return delay_ms + _share(f"{seed}#{attempt}", retries["jitter"])


def _share(seed: str, jitter_ms: int) -> int:
    digest = blake2b(seed.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (jitter_ms + 1)


def _covered(
    retries: Mapping[str, Any], exit_code: int | None, signal: str | None, *, timed_out: bool
) -> bool:
    """Whether the policy is about this kind of failure; without ``on`` it is about all of them."""
    kinds = retries.get("on")
    if kinds is None:
        return True
    if timed_out:
        return "timeout" in kinds
    return exit_code in kinds if exit_code is not None else signal in kinds


def _broken(spec: Spec, limit: Broken) -> str:
    if limit == "told":
        return "ended by a signal to its worker"
    if limit == "silent":
        return f"silent for {format_duration(spec['heartbeat'])}"
    return f"printed over {format_size(spec['limits']['output'])}"


def _reason(spec: Spec, exit_code: int | None, signal: str | None, *, timed_out: bool) -> str:
    if timed_out:
        limit_ms = effective(spec, "timeout")
        return f"timeout after {format_duration(limit_ms)}" if limit_ms else "timeout"
    if signal is not None:
        return f"signal {signal}"
    if exit_code is not None:
        return f"exit {exit_code}"
    return "not started"
