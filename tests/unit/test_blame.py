from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.model import Definition
from jobboard.core.plans.blame import moved_between, origins, paths_of

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec

A = {"command": {"run": "x"}, "env": {"X": "1", "Y": "2"}}
B = {**A, "timeout": 5, "env": {"X": "1", "Y": "3"}}


def made(spec: Spec, base: Spec | None = None) -> Definition:
    return Definition(1, 1, 1, spec, base or spec)


def test_paths_are_told_key_by_key() -> None:
    assert paths_of(B) == {"command": {"run": "x"}, "timeout": 5, "env.X": "1", "env.Y": "3"}
    assert [(f.path, f.live, f.result) for f in moved_between(A, B)] == [
        ("timeout", None, 5),
        ("env.Y", "2", "3"),
    ]
    assert moved_between(None, None) == ()


def test_the_newest_revision_that_moved_a_field_is_its_origin() -> None:
    changes = [(4, made(A), made(B)), (2, made(A), made(A)), (1, None, None)]
    assert origins(made(B), changes) == {"command": 1, "env.X": 1, "env.Y": 4, "timeout": 4}


def test_what_was_edited_live_and_what_is_too_long_ago() -> None:
    edited = made({**B, "queue": "slow"}, B)
    assert origins(edited, [(4, made(A), made(B))]) == {
        "command": None,
        "env.X": None,
        "env.Y": 4,
        "timeout": 4,
        "queue": "live",
    }
    assert origins(made(A, B), [(4, made(A), made(B))])["timeout"] == "live"


def test_a_revision_that_destroyed_it_is_passed_over() -> None:
    assert origins(made(A), [(3, None, None), (2, made(B), None), (1, None, None)])["command"] == 3
    assert origins(made(A), [(2, made(B), None), (1, None, None)])["command"] == 1
