from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobboard.core.jobs.depend import check_joins, check_locks, check_parents, fits, roots_of


def after(*parents: str) -> dict[str, list[str]]:
    return {"after": list(parents)}


def test_a_chain_across_boards_is_fine() -> None:
    assert check_parents({"a/x": after("b/y"), "b/y": after("c/z")}, {"c/z"}) == {}


def test_an_unknown_parent_is_named_with_the_one_that_was_meant() -> None:
    found = check_parents({"a/load": after("a/extrct"), "a/extract": {}, "b/x": after("a/extrac")})
    assert [fault.hint for fault in found["a/load"]] == ['Did you mean "extract"?']
    assert [fault.hint for fault in found["b/x"]] == ['Did you mean "a/extract"?']
    assert found["a/load"][0].path == ("after",)


def test_a_job_after_itself_is_said_once() -> None:
    found = check_parents({"a/x": after("a/x")})
    assert [fault.message for fault in found["a/x"]] == ["a job cannot run after itself"]


def test_a_circle_is_said_once_at_its_first_job_with_the_whole_way() -> None:
    specs = {"a/2": after("a/1"), "a/1": after("a/3"), "a/3": after("a/2"), "a/4": after("a/2")}
    found = check_parents(specs)
    assert list(found) == ["a/1"]
    assert found["a/1"][0].message == "jobs wait for each other: a/1 after a/3 after a/2 after a/1"


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=10))
def test_a_circle_is_found_exactly_where_following_parents_comes_back(edges: dict[int, int]) -> None:
    edges = {child: parent for child, parent in edges.items() if child != parent}
    specs = {f"b/{n}": after(f"b/{edges[n]}") if n in edges else {} for n in range(10)}

    def comes_back(start: int) -> bool:
        at, steps = edges.get(start), 0
        while at is not None and at != start and steps < 20:
            at, steps = edges.get(at), steps + 1
        return at == start

    on_circle = {f"b/{n}" for n in range(10) if comes_back(n)}
    found = check_parents(specs)
    assert bool(found) == bool(on_circle)
    assert set(found) <= on_circle
    named = {
        word for faults in found.values() for fault in faults for word in fault.message.split() if "/" in word
    }
    assert named == on_circle


def test_locks_with_one_capacity_are_fine() -> None:
    assert check_locks({"a/x": {"locks": {"db": 2}}, "b/y": {"locks": {"db": 2}}}, {"db": {"c": 2}}) == {}


def test_the_odd_one_out_is_at_fault() -> None:
    specs = {name: {"locks": {"db": size}} for name, size in (("a/x", 2), ("a/y", 3), ("a/z", 2))}
    found = check_locks(specs)
    assert list(found) == ["a/y"]
    assert "3 here and of 2 in a/x" in found["a/y"][0].message


def test_what_another_board_says_wins() -> None:
    specs = {name: {"locks": {"db": 2}} for name in ("a/x", "a/y")}
    found = check_locks(specs, {"db": {"c": 1}, "other": {"c": 9}})
    assert set(found) == {"a/x", "a/y"}
    assert "of 1 in board c" in found["a/x"][0].message


def _cron(text: str, **more: object) -> dict[str, object]:
    return {"schedule": {"cron": text, **more}}


def test_a_diamond_is_fine() -> None:
    specs: dict[str, Any] = {
        "e/r": _cron("0 2 * * *"),
        "e/a": after("e/r"),
        "e/b": after("e/r"),
        "e/j": after("e/a", "e/b"),
    }
    assert check_joins(specs) == {}


def test_parents_of_one_schedule_may_be_joined_whatever_their_jitter() -> None:
    specs: dict[str, Any] = {
        "e/a": _cron("0 2 * * *"),
        "e/b": _cron("0 2 * * *", jitter=5),
        "e/j": after("e/a", "e/b"),
    }
    assert check_joins(specs) == {}


@given(st.sampled_from([{"every": 60_000}, {"cron": "H 2 * * *"}, {}]))
def test_parents_whose_nominals_are_their_own_may_not(schedule: dict[str, object]) -> None:
    own = {"schedule": schedule} if schedule else {}
    found = check_joins({"e/a": own, "e/b": own, "e/j": after("e/a", "e/b")})
    assert [fault.message for fault in found["e/j"]] == [
        "e/a and e/b have no schedule in common, hence no nominal"
    ]


def test_a_join_whose_parents_are_not_at_hand_is_not_judged() -> None:
    assert check_joins({"e/j": after("e/a", "f/b"), "e/a": _cron("0 2 * * *")}) == {}
    assert roots_of("e/j", {"e/j": after("e/a"), "e/a": after("e/j")}) == set()


@given(st.sampled_from(["ok", "failed", "lost", "cancelled", "skipped", "missed", "held"]))
def test_what_an_edge_asks_for(state: str) -> None:
    ran = state in ("ok", "failed", "lost", "cancelled")
    assert fits(None, state) == (state == "ok")
    assert fits("finished", state) == ran
    assert fits("failed", state) == (state in ("failed", "lost"))
