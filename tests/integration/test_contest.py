"""The benchmark beside other queues: whom it names, what it does without them, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import peers
from bench.contest import environments
from bench.contest.drain import Broken, Drain, drain
from bench.contest.roster import HEATS, OURS, PATH, Contestant, Heat
from bench.measure import own_store

NAMED = {"rq", "dramatiq", "celery", "arq", "saq", "huey", "taskiq"}
FEW = Heat("runs", "nothing", 40, 8, (PATH,))
HERE: dict[str | None, Path] = {None: Path(sys.executable)}
EVERYBODY = sorted({one for heat in HEATS for one in heat.contestants})


def test_everyone_named_takes_part() -> None:
    assert {one.name for one in EVERYBODY} == NAMED | {OURS}
    assert {heat.contestants[0].name for heat in HEATS} == {OURS}


@pytest.mark.parametrize("contestant", EVERYBODY, ids=lambda one: f"{one.name}, {one.setting}")
def test_whoever_takes_part_has_tasks_and_is_locked(contestant: Contestant) -> None:
    tasks = environments.ROOT / "bench" / "contest" / "apps" / f"{contestant.name}_app.py"
    assert "def send(task: str, count: int)" in tasks.read_text()
    if contestant.lock is not None:
        locked = environments.LOCKS[contestant.lock].read_text()
        assert f"\n{contestant.name}==" in locked


@pytest.mark.parametrize("lock", environments.LOCKS.values(), ids=lambda lock: lock.stem)
def test_a_lock_pins_every_file(lock: Path) -> None:
    pinned = [each for each in lock.read_text().replace("\\\n", " ").splitlines() if each[:1] != "#"]
    assert pinned
    assert [each for each in pinned if "==" not in each or "--hash=sha256:" not in each] == []


def test_whoever_fails_is_named_and_the_rest_goes_on() -> None:
    absent = Contestant("rq", "not installed", "nothing", "-m rq.cli worker", None)
    ends = PATH._replace(setting="ends at once", words="-c raise(SystemExit('no,thanks'))")
    heat = FEW._replace(contestants=(PATH, absent, ends))
    with own_store() as (store, _):
        (standing,), rounds = peers.measured(store, [heat], HERE, rounds=2)
    assert rounds == 2
    assert len(standing[PATH].drains) == 2
    assert standing[absent].broken == "cannot enqueue: ModuleNotFoundError: No module named 'rq'"
    assert standing[ends].broken == "ended after 0 tasks: no,thanks"
    lines = list(peers.table(heat, standing))
    assert [line.split()[:2] for line in lines[2:]] == [
        [OURS, "reserve+finish,"],
        ["rq", "not"],
        [OURS, "ends"],
    ]
    assert ["broken" in line for line in lines[2:]] == [False, True, True]


def test_whoever_does_nothing_is_not_waited_for(tmp_path: Path) -> None:
    still = PATH._replace(words="-c __import__('threading').Event().wait()")
    with own_store() as (store, _), pytest.raises(Broken, match="stood still after 0 tasks: it said nothing"):
        drain(store, FEW, still, Path(sys.executable), tmp_path, still_s=0.1)


def test_a_worker_of_ours_makes_less_than_a_trip_a_run() -> None:
    with own_store() as (store, _):
        (standing,), _ = peers.measured(store, [FEW], HERE, rounds=1)
    (drained,) = standing[PATH].drains
    assert drained.per_s > 0
    assert 1 / 16 < drained.trips < 1


def test_what_cannot_be_installed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    def offline(lock: str) -> Path:
        if lock == "peers-arq":
            raise environments.Missing("no network")
        return Path("python")

    assert peers.installed(offline) == {**HERE, "peers": Path("python")}
    assert capsys.readouterr().out == "not measured: arq: no network\n"


def test_an_environment_that_cannot_be_made_is_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "peers.lock"
    lock.write_text(f"surely-not-there==1 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setitem(environments.LOCKS, "peers", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for _ in range(2):
        with pytest.raises(environments.Missing, match=r"peers\.lock is not installed .* surely-not-there"):
            environments.python_of("peers", tmp_path)


def test_an_environment_is_made_once_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "peers.lock"
    lock.write_text("# nothing\n")
    monkeypatch.setitem(environments.LOCKS, "peers", lock)
    mark = environments.python_of("peers", tmp_path).parent / "mark"
    mark.touch()
    environments.python_of("peers", tmp_path)
    assert mark.exists()
    lock.write_text("# nothing else\n")
    environments.python_of("peers", tmp_path)
    assert not mark.exists()


def test_the_tables_are_no_wider_than_a_terminal() -> None:
    for heat in HEATS:
        standing = {one: peers.Standing() for one in heat.contestants}
        for known in standing.values():
            known.drains.append(Drain(99_999.4, 99_999.4, 99.994, 999.94))
        standing[heat.contestants[-1]].broken = "why " * 50
        lines = list(peers.table(heat, standing))
        assert len(lines) == len(heat.contestants) + 2
        assert [line for text in lines for line in text.splitlines() if len(line) > 100] == []
