"""Runs found by their tags without a walk through the history, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, told
from kit.engine import Engine

from jobboard.store.runs import config, marks, past
from jobboard.store.runs.tagged import KEPT_BY_TAG, read_tagged
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana"}


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A namespace with a worker; it holds together when the test is over."""
    built = Engine.at_work(store, "b/plain")
    built.define("b/x", tags=["acme", "db"], overlap="allow")
    yield built
    assert fsck.check(store) == []


def ran(engine: Engine, address: str = "b/x", verdict: Any = "ok") -> str:
    run_id = engine.runs.start_run(address, by="ana")
    engine.finish(engine.reserve_one(), verdict)
    return run_id


def found(store: Store, tag: str) -> list[str]:
    return [record.run_id for record in read_tagged(store, tag).records]


def test_each_tag_of_a_run_finds_it(engine: Engine, store: Store) -> None:
    first, _, second = ran(engine), ran(engine, "b/plain"), ran(engine, verdict="failed")
    assert found(store, "acme") == found(store, "db") == [second, first]
    assert found(store, "none") == []


def test_no_history_is_walked_for_what_has_run(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = ran(engine)
    for _ in range(5):
        ran(engine, "b/plain")
    said = asked(store, capsys, "runs", "--tag", "acme", "--state", "ok")
    assert [run["run"] for run in said["runs"]] == [run_id]
    assert (said["complete"], said["looked_at"]["records"]) == (True, 1)


def test_what_was_tagged_since_is_found_and_what_lost_the_tag_is_not(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, plain = ran(engine), ran(engine), ran(engine, "b/plain")
    for run_id, add, remove in ((first, [], ["acme"]), (second, ["vip"], []), (plain, ["acme"], [])):
        run = past.read_run(store, run_id)
        assert run is not None
        marks.mark(store, run, by=BY, add=add, remove=remove)
    said = asked(store, capsys, "runs", "--tag", "acme")["runs"]
    assert {run["run"] for run in said} == {plain, second}


def test_a_failure_is_found_when_the_history_has_dropped_it(engine: Engine, store: Store) -> None:
    failed = ran(engine, verdict="failed")
    ok = ran(engine)
    assert found(store, "acme") == [ok, failed]
    store.client.delete(store.key("history"))
    assert found(store, "acme") == [failed]
    config.configure(store, "history-bytes", 65_536, by=BY)
    fsck.repair(store)


def test_the_last_of_a_tag_are_kept_and_it_says_how_far_back_that_is(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    oldest = ran(engine)
    for _ in range(KEPT_BY_TAG):
        ran(engine)
    index = read_tagged(store, "acme")
    assert len(index.records) == KEPT_BY_TAG
    assert oldest not in [record.run_id for record in index.records]
    assert index.back_to_ms == index.records[-1].seen_at_ms
    assert asked(store, capsys, "runs", "--tag", "acme", "--state", "ok", "-n", "500")["complete"] is False
    assert "Looked back to" in told(store, capsys, "runs", "--tag", "acme", "-n", "5")
    since = asked(store, capsys, "runs", "--tag", "acme", "--state", "ok", "--since", "0s", "-n", "500")
    assert since["complete"] is True


def test_the_tags_that_were_used_longest_ago_go_first(engine: Engine, store: Store) -> None:
    old, used = store.key("bytag", "old"), store.key("tagsused")
    store.client.lpush(old, "1-1")
    store.client.zadd(used, {"old": 5, **{f"t{n}": 1e15 + n for n in range(9_999)}})
    ran(engine)
    assert store.client.zcard(used) == 10_000
    assert not store.client.exists(old)
    # Two came, and the second had to make room as well: from then on what there is is all.
    assert read_tagged(store, "acme").back_to_ms is not None
    store.client.zremrangebyscore(used, 1e15, "+inf")
    fsck.repair(store)


def test_what_does_not_hold_together_is_mended(store: Store) -> None:
    store.client.lpush(store.key("bytag", "lost"), "1-1")
    store.client.zadd(store.key("tagsused"), {"none": 1})
    assert {problem.subject for problem in fsck.repair(store)} == {"lost", "none"}
    assert fsck.check(store) == []
