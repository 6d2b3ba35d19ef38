"""Random boards, random live edits: what a merge promises, on a real store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.project import dump_of
from kit.server import Server, fresh_namespace

from jobboard import errors
from jobboard.reconcile.applying import apply
from jobboard.reconcile.live import edit_job
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.sources import Options, Sources
from jobboard.source.digest import digest_of
from jobboard.source.files import SourceFile
from jobboard.store.boards import definitions
from jobboard.store.calls import clocks
from jobboard.store.calls.connect import Store
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Definition

BY = {"actor": "ana", "via": "cli"}
KEYS = ("A", "B")

Job = dict[str, Any]
Board = dict[str, Job]

jobs = st.fixed_dictionaries(
    {"run": st.sampled_from(["x", "y"])},
    optional={
        "timeout": st.sampled_from(["1m", "2m", "3m"]),
        "priority": st.sampled_from([1, 2]),
        "queue": st.sampled_from(["q", "r"]),
        "every": st.sampled_from(["1h", "2h"]),
        "enabled": st.sampled_from([False]),
        "env": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "2"]), min_size=1),
        "tags": st.sets(st.sampled_from("tuv"), min_size=1).map(sorted),
    },
)
boards = st.dictionaries(st.sampled_from("abc"), jobs, min_size=1)
edits = st.dictionaries(
    st.sampled_from("abc"),
    st.fixed_dictionaries(
        {},
        optional={
            "timeout": st.sampled_from(["1m", "2m", "3m", None]),
            "priority": st.sampled_from([1, 2, None]),
            "every": st.sampled_from(["1h", "2h"]),
            "enabled": st.booleans(),
            "env.A": st.sampled_from(["1", "2", None]),
            "tags": st.sets(st.sampled_from("tuv")).map(sorted),
        },
    ),
)


def sources(board: Board) -> Sources:
    raw = json.dumps({"board": "ops", "jobs": board}).encode()
    return Sources((SourceFile("boards/ops.yaml", raw, digest_of(raw)),), (), None)


def sync(store: Store, board: Board, **options: Any) -> None:
    apply(store, make_plan(store, sources(board), Options(**options)), BY)


def definitions_of(store: Store) -> dict[str, Definition]:
    record = definitions.read_board(store, "ops")
    assert record is not None
    return definitions.read_definitions(store, record.version)


def specs(store: Store) -> dict[str, dict[str, Any]]:
    return {job: dict(definition.spec) for job, definition in definitions_of(store).items()}


def paths(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with its maps opened and its sets left out: what is merged as one value each."""
    flat = {name: value for name, value in spec.items() if name not in ("env", "tags")}
    return {**flat, **{f"env.{key}": value for key, value in spec.get("env", {}).items()}}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=boards, changes=edits, second=boards)
def test_each_side_keeps_what_it_alone_changed(
    server: Server, first: Board, changes: dict[str, Job], second: Board
) -> None:
    with Store(server.url, fresh_namespace()) as store:
        sync(store, first)
        base = specs(store)
        for job, wanted in changes.items():
            if job in base:
                edit_job(store, f"ops/{job}", wanted, by=BY, now_ms=clocks.now_ms(store))
        live = specs(store)
        sync(store, second, on_conflict="file")
        merged = specs(store)
        assert set(merged) == set(second)

        with Store(server.url, fresh_namespace()) as other:
            sync(other, second)
            file = specs(other)
        for job in set(first) & set(second):
            was, now, says, came = (paths(side[job]) for side in (base, live, file, merged))
            for path in {*was, *now, *says, *came}:
                before, here, there = was.get(path), now.get(path), says.get(path)
                expected = here if there == before else there
                assert came.get(path) == expected, (job, path)
            for tag in "tuv":
                was_in, now_in, says_in = (tag in side[job].get("tags", ()) for side in (base, live, file))
                expected = now_in if says_in == was_in else says_in
                assert (tag in merged[job].get("tags", ())) is expected, (job, tag)

        before_again = dump_of(store)
        assert make_plan(store, sources(second), Options()).plan.empty
        sync(store, second)
        assert dump_of(store) == before_again
        assert check(store) == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=boards, changes=edits, second=boards)
def test_a_conflict_is_exactly_where_both_sides_moved_apart(
    server: Server, first: Board, changes: dict[str, Job], second: Board
) -> None:
    with Store(server.url, fresh_namespace()) as store, Store(server.url, fresh_namespace()) as other:
        sync(store, first)
        base = specs(store)
        for job, wanted in changes.items():
            if job in base:
                edit_job(store, f"ops/{job}", wanted, by=BY, now_ms=clocks.now_ms(store))
        live = specs(store)
        sync(other, second)
        file = specs(other)
        plan = make_plan(store, sources(second), Options()).plan
        found = {(c.address, field.path) for c in plan.conflicts for field in c.fields}
        expected = set()
        for job in set(first) & set(second):
            was, now, says = (paths(side[job]) for side in (base, live, file))
            for path in {*was, *now, *says}:
                three = was.get(path), now.get(path), says.get(path)
                if three[0] != three[1] and three[0] != three[2] and three[1] != three[2]:
                    expected.add((f"ops/{job}", path))
        assert found == expected
        assert plan.applyable is not bool(expected)


PAIRS: list[dict[str, Any]] = [
    {"on_drift": on_drift, "on_conflict": on_conflict}
    for on_drift in ("keep", "revert", "exact", "fail")
    for on_conflict in ("fail", "file", "live")
    if on_conflict != "live" or on_drift not in ("revert", "exact")
]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=boards,
    steps=st.lists(st.tuples(edits, boards, st.sampled_from(PAIRS)), min_size=1, max_size=4),
)
def test_a_second_sync_is_none_whatever_came_before_and_under_every_pair(
    server: Server, first: Board, steps: list[tuple[dict[str, Job], Board, dict[str, Any]]]
) -> None:
    """Edits and syncs by turns: one that is refused writes nothing, any other leaves nothing to do."""
    with Store(server.url, fresh_namespace()) as store:
        sync(store, first)
        for changes, board, pair in steps:
            base = {job: dict(d.base) for job, d in definitions_of(store).items()}
            for job, wanted in changes.items():
                if job in base:
                    edit_job(store, f"ops/{job}", wanted, by=BY, now_ms=clocks.now_ms(store))
            live, before = specs(store), dump_of(store)
            try:
                sync(store, board, **pair)
            except errors.Conflict:
                assert dump_of(store) == before
                continue
            after = dump_of(store)
            again = make_plan(store, sources(board), Options(**pair)).plan
            assert not again.changes
            # A live value that was let win is drift from then on, which this pair refuses.
            if pair != {"on_drift": "fail", "on_conflict": "live"}:
                assert again.empty
                sync(store, board, **pair)
            assert dump_of(store) == after
            _sides_that_changed_alone(base, live, definitions_of(store), pair["on_drift"])
        assert check(store) == []


def _sides_that_changed_alone(
    base: Mapping[str, Job], live: Mapping[str, Job], merged: Mapping[str, Definition], on_drift: str
) -> None:
    """A value only the file changed is the file's, one only live changed survives under keep."""
    for job in set(base) & set(merged):
        was, now, says, came = (
            paths(side) for side in (base[job], live[job], merged[job].base, merged[job].spec)
        )
        for path in {*was, *now, *says, *came}:
            if now.get(path) == was.get(path):
                assert came.get(path) == says.get(path), (job, path)
            elif says.get(path) == was.get(path) and on_drift == "keep":
                assert came.get(path) == now.get(path), (job, path)
