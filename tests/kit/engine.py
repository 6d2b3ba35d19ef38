"""A namespace with jobs in it, without any sync: definitions are written as a commit would leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jobboard.core.jobs.depend import parents_of
from jobboard.core.jobs.model import Definition
from jobboard.core.runs.run import Firing, Result
from jobboard.core.times.instant import format_instant
from jobboard.store.boards.codec import encode_definition
from jobboard.store.calls.wire import pack, unpack
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from jobboard.core.runs.run import Gate, Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

MINUTE = 60_000
LEASE = 30_000
NEVER = 9_999_999_999_999
T0 = 1_600_000_000_000


class Engine:
    """Drives the run path of one namespace by hand: one scheduler, workers by name.

    Attributes:
        runs: The run path itself.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.runs = Runs(store)
        self.client = store.client
        self.epochs: dict[str, int] = {}

    @classmethod
    def at_work(cls, store: Store, *addresses: str) -> Engine:
        """With the worker ``w1`` and these jobs."""
        built = cls(store)
        built.worker()
        for address in addresses:
            built.define(address)
        return built

    def define(self, address: str, **spec: Any) -> None:
        """Put a job into its board, or change it; its epoch is new each time."""
        board, _, job = address.partition("/")
        spec = {"command": {"run": "true"}, **spec}
        epoch = self.epochs[address] = self.client.hincrby(self.store.key("meta"), "seq", 1)
        for parent in parents_of(spec):
            self.client.sadd(self.store.key("after", parent), address)
        packed = encode_definition(Definition(epoch, epoch, 1, spec, spec))
        self.client.hset(self.store.key("defs", f"v-{board}"), job, packed)
        self.client.hset(self.store.key("boards"), board, f"v-{board}.0")

    def settle(self, address: str, **entry: Any) -> None:
        """Apply to one job what a sync would leave to do: its parents before and after, its end."""
        self.client.hset(self.store.key("work", "st"), address, pack({"due": False, **entry}))
        self.client.rpush(self.store.key("work"), "st")
        self.store.call("drain", limit=100)

    def remove(self, address: str) -> None:
        """Take a job out of its board."""
        board, _, job = address.partition("/")
        self.client.hdel(self.store.key("defs", f"v-{board}"), job)

    def hold(self, scope: str, at: int, until: int | None = None) -> None:
        """Put a hold on a scope from one instant to another."""
        self.store.call("pause", scope=scope, by={"actor": "ana"}, reason="holiday", expires=until or NEVER)
        packed = cast("bytes", self.client.hget(self.store.key("holds"), scope))
        holds = unpack(packed)
        holds[-1].update(at=at)
        self.client.hset(self.store.key("holds"), scope, pack(holds))

    def fire(
        self,
        address: str,
        nominal: int,
        *,
        next_due: int | None = None,
        missed: tuple[int, int, int] | None = None,
        scheduler: str = "s1",
        epoch: int | None = None,
        gate: Gate | None = None,
    ) -> tuple[str, str | None]:
        """Make the job due, claim it, fire it for a nominal: the tag and the run's id."""
        self.client.zadd(self.store.key("sched"), {address: 1})
        self.runs.claim(scheduler)
        return self.decide(
            address, nominal, next_due=next_due, missed=missed, scheduler=scheduler, epoch=epoch, gate=gate
        )

    def decide(
        self,
        address: str,
        nominal: int | None,
        *,
        cursor: int = 0,
        next_due: int | None = None,
        missed: tuple[int, int, int] | None = None,
        backlog: tuple[tuple[int, str, int], ...] = (),
        scheduler: str = "s1",
        epoch: int | None = None,
        gate: Gate | None = None,
    ) -> tuple[str, str | None]:
        """Fire a job that was claimed before."""
        firing = Firing(
            address,
            epoch or self.epochs[address],
            cursor if nominal is None else nominal,
            next_due,
            nominal,
            "" if nominal is None else format_instant(nominal),
            nominal,
            (*missed, "no scheduler looked in time") if missed else None,
            backlog,
            gate,
        )
        (answer,) = self.runs.fire(scheduler, [firing])
        return answer

    def fired(self, address: str, nominal: int) -> str:
        """Fire it, next due in the far future; the run's id."""
        tag, run_id = self.fire(address, nominal, next_due=NEVER)
        assert tag == "FIRED", tag
        assert run_id is not None
        return run_id

    def worker(self, name: str = "w1", *queues: str, lease_ms: int = LEASE) -> str:
        """Register a worker of these queues, or of ``common``."""
        self.runs.hello(
            name,
            host="here",
            pid=1,
            queues=queues or ("common",),
            slots=8,
            lease_ms=lease_ms,
            version="1",
        )
        return name

    def reserve(self, name: str = "w1", *queues: str, limit: int = 10) -> list[Reserved]:
        """What the worker gets, of these queues or of ``common``."""
        return self.runs.reserve(name, queues or ("common",), limit)

    def reserve_one(self, name: str = "w1", *queues: str) -> Reserved:
        """The one run the worker gets."""
        (reserved,) = self.reserve(name, *queues)
        return reserved

    def running(self, address: str = "b/x", nominal: int = T0) -> Reserved:
        """A run of the job, fired and handed to ``w1``."""
        self.fired(address, nominal)
        return self.reserve_one()

    def finish(self, reserved: Reserved, verdict: Word = "ok", name: str = "w1", **more: Any) -> str:
        """Report how an attempt ended; the tag."""
        result = Result(reserved.run_id, reserved.token, verdict, **{"started_ago_ms": 5, **more})
        (tag,) = self.runs.finish(name, [result])
        return tag

    def state(self, run_id: str) -> str:
        """The run's state; ``absent`` before it is made, ``finished`` when only its record is left."""
        found = cast("bytes | None", self.client.hget(self.store.key("run", run_id), "state"))
        if found is not None:
            return found.decode()
        address = run_id.partition("@")[0]
        return "finished" if any(r.get("id") == run_id for r in self.last(address)) else "absent"

    def last(self, address: str) -> list[dict[str, Any]]:
        """The job's last records, newest first."""
        packed = cast("list[bytes]", self.client.lrange(self.store.key("last", address), 0, -1))
        return [unpack(raw) for raw in packed]

    def members(self, *key: str) -> set[str]:
        """The members of a set or sorted set."""
        name = self.store.key(*key)
        found = (
            self.client.zrange(name, 0, -1)
            if self.client.type(name) == b"zset"
            else self.client.smembers(name)
        )
        return {member.decode() for member in cast("list[bytes]", found)}

    def due(self, address: str) -> int | None:
        """When the job is due, if it is."""
        score = self.client.zscore(self.store.key("sched"), address)
        return None if score is None else int(score)
