"""Ten syncs at once, each a process of its own: they do what the successful ones do in some order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from kit.project import Project

from jobboard import errors
from jobboard.store.boards import definitions, staging
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SYNCS = 10
JOBS = 60


def start(project: Project, *words: str) -> subprocess.Popen[str]:
    """A sync in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobboard", "sync", "--auto-approve", "-o", "json", *words],
        cwd=project.folder,
        env={**os.environ, **project.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(started: list[subprocess.Popen[str]]) -> list[tuple[int, Any]]:
    """How each ended: its exit code, and what it said of itself."""
    found = []
    for process in started:
        out, err = process.communicate(timeout=90)
        said = json.loads(out) if process.returncode == 0 else err or out
        found.append((process.returncode, said))
    return found


def live(project: Project) -> dict[str, dict[str, str]]:
    """Board to job to its command."""
    return {
        board: {job: d.spec["command"]["run"] for job, d in project.live(board).items()}
        for board in definitions.read_boards(project.store)
    }


def settled(project: Project) -> None:
    """No sync left anything half done."""
    assert staging.is_drained(project.store)
    assert not project.store.client.exists(project.store.key("quiet"))
    assert all(problem.kind == "stages" for problem in check(project.store))
    due: Any = project.store.client.zrange(project.store.key("sched"), 0, -1)
    scheduled = {f"{board}/{job}" for board, jobs in live(project).items() for job in jobs}
    assert {address.decode() for address in due} == scheduled


def test_of_one_commit(project: Project) -> None:
    project.board("ops", "\n".join(f"j{n}: {{run: x, every: 1h}}" for n in range(JOBS)))
    project.board("etl", "\n".join(f"j{n}: {{run: x, every: 1h}}" for n in range(JOBS)))
    project.commit()
    results = ended([start(project) for _ in range(SYNCS)])
    assert [code for code, _ in results] == [0] * SYNCS, results
    assert sorted(said["revision"] for _, said in results if said["revision"] is not None) == [1]
    assert project.store.client.hlen(project.store.key("revisions")) == 1
    assert project.plan()["empty"]
    settled(project)


def test_of_different_ones(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has a board of its own, one that a neighbour has as well, and half of them one that many have."""
    wanted: list[dict[str, dict[str, str]]] = []
    started = []
    for n in range(SYNCS):
        other = Project(tmp_path / f"p{n}", project.store, monkeypatch, capsys)
        names = [f"own{n}", f"pair{n // 2}", *(["many"] if n % 2 else [])]
        for name in names:
            other.board(name, "\n".join(f"j{m}: {{run: by{n}, every: 1h}}" for m in range(JOBS + n)))
        wanted.append({name: {f"j{m}": f"by{n}" for m in range(JOBS + n)} for name in names})
        started.append(start(other, *(f"boards/{name}.yaml" for name in names)))
    results = ended(started)
    assert {code for code, _ in results} <= {0, errors.Conflict.exit_code, errors.Stale.exit_code}, results
    order = sorted((said["revision"], n) for n, (code, said) in enumerate(results) if code == 0)
    assert [revision for revision, _ in order] == list(range(1, len(order) + 1))
    expected: dict[str, dict[str, str]] = {}
    for _, n in order:
        expected.update(wanted[n])
    assert live(project) == expected
    assert project.store.client.hlen(project.store.key("revisions")) == len(order)
    settled(project)
