"""Random boards, a saved plan, and what others did meanwhile: it writes just what it said, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.project import dump_of
from kit.server import Server, fresh_namespace

from jobboard import errors
from jobboard.reconcile.applying import apply
from jobboard.reconcile.live import edit_job
from jobboard.reconcile.planfile import read_plan, write_plan
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.saved import plan_saved
from jobboard.reconcile.sources import Options, Sources
from jobboard.source.digest import digest_of
from jobboard.source.files import SourceFile
from jobboard.store.boards import definitions
from jobboard.store.calls import clocks
from jobboard.store.calls.connect import Store
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Definition

BY = {"actor": "ana", "via": "cli"}
Board = dict[str, dict[str, Any]]

jobs = st.fixed_dictionaries(
    {"run": st.sampled_from(["x", "y"])},
    optional={"timeout": st.sampled_from(["1m", "2m"]), "every": st.sampled_from(["1h", "2h"])},
)
boards = st.dictionaries(st.sampled_from("abcd"), jobs, min_size=1)
edits = st.dictionaries(
    st.sampled_from("abcd"),
    st.fixed_dictionaries({"timeout": st.sampled_from(["1m", "2m", "3m", None])}),
    max_size=2,
)


def sources(board: Board) -> Sources:
    raw = json.dumps({"board": "ops", "jobs": board}).encode()
    return Sources((SourceFile("boards/ops.yaml", raw, digest_of(raw)),), (), None)


def live(store: Store) -> dict[str, Definition]:
    record = definitions.read_board(store, "ops")
    assert record is not None
    return definitions.read_definitions(store, record.version)


def edit(store: Store, changes: Board) -> None:
    for job, wanted in changes.items():
        if job in live(store):
            edit_job(store, f"ops/{job}", wanted, by=BY, now_ms=clocks.now_ms(store))


def applied(store: Store, path: Path) -> int | None:
    """Apply what a file holds; the revision's number, or None where nothing was left to do."""
    plan = read_plan(path, store.namespace)
    return apply(store, plan_saved(store, plan, Path(), committed_only=False), BY).revision


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=boards, before=edits, second=boards, meanwhile=edits)
def test_a_saved_plan_writes_what_it_said_or_nothing(
    server: Server, first: Board, before: Board, second: Board, meanwhile: Board
) -> None:
    with Store(server.url, fresh_namespace()) as store, TemporaryDirectory() as folder:
        apply(store, make_plan(store, sources(first), Options()), BY)
        edit(store, before)
        planned, path = (
            make_plan(store, sources(second), Options(on_conflict="file")),
            Path(folder) / "p.json",
        )
        write_plan(path, planned)
        written = {change.address.partition("/")[2]: change for change in planned.plan.changes}
        was = live(store)
        edit(store, meanwhile)
        now = live(store)
        moved = {job for job in written.keys() & now.keys() if now[job].spec != was[job].spec}
        if moved:
            unwritten = dump_of(store)
            with pytest.raises(errors.Stale) as stale:
                applied(store, path)
            assert all(f"ops/{job} (" in stale.value.message for job in moved)
            assert dump_of(store) == unwritten
            return
        applied(store, path)
        after = {job: (definition.spec, definition.base) for job, definition in live(store).items()}
        expected = {job: (d.spec, d.base) for job, d in now.items() if job not in written}
        expected |= {job: (c.after, c.base) for job, c in written.items() if c.after is not None and c.base}
        assert after == expected
        done = dump_of(store)
        assert applied(store, path) is None
        assert dump_of(store) == done
        assert check(store) == []
