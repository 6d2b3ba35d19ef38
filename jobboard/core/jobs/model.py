"""What a job is: its fields, how each merges, and what an absent one means.

A **spec** is a job's definition in canonical form: a mapping of field name to a JSON value, with board
defaults resolved, durations in integer milliseconds, instants in integer milliseconds since the epoch,
sets sorted, and every value that equals the built-in default left out. Two specs that mean the same are
equal, byte for byte once encoded; so a digest never changes unless a job does.

The number of a field is its name in the store. A number, once released, is never given another meaning,
and a built-in default never changes: an upgrade must not move a digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from jobboard.core.jobs.override import Override

Spec: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["atom", "map", "set"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a job.

    Attributes:
        number: Its name in the store.
        kind: How it merges. An ``atom`` is one value, however large: a merge inside a schedule or a retry
            policy would make hybrids nobody wrote. A ``map`` merges per key, a ``set`` per element.
        default: What its absence means, for display and for the programs that act on a spec.
        moves: Whether a change of it changes what runs or when (`epoch` in the store).
    """

    number: int
    kind: Kind = "atom"
    default: Any = None
    moves: bool = True


@dataclass(frozen=True, slots=True)
class Definition:
    """A job as the store holds it: the live definition, and what the file said when last applied.

    Attributes:
        epoch: Unique number, new whenever what runs or when it runs changes.
        generation: Unique number, new with every write of the spec.
        revision: The revision that last changed the job; 0 where no sync has.
        spec: The live definition.
        base: What the file said when last applied; equal to the spec unless somebody edited it live.
        overrides: What is laid over the spec for a time; see `core.jobs.override`.
    """

    epoch: int
    generation: int
    revision: int
    spec: Spec
    base: Spec
    overrides: tuple[Override, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether the live definition differs from what the file said when last applied."""
        return self.spec != self.base


DEFAULT_RETRIES: Spec = MappingProxyType(
    {"max": 0, "delay": 10_000, "backoff": "exponential", "max_delay": 3_600_000, "jitter": 0}
)
DEFAULT_DEFER: Spec = MappingProxyType({"on": (75,), "delay": 60_000, "max": 100, "drop": False})
DEFAULT_LOGS: Spec = MappingProxyType(
    {"split": False, "max_size": 65_536, "on_success": "keep", "to": "redis"}
)
FILE_LOGS: Spec = MappingProxyType({**DEFAULT_LOGS, "max_size": 16 << 20})
"""What is built in where output goes into files."""
MOST_IN_REDIS = 16 << 20
"""How much of an attempt's output may be kept where it does not go into a file."""


def built_in_logs(logs: Mapping[str, Any]) -> Spec:
    """What holds of `logs` where it says nothing."""
    return FILE_LOGS if logs.get("to") == "files" else DEFAULT_LOGS


UNLIMITED = 2**31 - 1
"""What ``unlimited`` is as a number of retries."""

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        # One key: `run`, a text for the shell; `exec`, a list of words; `http`, a request
        # (`core.jobs.request`); `call`, a Python function (`core.jobs.handler`); or `runner`, one of the
        # project's own (`core.jobs.runner`).
        "command": Field(1),
        # {"cron": text | "every": ms | "at": [ms, ...] | "repeat": text | "delay": ms} and, as they apply,
        # "timezone", "phase", "jitter", "start", "stop", "runs"; see `core.times.schedule`
        "schedule": Field(2),
        "after": Field(3, "set"),
        "timeout": Field(4),
        "kill_after": Field(5, default=10_000),
        # keys of DEFAULT_RETRIES that differ from it, and "on": [code | "SIGNAME" | "timeout", ...]
        "retries": Field(6, default=DEFAULT_RETRIES),
        "on_lost": Field(7, default="retry"),
        "defer": Field(8, default=DEFAULT_DEFER),
        "ok_exit": Field(9, "set", default=(0,)),
        # name -> how many runs may hold it at once
        "locks": Field(10, "map"),
        "queue": Field(11, default="common"),
        "priority": Field(12, default=0),
        # a word, or {"allow": how many at once}
        "overlap": Field(13, default="skip"),
        "catchup": Field(14, default="last"),
        "tags": Field(15, "set", moves=False),
        "description": Field(16, moves=False),
        "owner": Field(17, moves=False),
        "labels": Field(18, "map", moves=False),
        "protected": Field(19, default=False, moves=False),
        "enabled": Field(20, default=True),
        "cwd": Field(21),
        "env": Field(22, "map"),
        "inherit": Field(23, "set"),
        "shell": Field(24, default="/bin/sh"),
        "stdin": Field(25),
        "env_files": Field(40),
        "user": Field(41),
        "umask": Field(42),
        "nice": Field(43, default=0),
        # "memory", "file_size", "output" in bytes, "cpu" in ms, "files" a count
        "limits": Field(44, "map"),
        "heartbeat": Field(45),
        # "keep" or "kill"; see `on_disconnect` for what holds where it is absent.
        "on_disconnect": Field(71),
        "allow_failure": Field(46, default=False),
        # How late a due run still simply runs, and how far `catchup: all` goes back; ms.
        "late_after": Field(47, default=60_000),
        "catchup_window": Field(48, default=86_400_000),
        "start_within": Field(54),
        "finish_by": Field(55),
        "on_late": Field(56, default="report"),
        "expected_every": Field(57),
        # Keys that differ from what is built in (`built_in_logs`; "max_size" in bytes), "keep" and
        # "keep_failed" in ms, and "keep_runs".
        "logs": Field(58, "map", moves=False),
        # What `H`, phase and jitter hash, where that is not the job's address: the one it was moved from.
        # No board says it; `core.plans.compare` carries it along.
        "seed": Field(60),
        # What a function is called with, in order and by name; a runner is told by name alone.
        "args": Field(61),
        "with": Field(62, "map"),
        "warm": Field(67, default=True),
        # parent -> "finished" | "failed": how a parent in `after` has to end; absent is "success"
        "on": Field(50, "map"),
        # job -> what a scheduled run asks of it before it starts: "fresh", "on", "timeout" and "on_timeout",
        # each only where it is not the default. A job with both `after` and `schedule` comes once a window.
        "needs": Field(51, "map"),
    }
)

FIELD_BY_NUMBER: Mapping[int, str] = MappingProxyType({field.number: name for name, field in FIELDS.items()})


def on_disconnect(spec: Spec) -> Literal["keep", "kill"]:
    """What becomes of a running command whose worker cannot reach the store until its lease ends."""
    said: Literal["keep", "kill"] = spec.get("on_disconnect", "kill" if spec.get("locks") else "keep")
    return said


def seed_of(address: str, spec: Spec) -> str:
    """What a job's schedule hashes: its address, or the one it had before it was moved."""
    seed: str = spec.get("seed", address)
    return seed


def effective(spec: Spec, field: str) -> Any:
    """The value of a field in force: the spec's own, else the built-in default.

    `retries` and `defer` are completed key by key.
    """
    known = FIELDS[field]
    value = spec.get(field)
    if value is None:
        return known.default
    if field in ("retries", "defer"):
        return {**known.default, **value}
    return value
