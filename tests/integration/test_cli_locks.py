"""Locks as people see them, and taken away by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.commandline import asked, jobboard, told
from kit.story import Story

from jobboard.store.runs import past
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

ONE = {"command": {"run": "true"}, "locks": {"db": 1}}
TWO = {"command": {"run": "true"}, "locks": {"pool": 2}, "overlap": "allow"}


@pytest.fixture
def story(store: Store) -> Story:
    told_story = Story(store)
    told_story.board("ops", {"a": ONE, "b": ONE, "c": ONE, "p": TWO}, locks={"db": 1, "pool": 2})
    told_story.worker()
    return told_story


@pytest.fixture
def held(story: Story) -> Reserved:
    """Holds db; two wait for it."""
    for name in "abc":
        story.runs.start_run(f"ops/{name}", by="ana")
    (first,) = story.reserve()
    return first


def test_every_lock_is_shown_with_holder_and_waiters(
    store: Store, held: Reserved, capsys: pytest.CaptureFixture[str]
) -> None:
    db, pool = asked(store, capsys, "locks")["locks"]
    assert (db["lock"], db["capacity"], db["waiting"]) == ("db", 1, 2)
    ((holder),) = db["holders"]
    assert (holder["run"], holder["worker"]) == (held.run_id, "web-1")
    assert [waiter["run"].partition("@")[0] for waiter in db["waiters"]] == ["ops/b", "ops/c"]
    assert (pool["lock"], pool["holders"]) == ("pool", [])
    assert f"db    1 of 1  {held.run_id}" in told(store, capsys, "locks")
    assert "the next one first\n  ops/b@" in told(store, capsys, "locks", "db")


def test_without_any_lock_it_says_how_to_take_one(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert "locks: [db]" in told(store, capsys, "locks")


def test_a_broken_lock_goes_to_the_next_and_is_not_freed_twice(
    store: Store, story: Story, held: Reserved, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(store, capsys, "locks", "break", "db", "--reason", "it hangs")
    assert said.startswith(f"{held.run_id} holds lock db no more")
    (second,) = story.reserve()
    assert second.address == "ops/b"
    story.finish(held)
    assert story.reserve() == []
    assert fsck.check(store) == []
    story.finish(second)
    assert [run.address for run in story.reserve()] == ["ops/c"]
    (record,) = past.last_records(store, "ops/a")
    assert [(one.lock, one.by, one.reason) for one in record.unlocked] == [("db", "ana", "it hangs")]
    assert "unlocked    db, by ana: it hangs" in told(store, capsys, "show", held.run_id)
    entries = cast("Any", store.client.xrevrange(store.key("audit"), count=1))
    assert [fields[b"what"] for _, fields in entries] == [b"break lock"]


def test_a_run_without_its_lock_is_whole_and_gets_it_again_with_its_next_try(
    store: Store, story: Story, held: Reserved, capsys: pytest.CaptureFixture[str]
) -> None:
    told(store, capsys, "locks", "break", "db", "--reason", "it hangs")
    assert asked(store, capsys, "show", held.run_id)["unlocked"][0]["lock"] == "db"
    assert fsck.check(store) == []
    story.finish(held, "retry")
    for expected in ("ops/a", "ops/b", "ops/c"):
        (run,) = story.reserve()
        assert run.address == expected
        story.finish(run)
    assert past.last_records(store, "ops/a")[0].unlocked == ()


def test_of_several_holders_one_is_named(
    store: Store, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        story.runs.start_run("ops/p", by="ana")
    first, second = sorted(story.reserve(), key=lambda run: run.run_id)
    assert jobboard(store, "locks", "break", "pool", "--reason", "x") == 64
    assert f"--run {first.run_id} or {second.run_id}" in capsys.readouterr().err
    told(store, capsys, "locks", "break", "pool", "--run", second.run_id, "--reason", "x")
    assert len(story.reserve()) == 1
    assert asked(store, capsys, "locks", "pool")["locks"][0]["holders"][0]["run"] == first.run_id


def test_a_call_whose_answer_was_lost_breaks_nothing_twice(store: Store, held: Reserved) -> None:
    call = {"lock": "db", "run": held.run_id, "by": {"actor": "ana", "reason": "x"}}
    assert [store.call("break_lock", **call)[0] for _ in range(2)] == ["BROKEN", "ALREADY"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["dbb"], 64),
        (["break"], 64),
        (["break", "db"], 64),
        (["db", "--reason", "x"], 64),
        (["db", "pool"], 64),
        (["break", "pool", "--reason", "x"], 5),
        (["break", "db", "--run", "b", "--reason", "x"], 5),
    ],
)
def test_what_cannot_be_done_is_said(store: Store, held: Reserved, words: list[str], code: int) -> None:
    assert jobboard(store, "locks", *words) == code
