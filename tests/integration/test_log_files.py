"""Output in files: written and rotated by the worker, read where they are, gone when nobody wants them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine
from kit.events import wait_for_event
from kit.work import board, finished, most_memory_kib, start, until, working, working_process

from jobboard.client import Client
from jobboard.daemon.worker.logfile import LogFile
from jobboard.daemon.worker.logkeeper import LogKeeper
from jobboard.daemon.worker.output import Piece
from jobboard.errors import UsageError
from jobboard.logfile import Reader, read_end, stem_of
from jobboard.store.runs.output import follow_output, read_output
from jobboard.store.runs.runs import Runs
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.output import Chunk

MANY = {"run": "yes 0123456789abcde | head -c 3000000"}


def filed(command: str, **logs: Any) -> dict[str, Any]:
    """A job whose output goes into files."""
    return {"command": {"run": command}, "logs": {"to": "files", **logs}}


def files(home: Path, store: Store) -> list[Path]:
    """The files with output, without those of their times."""
    return sorted((home / "logs" / store.namespace).glob("*/*.log"))


def ticked(store: Store) -> bool:
    """What time alone brings about, as a scheduler would have it."""
    return Runs(store).tick("s").now_ms > 0


def text(chunks: Iterable[Chunk]) -> bytes:
    return b"".join(chunk.content for chunk in chunks)


def test_output_goes_into_a_file_and_is_read_from_it(
    store: Store, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    board(store, {"job": filed("printf 'one\\n\\377two\\n'")})
    with working(store, tmp_path):
        ended = finished(store, start(store, "job"))
    (path,) = files(tmp_path, store)
    assert path.read_bytes() == b"one\n\377two\n"
    assert path.name.startswith(ended["id"].removeprefix("ops/"))
    assert oct(path.stat().st_mode & 0o007) == "0o0"
    assert (ended["output_bytes"], ended.get("dropped_bytes")) == (9, None)
    assert int(store.client.hget(store.key("outbytes"), ended["id"]) or 0) < 300
    assert jobboard(store, "logs", "job") == 0
    assert capfdbinary.readouterr() == (b"one\n\377two\n", b"")
    with Client(store.url, namespace=store.namespace) as client:
        assert client.output(ended["id"]) == b"one\n\377two\n"


def test_each_try_has_files_of_its_own(store: Store, tmp_path: Path) -> None:
    retried = {
        **filed("echo $JOBBOARD_ATTEMPT; [ $JOBBOARD_ATTEMPT = 2 ]"),
        "retries": {"max": 1, "delay": 1, "max_delay": 1},
    }
    board(store, {"job": retried})
    with working(store, tmp_path):
        run_id = start(store, "job")
        wait_for_event(store, lambda e: e["e"] == "retry")
        until(lambda: ticked(store) and store.client.xlen(store.key("history")))
    assert [path.read_bytes() for path in files(tmp_path, store)] == [b"1\n", b"2\n"]
    assert [(chunk.attempt, chunk.content) for chunk in read_output(store, run_id)] == [
        (1, b"1\n"),
        (2, b"2\n"),
    ]


def test_files_are_bounded_and_rotated(store: Store, tmp_path: Path) -> None:
    board(store, {"job": {"command": MANY, "logs": {"to": "files", "max_size": 1 << 20}}})
    with working(store, tmp_path):
        ended = finished(store, start(store, "job"))
    assert ended["exit"] == 0
    sizes = [path.stat().st_size for path in files(tmp_path, store)]
    assert len(sizes) == 3
    assert 3 << 18 <= sum(sizes) <= 1 << 20
    assert ended["dropped_bytes"] == 3_000_000 - sum(sizes)
    kept = text(read_output(store, ended["id"]))
    assert len(kept) == sum(sizes)
    line = b"0123456789abcde\n"
    assert kept[: 1 << 19] == line * (1 << 15)
    assert kept.endswith(line)


def test_huge_output_costs_no_memory_and_no_exit_code(store: Store, tmp_path: Path) -> None:
    printed, more_kib = 2 << 30, 16 * 1024
    board(store, {"before": filed("echo"), "job": filed("yes | head -c 2G; exit 3", max_size=1 << 20)})
    with working_process(store, tmp_path) as worker:
        finished(store, start(store, "before"))
        before_kib = most_memory_kib(worker.pid)
        record = finished(store, start(store, "job"), timeout_s=60)
        assert most_memory_kib(worker.pid) < before_kib + more_kib
    assert (record["state"], record["exit"], record["output_bytes"]) == ("failed", 3, printed)
    assert printed - (1 << 20) <= record["dropped_bytes"] <= printed - (3 << 18)


def test_streams_and_times_are_kept_beside_the_files(
    store: Store, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    board(store, {"job": filed("echo one; echo oops >&2", split=True)})
    with working(store, tmp_path):
        ended = finished(store, start(store, "job"))
    chunks = list(read_output(store, ended["id"]))
    assert {chunk.stream: chunk.content for chunk in chunks} == {"stdout": b"one\n", "stderr": b"oops\n"}
    assert all(abs(ended["ended_at"] - chunk.at_ms) < 60_000 for chunk in chunks)
    assert jobboard(store, "logs", "job") == 0
    assert capfdbinary.readouterr() == (b"one\n", b"oops\n")


def test_secrets_are_masked_in_files_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2hunter2")
    board(store, {"job": {**filed('echo "<$PASS>"'), "env": {"PASS": "${env:TOKEN}"}}})
    with working(store, tmp_path):
        finished(store, start(store, "job"))
    assert [path.read_bytes() for path in files(tmp_path, store)] == [b"<***>\n"]


def test_files_are_followed_while_they_grow(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    board(store, {"job": filed(f"echo begin; read line < {tmp_path}/gate; echo end")})
    heard: list[bytes] = []

    def follow(run_id: str) -> None:
        with store.again() as other:
            heard.extend(chunk.content for chunk in follow_output(other, run_id))

    with working(store, tmp_path):
        run_id = start(store, "job")
        listener = threading.Thread(target=follow, args=(run_id,))
        listener.start()
        until(lambda: heard == [b"begin\n"])
        (tmp_path / "gate").write_text("go\n")
        listener.join(20)
    assert heard == [b"begin\n", b"end\n"]


def test_elsewhere_it_is_said_where_they_are(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board(store, {"job": filed("echo far away")})
    with working(store, tmp_path):
        run_id = finished(store, start(store, "job"))["id"]
    (path,) = files(tmp_path, store)
    here = socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "laptop")
    assert jobboard(store, "logs", "job") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"its output is in {path} on {here}; jobboard logs prints it there\n"
    answer = asked(store, capsys, "logs", "job")
    assert answer["elsewhere"] == [{"attempt": 1, "host": here, "path": str(path)}]
    assert (answer["attempts"], answer["chunks"], answer["expired"]) == ([], [], False)
    assert f"on {here}" in told(store, capsys, "show", run_id)
    with Client(store.url, namespace=store.namespace) as client, pytest.raises(UsageError, match=here):
        client.output(run_id)
    monkeypatch.undo()
    assert "far away" in told(store, capsys, "show", run_id)
    path.unlink()
    assert jobboard(store, "logs", "job") == 0
    assert capsys.readouterr().err == f"its output was in {path}, which is gone\n"


def test_a_worker_has_another_directory_for_them(store: Store, tmp_path: Path) -> None:
    board(store, {"job": filed("echo there")})
    with working(store, tmp_path / "home", log_dir=tmp_path / "var"):
        finished(store, start(store, "job"))
    (path,) = (tmp_path / "var" / store.namespace / "ops").glob("*.log")
    assert path.read_text() == "there\n"


def test_where_no_file_can_be_made_output_goes_into_the_store(store: Store, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    board(store, {"job": filed("echo kept")})
    with working(store, tmp_path):
        ended = finished(store, start(store, "job"))
    assert text(read_output(store, ended["id"])) == b"kept\n"
    assert (ended["state"], ended.get("dropped_bytes")) == ("ok", None)


def test_a_file_that_cannot_be_written_on_loses_output_and_no_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "gate")
    board(store, {"job": filed(f"echo begin; read line < {tmp_path}/gate; echo lost")})
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: text(read_output(store, run_id)) == b"begin\n")
        monkeypatch.setattr("jobboard.daemon.worker.logfile.LogFile._append", _full)
        (tmp_path / "gate").write_text("go\n")
        ended = finished(store, run_id)
    assert (ended["state"], ended["output_bytes"], ended["dropped_bytes"]) == ("ok", 11, 5)
    assert text(read_output(store, run_id)) == b"begin\n"


def _full(*_: object) -> int:
    raise OSError(28, "No space left on device")


# ---- how they go


def swept(store: Store, home: Path, most_bytes: int = 1 << 30) -> int:
    """What is left once a keeper has looked, later than it has to wait for."""
    for path in (home / "logs" / store.namespace).glob("*/*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return LogKeeper(store, home / "logs" / store.namespace, most_bytes).sweep()


def test_files_go_when_the_store_keeps_the_output_no_more(store: Store, tmp_path: Path) -> None:
    board(store, {"kept": filed("echo kept"), "gone": filed("echo gone", on_success="discard")})
    with working(store, tmp_path):
        for job in ("kept", "gone"):
            finished(store, start(store, job))
    (tmp_path / "logs" / store.namespace / "ops" / "notes.txt").write_text("mine")
    assert len(files(tmp_path, store)) == 2
    LogKeeper(store, tmp_path / "logs" / store.namespace, 1 << 30).sweep()
    assert len(files(tmp_path, store)) == 2, "too young to be judged"
    assert swept(store, tmp_path) > 0
    (path,) = files(tmp_path, store)
    assert path.read_text() == "kept\n"
    assert {one.name for one in path.parent.iterdir()} == {
        path.name,
        path.with_suffix(".times").name,
        "notes.txt",
    }


def test_a_live_run_keeps_its_files(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    board(store, {"job": filed(f"echo begin; read line < {tmp_path}/gate")})
    with working(store, tmp_path):
        run_id = start(store, "job")
        until(lambda: text(read_output(store, run_id)) == b"begin\n")
        store.client.delete(store.key("out", run_id))
        swept(store, tmp_path, most_bytes=0)
        assert len(files(tmp_path, store)) == 1
        (tmp_path / "gate").write_text("go\n")
        finished(store, run_id)
    assert swept(store, tmp_path) == 0


def test_beyond_the_bound_the_oldest_go(store: Store, tmp_path: Path) -> None:
    board(store, {"job": filed("head -c 1000 /dev/zero")})
    with working(store, tmp_path):
        for _ in range(4):
            finished(store, start(store, "job"))
    paths = files(tmp_path, store)
    for age, path in enumerate(reversed(paths)):
        for one in (path, path.with_suffix(".times")):
            os.utime(one, (1_000_000_000 - age, 1_000_000_000 - age))
    each = sum(one.stat().st_blocks * 512 for one in (paths[0], paths[0].with_suffix(".times")))
    left = LogKeeper(store, tmp_path / "logs" / store.namespace, 2 * each).sweep()
    assert left == 2 * each
    assert files(tmp_path, store) == paths[2:]


# ---- by count


def test_the_files_of_an_id_that_is_none_lie_nowhere(tmp_path: Path) -> None:
    assert stem_of(tmp_path, "ops/job@2026-11-22T03:30:00.500Z-a1b2c3", 7) is not None
    for odd in ("../../etc/x@1", "ops/../x@1", "ops/x@../../1", "ops/x", "/etc/x@1"):
        assert stem_of(tmp_path, odd, 7) is None


def test_what_grows_is_read_once(tmp_path: Path) -> None:
    stem = tmp_path / "ops" / "job@x.1"
    file, reader = LogFile(stem, 4096), Reader(stem)
    assert list(reader.more()) == []
    printed = heard = b""
    for number in range(600):
        line = b"line %d of a text that is longer than its time\n" % number
        file.keep(Piece(line, number / 10, "stdout"))
        printed += line
        heard += b"".join(stretch.content for stretch in reader.more())
    assert heard == printed
    assert file.dropped_bytes > 0
    kept = b"".join(stretch.content for stretch in Reader(stem).more())
    assert kept.startswith(printed[:2048])
    assert printed.endswith(kept[2048:])
    assert len(kept) == len(printed) - file.dropped_bytes
    assert read_end(stem, 1000) == printed[-1000:]
    file.take_tail()
    assert read_end(stem, 100_000) == kept


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    stem = tmp_path / "ops" / "job@x.1"
    file = LogFile(stem, 4096)
    file.keep(Piece(b"a" * 2048, 1.0))
    shutil.rmtree(stem.parent)
    file.keep(Piece(b"b" * 1000, 2.0))
    assert file.dropped_bytes == 0
    assert read_end(stem, 1000) == b"b" * 1000


def test_output_is_kept_of_the_last_runs(store: Store) -> None:
    engine = Engine(store)
    engine.worker()
    engine.define("b/x", logs={"keep_runs": 2})
    runs = []
    for number in range(4):
        runs.append(engine.runs.start_run("b/x", by="ana"))
        run = engine.reserve_one()
        if number != 2:
            engine.runs.output(run.run_id, run.token, 1, [b"said"])
        engine.finish(run, "ok" if number else "failed", output_bytes=4)
        assert fsck.check(store) == []
    assert [bool(store.client.exists(store.key("out", run_id))) for run_id in runs] == [
        False,
        True,
        False,
        True,
    ]
    assert store.client.zcard(store.key("kept", "b/x")) == 2


def test_a_count_of_output_that_is_none_is_found_and_mended(store: Store) -> None:
    store.client.zadd(store.key("kept", "b/x"), {"b/x@ghost": 1})
    (problem,) = fsck.check(store)
    assert (problem.kind, problem.subject) == ("kept", "b/x@ghost")
    fsck.repair(store)
    assert fsck.check(store) == []


def test_logs_say_what_they_hold_as_json(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board(store, {"job": filed("echo one")})
    with working(store, tmp_path):
        finished(store, start(store, "job"))
    assert jobboard(store, "logs", "job", "-o", "json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["output"] for one in said["attempts"]] == ["one\n"]
    assert said["elsewhere"] == []
