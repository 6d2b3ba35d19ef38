"""Whether everything in a namespace still holds together; and putting it right.

Every invariant of the engine is written down here once: what is due is a job, what is in a queue is queued,
what runs is held by a worker that lives, a lock is held by what runs, nobody waits for a lock that is free.
The walk goes in pages and may see things on their way; so what it comes by is looked at by a script, which
alone decides, and which mends in the same step. A namespace in use can be checked at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jobboard.core.jobs.model import seed_of
from jobboard.core.jobs.override import laid
from jobboard.core.times.schedule import compile_schedule
from jobboard.store.boards.codec import decode_definition
from jobboard.store.boards.definitions import defs_of
from jobboard.store.boards.staging import collect
from jobboard.store.calls import clocks
from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.calls.connect import Store

PAGE = 250

_SETS = (
    *("queue", "active", "lockwait", "holding", "live", "line", "lock", "after", "needs", "awaited"),
    *("joins", "asks", "gate", "gated", "barrier", "kept"),
)
"""Families of sets and hashes whose members are looked at one by one."""
_COUNTED = ("minute", "day", "jobday")
"""Families that count what ended in a stretch of time."""
_NAMED = (*_SETS, *_COUNTED, "run", "out", "defs", "changes", "outcomes", "bytag")
"""Families whose keys are looked for."""
SCRIPTS = {
    "fsck_jobs": (
        *("sched", "claims", "cursor", "job", "overrides", "skips", "after", "asks"),
        *("expected", "incidents"),
    ),
    "fsck_boards": ("edits", "tombstones", "drift", "moving", "stages", "changes"),
    "fsck_runs": (
        *("run", "queue", "delay", "halted", "blocked", "live", "active", "holding"),
        *("expiry", "deadlines"),
    ),
    "fsck_waits": (
        *("line", "turns", "joins", "needs", "awaited"),
        *("gate", "gated", "gates", "renamed", "outcomes"),
    ),
    "fsck_locks": ("lock", "lockwait", "barriers", "barrier", "waiters"),
    "fsck_kept": (
        *("out", "aging", "kept", "tracked", "tagged", "marked", "bytag", "tagsused"),
        *("minute", "day", "jobday"),
    ),
}
"""The scripts that judge, each with the families it looks at."""
_SCRIPT_OF = {family: script for script, families in SCRIPTS.items() for family in families}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not hold together.

    Attributes:
        kind: The family of keys it lies in.
        subject: A job, a run, or what else it is about.
        words: What is wrong with it: ``is due and is no job``.
    """

    kind: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.subject} {self.words}"


def check(store: Store) -> list[Problem]:
    """Everything that does not hold together; nothing is changed."""
    return list(_Walk(store, mending=False).problems())


def repair(store: Store) -> list[Problem]:
    """Mend what can be mended; what was found. A check afterwards says what is left.

    Mending one thing can show another, so a second repair may find more; a third finds nothing.
    """
    return list(_Walk(store, mending=True).problems())


class _Walk:
    """One pass over a namespace."""

    def __init__(self, store: Store, *, mending: bool) -> None:
        self._store = store
        self._client = store.client
        self._mending = mending
        self._found: dict[str, list[str]] = {}

    def problems(self) -> Iterator[Problem]:
        self._found = self._families()
        yield from self._paged("sched", self._members("sched"))
        yield from self._paged("claims", self._members("claims"))
        yield from self._paged("claims", self._members("claim"))
        yield from self._paged("cursor", self._members("cursor"))
        yield from self._paged("overrides", self._members("overrides"))
        yield from self._paged("skips", self._members("skips"))
        yield from self._paged("edits", self._members("edits"))
        for family in ("tombstones", "buried"):
            yield from self._paged("tombstones", self._members(family))
        yield from self._jobs()
        yield from self._paged("drift", self._members("drift"))
        yield from self._paged("moving", self._members("moving"))
        yield from self._paged("run", self._names("run"))
        yield from self._paged("delay", self._members("delay"))
        yield from self._paged("halted", self._members("halted"))
        yield from self._paged("blocked", self._members("blocked"))
        for family in ("barriers", "expiry", "deadlines", "expected", "incidents"):
            yield from self._paged(family, self._members(family))
        for family in _SETS:
            for name in self._names(family):
                yield from self._paged(family, self._members(family, name), name)
        yield from self._paged("waiters", self._names("lockwait"))
        yield from self._paged("gates", self._members("gates"))
        yield from self._paged("renamed", self._members("renamed"))
        yield from self._paged("aging", self._members("aging"))
        for family in ("tracked", "tagged", "marked", "tagsused"):
            yield from self._paged(family, self._members(family))
        yield from self._paged("outcomes", self._names("outcomes"))
        yield from self._paged("bytag", self._names("bytag"))
        yield from self._paged("turns", self._names("line"))
        yield from self._paged("out", self._names("out"))
        yield from self._paged("changes", self._names("changes"))
        for family in _COUNTED:
            yield from self._paged(family, self._names(family))
        yield from self._counts()
        yield from self._stages()

    def _paged(self, family: str, subjects: Iterator[str], name: str = "") -> Iterator[Problem]:
        script = _SCRIPT_OF[family]
        for page in _pages(subjects):
            found = self._store.call(script, family=family, name=name, subjects=page, repair=self._mending)[1]
            yield from (Problem(family, subject, words) for subject, words in found)

    def _families(self) -> dict[str, list[str]]:
        """The keys that there are, by family: ``queue:NAME`` is NAME under ``queue``."""
        found: dict[str, list[str]] = {family: [] for family in _NAMED}
        start = self._store.key("")
        with explained(self._store.url):
            for key in self._client.scan_iter(match=_literal(start) + "*", count=1000):
                family, _, name = _text(key)[len(start) :].partition(":")
                if name and family in found:
                    found[family].append(name)
        return found

    def _names(self, family: str) -> Iterator[str]:
        return iter(self._found[family])

    def _members(self, family: str, name: str = "") -> Iterator[str]:
        key = self._store.key(family, name) if name else self._store.key(family)
        with explained(self._store.url):
            kind = self._client.type(key)
            if kind == b"zset":
                yield from (_text(member) for member, _ in self._client.zscan_iter(key, count=PAGE))
            elif kind == b"hash":
                yield from (_text(field) for field, _ in self._client.hscan_iter(key, count=PAGE))
            else:
                yield from (_text(member) for member in self._client.sscan_iter(key, count=PAGE))

    def _jobs(self) -> Iterator[Problem]:
        """Every job: is it heard of by its parents, and is it scheduled if it has a schedule?"""
        for board, version in self._boards().items():
            with explained(self._store.url):
                pages = list(self._members("defs", version))
            addresses = [f"{board}/{job}" for job in pages]
            yield from self._paged("job", iter(addresses))
            for page in _pages(iter(pages)):
                yield from self._unscheduled(board, version, page)

    def _unscheduled(self, board: str, version: str, jobs: list[str]) -> Iterator[Problem]:
        with explained(self._store.url):
            packed = cast("list[bytes | None]", self._client.hmget(self._store.key("defs", version), jobs))
        due_of = {
            f"{board}/{job}": due_ms
            for job, raw in zip(jobs, packed, strict=True)
            if raw is not None and (due_ms := self._next_due(f"{board}/{job}", raw)) is not None
        }
        found = self._store.call("unscheduled", version=version, due=due_of, repair=self._mending)[1]
        yield from (Problem("sched", address, "has a schedule and is not due") for address in found)

    def _next_due(self, address: str, raw: bytes) -> int | None:
        """When a job that has a schedule is next due, counted from its cursor; None for never."""
        spec = laid(decode_definition(raw))
        if "schedule" not in spec or spec.get("enabled") is False:
            return None
        schedule = compile_schedule(spec["schedule"], seed_of(address, spec))
        with explained(self._store.url):
            cursor = cast("bytes | None", self._client.hget(self._store.key("cursor"), address))
        after_ms = int(cursor or 0)
        if "delay" in spec["schedule"]:
            after_ms = max(after_ms, clocks.now_ms(self._store))
        nominal_ms = schedule.next_after(after_ms)
        return None if nominal_ms is None else schedule.due(nominal_ms)

    def _counts(self) -> Iterator[Problem]:
        """Whether the bytes that bounds go by are those that there are; judged only while nothing moves."""
        for name, add_up in (("history_bytes", self._history_bytes), ("output_bytes", self._output_bytes)):
            seen, before = self._counted(name), self._newest()
            found = add_up()
            still = (seen, before) == (self._counted(name), self._newest())
            if found != seen and still and self._recounted(name, seen, found):
                yield Problem("meta", name, f"is {seen} and adds up to {found}")

    def _recounted(self, name: str, seen: int, found: int) -> bool:
        return bool(self._store.call("recount", name=name, seen=seen, sum=found, repair=self._mending)[1])

    def _counted(self, name: str) -> int:
        with explained(self._store.url):
            return int(cast("bytes | None", self._client.hget(self._store.key("meta"), name)) or 0)

    def _newest(self) -> list[str]:
        return [next(iter(self._entries(stream, 1)), ("", 0))[0] for stream in ("history", "failures")]

    def _history_bytes(self) -> int:
        return sum(size for stream in ("history", "failures") for _, size in self._entries(stream))

    def _entries(self, stream: str, most: int | None = None) -> Iterator[tuple[str, int]]:
        """Id and bytes of each record of a stream, newest first."""
        before = "+"
        while True:
            with explained(self._store.url):
                key = self._store.key(stream)
                page: Any = self._client.xrevrange(key, before, "-", count=most or PAGE)
            yield from ((_text(entry), len(fields[b"r"])) for entry, fields in page)
            if len(page) < PAGE:
                return
            before = f"({_text(page[-1][0])}"

    def _output_bytes(self) -> int:
        with explained(self._store.url):
            kept: Any = self._client.hscan_iter(self._store.key("outbytes"), count=PAGE)
            return sum(int(size) for _, size in kept)

    def _stages(self) -> Iterator[Problem]:
        left = list(self._paged("stages", self._members("stages")))
        yield from left
        reachable = self._reachable()
        lost = [version for version in self._names("defs") if version not in reachable]
        # Looked at again: a commit may have come between.
        reachable = self._reachable()
        for version in (version for version in lost if version not in reachable):
            yield Problem("defs", version, "is a version no board is at")
            if self._mending:
                with explained(self._store.url):
                    self._client.unlink(self._store.key("defs", version))
        if left and self._mending:
            collect(self._store)

    def _reachable(self) -> set[str]:
        reachable = set(self._boards().values()) | set(self._members("retired"))
        for stage in self._members("stages"):
            reachable |= set(self._members("staged", stage))
        return reachable

    def _boards(self) -> dict[str, str]:
        """Board -> the version its definitions lie under."""
        with explained(self._store.url):
            pairs = self._client.hscan_iter(self._store.key("boards"), count=1000)
            return {_text(board): defs_of(_text(version)) for board, version in pairs}


def _pages(subjects: Iterator[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for subject in subjects:
        page.append(subject)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _literal(text: str) -> str:
    """The text as a pattern that matches just itself."""
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in text)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
