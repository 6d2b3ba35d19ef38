"""Very many runs of one job may wait at their gates: what concerns all of them is done page by page, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, NEVER, T0, Engine

from jobboard.core.runs.run import Firing, Gate, GateAsk
from jobboard.core.times.instant import format_instant
from jobboard.store.calls.wire import unpack
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

MANY = 250
"""More than two pages of gates, and than what one call lets time out."""
PAGE = 100
NEEDS: dict[str, Any] = {"b/load": {}}
BOARD = """\
load: {run: x, every: 1m, overlap: allow}
report: {run: x, every: 1m, overlap: allow, needs: load}
"""


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    """A job that waits for another at each of its nominals, whatever else of it is unfinished."""
    clock.set(T0 + MANY * MINUTE)
    built = Engine.at_work(store)
    built.define("b/load", schedule={"every": MINUTE}, overlap="allow")
    built.settle("b/load", due=NEVER)
    report(built)
    return built


def report(engine: Engine, needs: Any = NEEDS, **entry: Any) -> None:
    engine.define("b/report", schedule={"every": MINUTE}, overlap="allow", needs=needs, queue="wide")
    engine.settle("b/report", due=NEVER, after=list(needs), asks=list(needs), reach=MINUTE, **entry)


def wait(engine: Engine, nominal: int, asked: int, *, of: int = 1, until: int | None = None) -> str:
    """A run that waits for one nominal of b/load, or for all of several up to it."""
    low = asked - 1 if of == 1 else asked - of * MINUTE
    shown = f"b/load@{format_instant(asked)}"
    ask = GateAsk(
        parent="b/load",
        low_ms=low,
        high_ms=asked,
        left=of,
        open=of,
        on=None,
        strict=False,
        timeout_ms=None,
        until_ms=until,
        policy="run",
        shown=shown,
    )
    tag, run = engine.fire("b/report", nominal, next_due=NEVER, gate=Gate((), (), (ask,)))
    assert (tag, bool(run)) == ("FIRED", True)
    return run or ""


def end_load(engine: Engine, nominal: int = T0, verdict: Word = "ok") -> None:
    engine.fired("b/load", nominal)
    engine.finish(engine.reserve_one(), verdict)


def settled(engine: Engine) -> None:
    """Nothing is left to tell, and everything holds together."""
    for _ in range(100):
        if not engine.client.exists(engine.store.key("fanout")):
            break
        engine.runs.tick("s1")
    assert not engine.client.exists(engine.store.key("fanout"), engine.store.key("renamed"))
    assert fsck.check(engine.store) == []


def blocked(engine: Engine) -> int:
    return len(engine.members("blocked"))


def test_one_nominal_opens_them_all_in_pages(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    assert fsck.check(engine.store) == []
    end_load(engine)
    assert blocked(engine) == MANY - PAGE
    engine.runs.tick("s1")
    assert blocked(engine) == MANY - 2 * PAGE
    settled(engine)
    assert len(engine.members("queue", "wide")) == MANY
    assert not engine.client.exists(engine.store.key("gated", "b/report"))


def test_one_of_very_many_costs_no_look_at_the_others(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0 + n * MINUTE)
    engine.fired("b/load", T0 + 7 * MINUTE)
    reserved = engine.reserve_one()
    before = looks(engine)
    engine.finish(reserved)
    assert looks(engine) - before < 10
    settled(engine)
    assert engine.members("queue", "wide") == {f"b/report@{format_instant(T0 + 7 * MINUTE)}"}


def looks(engine: Engine) -> int:
    told: Any = engine.client.info("commandstats")
    return int(told["cmdstat_hget"]["calls"])


def test_each_that_waits_for_several_hears_of_each_once(engine: Engine) -> None:
    """The first ends while those that are told of it later are still to hear, and others begin to wait."""
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0 + 2 * MINUTE, of=3)
    end_load(engine)
    late = wait(engine, T0 + MANY * MINUTE, T0 + 2 * MINUTE, of=3)
    end_load(engine, T0 + MINUTE)
    settled(engine)
    asks: list[Any] = [
        engine.client.hget(engine.store.key("gate", run), "b/load") for run in engine.members("blocked")
    ]
    assert len(asks) == MANY + 1
    left = {run: left_of(engine, run) for run in engine.members("blocked")}
    assert left.pop(late) == 2, "what had ended before it was made was counted when it was"
    assert set(left.values()) == {1}
    end_load(engine, T0 + 2 * MINUTE)
    settled(engine)
    assert engine.members("blocked") == {late}


def left_of(engine: Engine, run: str) -> int:
    packed: Any = engine.client.hget(engine.store.key("gate", run), "b/load")
    return int(unpack(packed)["left"])


def test_what_failed_goes_through_them_in_pages_and_leaves_them(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    end_load(engine, verdict="failed")
    settled(engine)
    assert blocked(engine) == MANY
    assert len(engine.members("gated", "b/report")) == MANY


def test_a_need_that_is_given_up_opens_them_all(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    report(engine, {}, before=["b/load"])
    engine.runs.tick("s1")
    assert blocked(engine) == MANY - PAGE
    settled(engine)
    assert len(engine.members("queue", "wide")) == MANY


def rename_load(engine: Engine) -> None:
    """Call b/load b/fetch, as a sync does; the runs that wait for it are still to hear of that."""
    engine.define("b/fetch", schedule={"every": MINUTE}, overlap="allow")
    engine.settle("b/fetch", due=NEVER)
    engine.remove("b/load")
    report(engine, {"b/fetch": {}}, before=["b/load"], renamed={"b/load": "b/fetch"})
    engine.settle("b/load", to="b/fetch", before=[])


def test_a_job_with_another_address_is_waited_for_under_that(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0 + (n % 2) * MINUTE)
    rename_load(engine)
    engine.runs.tick("s1")
    assert engine.client.exists(engine.store.key("renamed"))
    engine.fired("b/fetch", T0)
    engine.finish(engine.reserve_one())
    settled(engine)
    assert blocked(engine) == MANY // 2
    assert {entry.partition(" ")[2] for entry in engine.members("gated", "b/report")} == {"b/fetch"}
    engine.fired("b/fetch", T0 + MINUTE)
    engine.finish(engine.reserve_one())
    settled(engine)
    assert blocked(engine) == 0


def test_what_ended_under_the_old_address_is_heard_of(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    end_load(engine)
    rename_load(engine)
    settled(engine)
    assert blocked(engine) == 0


def test_those_of_a_job_with_another_address_go_with_it(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    engine.define("b/sum", schedule={"every": MINUTE}, overlap="allow", needs=NEEDS)
    engine.remove("b/report")
    engine.settle("b/report", to="b/sum", before=["b/load"])
    engine.settle("b/sum", due=NEVER, before=["b/load"], after=["b/load"], asks=["b/load"], reach=MINUTE)
    engine.client.zrem(engine.store.key("asks", "b/load"), "b/report")
    end_load(engine)
    settled(engine)
    assert blocked(engine) == 0


def test_those_of_an_earlier_job_of_that_address_stay_among_them(engine: Engine) -> None:
    runs = [wait(engine, T0 + n * MINUTE, T0) for n in range(3)]
    client, key = engine.client, engine.store.key
    for left in (1, 5):
        client.zadd(key("gated", "b/sum"), {f"b/sum@{n} b/load": T0 for n in range(left)})
        engine.settle("b/report", to="b/sum")
        assert engine.members("gated", "b/sum") == {
            *(f"{run} b/load" for run in runs),
            *(f"b/sum@{n} b/load" for n in range(left)),
        }
        client.rename(key("gated", "b/sum"), key("gated", "b/report"))


def test_waits_that_end_at_once_are_out_of_the_way_of_the_next(engine: Engine, clock: StoreClock) -> None:
    """The next run comes when all have ended: a call ends few, and has the job come again."""
    ends = T0 + (MANY + 1) * MINUTE
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0, until=ends)
    clock.set(ends)
    tries = 0
    while True:
        tries += 1
        engine.runs.claim("s1")
        engine.client.zadd(engine.store.key("sched"), {"b/report": 1})
        firings = [
            Firing("b/report", engine.epochs["b/report"], ends, NEVER, ends, format_instant(ends), ends)
            for _ in engine.runs.claim("s1").entries
        ]
        ((tag, run),) = engine.runs.fire("s1", firings)
        if tag != "STALE":
            break
        assert engine.due("b/report") is not None
    assert (tag, run) == ("FIRED", f"b/report@{format_instant(ends)}")
    assert tries == 1 + MANY // 32
    assert blocked(engine) == 0


def as_before_there_was_a_list(engine: Engine) -> None:
    engine.client.delete(engine.store.key("gated", "b/report"))
    engine.client.hdel(engine.store.key("meta"), "indexed")


def test_gates_of_an_older_namespace_are_listed_before_anything_is_told(engine: Engine) -> None:
    for n in range(MANY):
        wait(engine, T0 + n * MINUTE, T0)
    as_before_there_was_a_list(engine)
    assert fsck.check(engine.store) == []
    end_load(engine)
    assert blocked(engine) == MANY
    engine.runs.tick("s1")
    assert engine.client.hget(engine.store.key("meta"), "indexed") is None, "a page a tick"
    settled(engine)
    assert blocked(engine) == 0
    assert engine.client.hget(engine.store.key("meta"), "indexed") == b"1"
    assert not engine.client.hexists(engine.store.key("meta"), "indexing")


def test_so_are_those_whose_need_is_given_up_meanwhile(engine: Engine) -> None:
    for n in range(3):
        wait(engine, T0 + n * MINUTE, T0)
    as_before_there_was_a_list(engine)
    report(engine, {}, before=["b/load"])
    settled(engine)
    assert blocked(engine) == 0


def test_a_gate_that_is_not_listed_is_found_and_mended(engine: Engine) -> None:
    run = wait(engine, T0, T0)
    key = engine.store.key
    engine.client.delete(key("gated", "b/report"))
    engine.client.zadd(key("gated", "b/load"), {"b/ghost@1 b/x": 5, f"{run} b/load": 5})
    found = {
        f"{run} waits for b/load, and is not listed as such",
        f"{run} is listed as a run of b/load that waits for b/load, and is none",
        "b/ghost@1 is listed as a run of b/load that waits for b/x, and is none",
    }
    assert set(map(str, fsck.repair(engine.store))) == found
    assert fsck.check(engine.store) == []
    end_load(engine)
    assert engine.state(run) == "queued"


def test_a_new_name_that_nobody_would_be_told_is_found_and_mended(engine: Engine) -> None:
    wait(engine, T0, T0)
    rename_load(engine)
    engine.client.delete(*engine.client.keys(engine.store.key("fanout") + "*"))
    words = "b/report has parents with other addresses, and its runs are not told"
    assert words in map(str, fsck.check(engine.store))
    fsck.repair(engine.store)
    settled(engine)
    assert engine.members("gated", "b/report") == {f"b/report@{format_instant(T0)} b/fetch"}


@pytest.fixture
def synced(project: Project, clock: StoreClock) -> Engine:
    """The two jobs on a board, by a sync."""
    clock.set(T0 - MINUTE)
    project.board("b", BOARD)
    project.sync()
    built = Engine.at_work(project.store)
    built.epochs = {f"b/{name}": project.live("b")[name].epoch for name in ("load", "report")}
    for n in range(MANY):
        wait(built, T0 + n * MINUTE, T0)
    return built


@pytest.mark.parametrize(("was", "is_now"), [("load", "fetch"), ("report", "sum")])
def test_a_sync_renames_who_waits_or_what_is_waited_for(
    project: Project, synced: Engine, was: str, is_now: str
) -> None:
    project.board("b", BOARD.replace(was, is_now), head=f"moved: [{{from: {was}, to: {is_now}}}]\n")
    project.sync()
    settled(synced)
    load = is_now if was == "load" else "load"
    synced.epochs[f"b/{load}"] = project.live("b")[load].epoch
    synced.fired(f"b/{load}", T0)
    (reserved,) = synced.reserve(limit=1)
    synced.finish(reserved)
    settled(synced)
    assert blocked(synced) == 0
