from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobboard.daemon.worker.spool import Leftover, Spool, folder_of, leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def spool(home: Path, worker: str = "w.1", incarnation: str = "i1") -> Spool:
    return Spool(home, "ns", incarnation, worker, "1")


def entry(run_id: str, token: int = 1) -> dict[str, Any]:
    return {"run_id": run_id, "token": token, "verdict": "ok"}


def found(home: Path, incarnation: str = "i1") -> list[Leftover]:
    return list(leftovers(home, "ns", incarnation))


def abandon(one: Spool) -> None:
    """End it as a kill would: the lock goes, the file stays."""
    import os

    os.close(one._fd)
    one._fd = -1


def test_a_dead_workers_unsent_results_are_found_once(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a"), entry("b"), entry("c")])
    one.cross_out([("b", 1)])
    abandon(one)
    assert found(tmp_path) == [Leftover("w.1", "1", (entry("a"), entry("c")))]
    assert found(tmp_path) == []


def test_a_live_workers_spool_is_not_touched(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    assert found(tmp_path) == []
    abandon(one)
    assert [left.entries for left in found(tmp_path)] == [(entry("a"),)]


def test_a_dead_worker_without_results_is_still_found(tmp_path: Path) -> None:
    abandon(spool(tmp_path))
    assert found(tmp_path) == [Leftover("w.1", "1", ())]


def test_a_worker_that_ends_in_order_leaves_nothing(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    one.cross_out([("a", 1)])
    one.close()
    one.close()
    assert list(folder_of(tmp_path).iterdir()) == []


def test_results_the_store_never_got_outlive_an_orderly_end(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    one.close()
    assert [left.entries for left in found(tmp_path)] == [(entry("a"),)]


def test_the_file_does_not_grow_with_what_was_sent(tmp_path: Path) -> None:
    one = spool(tmp_path)
    empty_bytes = one._path.stat().st_size
    for number in range(100):
        one.add([entry("a", number)])
        one.cross_out([("a", number)])
    assert one._path.stat().st_size == empty_bytes
    one.close()


def test_another_namespace_or_incarnation_is_left_alone(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    abandon(one)
    assert found(tmp_path, incarnation="i2") == []
    assert list(leftovers(tmp_path, "other", "i1")) == []
    assert len(found(tmp_path)) == 1


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    with one._path.open("ab") as file:
        file.write(b'{"result":{"run_id":"b","tok')
    abandon(one)
    assert [left.entries for left in found(tmp_path)] == [(entry("a"),)]


def test_no_folder_is_no_leftovers(tmp_path: Path) -> None:
    assert found(tmp_path / "absent") == []


@contextmanager
def disk_with_room_for(size_bytes: int) -> Iterator[None]:
    """No file becomes larger than that meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)


def test_a_spool_that_began_on_a_full_disk_is_whole_after_its_first_results(tmp_path: Path) -> None:
    with disk_with_room_for(10):
        one = spool(tmp_path)
        assert one.broken is not None
    one.add([entry("a")])
    one.cross_out([("a", 1)])
    one.add([entry("b")])
    abandon(one)
    assert [left.entries for left in found(tmp_path)] == [(entry("b"),)]


def test_a_full_disk_costs_the_protection_not_the_result(tmp_path: Path) -> None:
    one = spool(tmp_path)
    one.add([entry("a")])
    with disk_with_room_for(one._path.stat().st_size + 10):
        one.add([entry("b")])
        assert one.broken is not None
    one.add([entry("c")])
    assert one.broken is None
    abandon(one)
    assert [left.entries for left in found(tmp_path)] == [(entry("a"), entry("c"))]


def test_a_killed_owner_lets_go_of_its_spool(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from jobboard.daemon.worker.spool import Spool\n"
        "Spool(pathlib.Path(sys.argv[1]), 'ns', 'i1', 'w.1', '1')"
        ".add([{'run_id': 'a', 'token': 1, 'verdict': 'ok'}])\n"
        "print('there', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"there\n"
        assert found(tmp_path) == []
        owner.kill()
    assert [left.entries for left in found(tmp_path)] == [(entry("a"),)]
