from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobboard.core.jobs.model import Definition
from jobboard.store.boards import definitions, edits, staging, tombstones
from jobboard.store.boards.staging import BoardWrite

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana", "via": "cli"}


def made(text: str, number: int = 1) -> Definition:
    spec = {"command": {"run": text}}
    return Definition(number, number, 0, spec, spec)


def write(
    store: Store,
    board: str,
    jobs: dict[str, Definition],
    *,
    seen: str | None = None,
    drop: tuple[str, ...] = (),
    work: dict[str, Any] | None = None,
) -> int:
    stage = staging.begin(store)
    version = f"{stage.id}-0"
    staging.stage_version(store, stage, version, source=seen, put=jobs, drop=drop)
    staging.stage_work(store, stage, version, work or {})
    revision, _ = staging.commit(
        store, stage, [BoardWrite(board, seen, version, {"path": "x"}, [])], revision={}, by=BY
    )
    return revision


def names(store: Store, board: str) -> set[str]:
    record = definitions.read_board(store, board)
    assert record is not None
    return set(definitions.read_definitions(store, record.version))


def test_nothing_is_seen_before_the_commit(store: Store) -> None:
    stage = staging.begin(store)
    staging.stage_version(store, stage, f"{stage.id}-0", source=None, put={"a": made("x")}, drop=())
    assert definitions.read_boards(store) == {}
    assert store.client.zcard(store.key("sched")) == 0


def test_a_commit_makes_all_boards_visible_and_numbers_revisions(store: Store) -> None:
    assert write(store, "ops", {"a": made("x")}) == 1
    assert write(store, "etl", {"b": made("y")}) == 2
    boards = definitions.read_boards(store)
    assert list(boards) == ["etl", "ops"]
    assert definitions.read_definitions(store, boards["ops"].version)["a"].spec == {"command": {"run": "x"}}


@pytest.mark.parametrize("size", [3, 1200])
def test_unchanged_jobs_are_carried_over_on_the_server(store: Store, size: int) -> None:
    write(store, "ops", {f"j{n}": made("x") for n in range(size)})
    record = definitions.read_board(store, "ops")
    assert record is not None
    write(store, "ops", {"j1": made("new"), "k": made("k")}, seen=record.version, drop=("j2",))
    after = definitions.read_board(store, "ops")
    assert after is not None
    jobs = definitions.read_definitions(store, after.version)
    assert set(jobs) == {f"j{n}" for n in range(size)} - {"j2"} | {"k"}
    assert jobs["j1"].spec == {"command": {"run": "new"}}


def test_a_board_that_moved_refuses_the_whole_commit(store: Store) -> None:
    write(store, "ops", {"a": made("x")})
    stage = staging.begin(store)
    for n, board in enumerate(("new", "ops")):
        staging.stage_version(store, stage, f"{stage.id}-{n}", source=None, put={board: made("z")}, drop=())
    with pytest.raises(definitions.MovedSince) as raised:
        staging.commit(
            store,
            stage,
            [
                BoardWrite("new", None, f"{stage.id}-0", {}, []),
                BoardWrite("ops", None, f"{stage.id}-1", {}, []),
            ],
            revision={},
            by=BY,
        )
    assert raised.value.boards == ("ops",)
    assert names(store, "ops") == {"a"}
    assert "new" not in definitions.read_boards(store)


def test_a_commit_whose_reply_was_lost_is_recognised(store: Store) -> None:
    stage = staging.begin(store)
    staging.stage_version(store, stage, f"{stage.id}-0", source=None, put={"a": made("x")}, drop=())
    board = BoardWrite("ops", None, f"{stage.id}-0", {}, [])
    first = staging.commit(store, stage, [board], revision={}, by=BY)
    again = staging.commit(store, stage, [board], revision={}, by=BY)
    assert first[0] == again[0] == 1
    assert store.client.hlen(store.key("revisions")) == 1


def test_the_due_set_follows_in_pages_and_a_dead_sync_is_helped(store: Store) -> None:
    jobs = {f"j{n}": made("x") for n in range(700)}
    work = {f"ops/{name}": {"due": 1000 + n, "cursor": 5} for n, name in enumerate(jobs)}
    write(store, "ops", jobs, work=work)
    assert store.client.zcard(store.key("sched")) == 0
    write(store, "etl", {"b": made("y")}, work={"etl/b": {"due": 7, "cursor": 5}})
    assert store.client.zcard(store.key("sched")) == 700
    assert staging.drain(store) == 1
    assert store.client.zscore(store.key("sched"), "etl/b") == 7
    assert staging.drain(store) == 0


def test_a_destroyed_job_leaves_a_tombstone_and_no_schedule(store: Store) -> None:
    write(
        store,
        "ops",
        {"a": made("x"), "b": made("x")},
        work={"ops/a": {"due": 1, "cursor": 1, "after": ["ops/b"]}},
    )
    staging.drain(store)
    record = definitions.read_board(store, "ops")
    assert record is not None
    stone = tombstones.encode(made("x"), BY, 9, commit="abc")
    write(
        store,
        "ops",
        {},
        seen=record.version,
        drop=("a",),
        work={"ops/a": {"due": False, "gone": stone, "before": ["ops/b"]}},
    )
    staging.drain(store)
    assert store.client.zcard(store.key("sched")) == 0
    assert store.client.exists(store.key("after", "ops/b")) == 0
    kept = tombstones.read(store, "ops/a")
    assert kept is not None
    assert (kept.by["actor"], kept.spec) == ("ana", made("x").spec)


def test_an_edit_moves_the_boards_version_and_marks_drift(store: Store) -> None:
    write(store, "ops", {"a": made("x")})
    packed = definitions.read_packed(store, "ops/a")
    assert packed is not None
    before = definitions.read_board(store, "ops")
    assert before is not None
    n = edits.number(store)
    changed = Definition(n, n, 1, {"command": {"run": "y"}}, {"command": {"run": "x"}})
    edits.edit(
        store,
        "ops/a",
        seen=packed,
        definition=changed,
        work=None,
        by=BY,
        paths=["command"],
        changes=["run"],
    )
    after = definitions.read_board(store, "ops")
    assert after is not None
    assert after.version == before.version.replace(".0", ".1")
    assert after.drift == ("a",)
    assert edits.read_edits(store, ["ops/a"])["ops/a"]["command"]["actor"] == "ana"
    other = replace(changed, epoch=n + 1, generation=n + 1)
    with pytest.raises(definitions.MovedSince):
        edits.edit(
            store,
            "ops/a",
            seen=packed,
            definition=other,
            work=None,
            by=BY,
            paths=["command"],
            changes=["run"],
        )


def test_what_nobody_can_reach_is_collected_after_ten_minutes(store: Store, clock: StoreClock) -> None:
    write(store, "ops", {"a": made("x")})
    record = definitions.read_board(store, "ops")
    assert record is not None
    write(store, "ops", {"a": made("y")}, seen=record.version)
    orphan = staging.begin(store)
    staging.stage_version(store, orphan, f"{orphan.id}-0", source=None, put={"z": made("z")}, drop=())
    staging.collect(store)
    old = store.key("defs", definitions.defs_of(record.version))
    assert store.client.exists(old, store.key("defs", f"{orphan.id}-0")) == 2
    clock.advance(600_001)
    staging.collect(store)
    assert store.client.exists(old, store.key("defs", f"{orphan.id}-0")) == 0
    assert names(store, "ops") == {"a"}
