"""What is kept of a run's output, how it is marked, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import jobboard
from kit.engine import NEVER, Engine
from kit.work import board, finished, start, working

from jobboard.core.runs.record import Record
from jobboard.daemon.worker.output import HEAD_BYTES, Capture, Piece
from jobboard.store.runs import retries
from jobboard.store.runs.output import has_output, read_output
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

DAY = 86_400_000


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


def printed(engine: Engine, verdict: Word, **logs: Any) -> str:
    """A run that printed something and ended; its id."""
    engine.define("b/x", logs=logs)
    run_id = engine.runs.start_run("b/x", by="ana")
    run = engine.reserve_one()
    engine.runs.output(run.run_id, run.token, 1, [b"said"])
    engine.finish(run, verdict, output_bytes=4, reason="" if verdict == "ok" else "exit 3")
    return run_id


def counted(engine: Engine) -> tuple[int, int]:
    """Bytes of output in all, and of each run."""
    total = engine.client.hget(engine.store.key("meta"), "output_bytes")
    return int(total or 0), engine.client.hlen(engine.store.key("outbytes"))


# ---- for how long


def test_output_goes_when_its_job_says(engine: Engine, clock: StoreClock) -> None:
    run_id = printed(engine, "ok", keep=7 * DAY)
    clock.advance(7 * DAY - 10_000)
    engine.runs.tick("s")
    assert has_output(engine.store, run_id)
    clock.advance(20_000)
    engine.runs.tick("s")
    assert not has_output(engine.store, run_id)
    assert counted(engine) == (0, 0)
    assert fsck.check(engine.store) == []


@pytest.mark.parametrize(
    ("verdict", "logs", "left"),
    [
        ("ok", {"keep": DAY, "keep_failed": 9 * DAY}, False),
        ("failed", {"keep": DAY, "keep_failed": 9 * DAY}, True),
        ("failed", {"keep": DAY}, False),
        ("ok", {"keep_failed": DAY}, True),
        ("failed", {"keep_failed": DAY}, False),
        ("failed", {"on_success": "discard"}, True),
        ("failed", {"on_success": "discard", "keep": DAY}, False),
        ("ok", {"split": True}, True),
    ],
)
def test_what_is_left_after_two_days(
    engine: Engine, clock: StoreClock, verdict: Word, logs: dict[str, Any], *, left: bool
) -> None:
    run_id = printed(engine, verdict, **logs)
    clock.advance(2 * DAY)
    engine.runs.tick("s")
    assert has_output(engine.store, run_id) is left
    assert fsck.check(engine.store) == []


def test_output_of_a_good_end_may_go_at_once(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = printed(engine, "ok", on_success="discard")
    assert not has_output(engine.store, run_id)
    assert counted(engine) == (0, 0)
    assert jobboard(engine.store, "logs", run_id) == 0
    assert "is not kept any more" in capsys.readouterr().err


def test_a_run_that_is_retried_by_hand_keeps_its_output_while_it_lives(
    engine: Engine, clock: StoreClock
) -> None:
    run_id = printed(engine, "failed", keep=DAY)
    retries.retry(engine.store, [retries.Failure(Record("b/x", "failed", 0, run_id))], by="ana")
    clock.advance(2 * DAY)
    engine.runs.tick("s")
    assert has_output(engine.store, run_id)
    assert fsck.check(engine.store) == []


def test_what_grows_old_without_output_is_found_and_mended(engine: Engine) -> None:
    engine.client.zadd(engine.store.key("aging"), {"b/ghost@x": NEVER})
    (problem,) = fsck.check(engine.store)
    assert (problem.kind, problem.subject) == ("aging", "b/ghost@x")
    fsck.repair(engine.store)
    assert fsck.check(engine.store) == []


# ---- how much


def test_a_job_says_how_much_is_kept(store: Store, tmp_path: Path) -> None:
    command = {"run": "head -c 3000 /dev/zero | tr '\\0' a; head -c 3000 /dev/zero | tr '\\0' b"}
    board(store, {"a": {"command": command, "logs": {"max_size": 2048}}})
    with working(store, tmp_path):
        record = finished(store, start(store, "a"))
    kept = b"".join(chunk.content for chunk in read_output(store, record["id"]))
    assert kept == b"a" * 1024 + b"b" * 1024
    assert (record["output_bytes"], record["dropped_bytes"]) == (6000, 6000 - 2048)


def test_large_output_is_sent_in_bites(store: Store, tmp_path: Path) -> None:
    command = {"run": "yes 0123456789abcde | head -c 20000000"}
    board(store, {"a": {"command": command, "logs": {"max_size": 8 << 20}}})
    with working(store, tmp_path):
        record = finished(store, start(store, "a"))
    chunks = list(read_output(store, record["id"]))
    assert sum(len(chunk.content) for chunk in chunks) == 8 << 20
    assert max(len(chunk.content) for chunk in chunks) <= 1 << 16
    assert record["dropped_bytes"] == 20_000_000 - (8 << 20)


# ---- streams and times


def test_streams_are_told_apart_where_a_job_asks_for_it(
    store: Store, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = {"run": "printf 'one\\n\\377'; echo oops >&2; exit 3"}
    board(store, {"split": {"command": command, "logs": {"split": True}}, "joined": {"command": command}})
    with working(store, tmp_path):
        split, joined = (finished(store, start(store, job))["id"] for job in ("split", "joined"))
    found = {chunk.stream: chunk.content for chunk in read_output(store, split)}
    assert found == {"stdout": b"one\n\xff", "stderr": b"oops\n"}
    assert {chunk.stream for chunk in read_output(store, joined)} == {""}
    assert jobboard(store, "logs", split) == 0
    assert capfdbinary.readouterr() == (b"one\n\xff", b"oops\n")
    assert jobboard(store, "logs", joined) == 0
    assert capfdbinary.readouterr() == (b"one\n\xffoops\n", b"")


def test_split_streams_outlived_by_a_grandchild_still_end(store: Store, tmp_path: Path) -> None:
    command = {"run": "echo out; exec >&-; sleep 60 & echo err >&2"}
    board(store, {"a": {"command": command, "logs": {"split": True}}})
    with working(store, tmp_path):
        record = finished(store, start(store, "a"))
    assert record["state"] == "ok"
    assert sorted(chunk.content for chunk in read_output(store, record["id"])) == [b"err\n", b"out\n"]


def test_a_confined_command_is_split_too(store: Store, tmp_path: Path) -> None:
    spec = {"command": {"run": "echo out; echo err >&2"}, "nice": 1, "logs": {"split": True}}
    board(store, {"a": spec})
    with working(store, tmp_path):
        run_id = finished(store, start(store, "a"))["id"]
    assert {chunk.stream for chunk in read_output(store, run_id)} == {"stdout", "stderr"}


def test_each_line_has_its_time(
    engine: Engine, clock: StoreClock, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    engine.define("b/x")
    run_id = engine.runs.start_run("b/x", by="ana")
    run = engine.reserve_one()
    before_ms = clock.now()
    chunks = [b"early\nbegun ", b"done\n", b"oops\n", b"\x1b[1mlast"]
    streams = ["stdout", "stdout", "stderr", "stdout"]
    engine.runs.output(run_id, run.token, 1, chunks, ago_ms=[60_000, 0, 0, 0], streams=streams)
    first, *_ = kept = list(read_output(engine.store, run_id))
    assert before_ms - 60_000 <= first.at_ms <= clock.now() - 60_000
    assert all(chunk.at_ms >= before_ms for chunk in kept[1:])
    engine.finish(run, "ok", output_bytes=30)

    assert jobboard(engine.store, "logs", "-t", run_id) == 0
    out, err = capfdbinary.readouterr()
    texts = [line.split(b" ", 1) for line in (*out.splitlines(), *err.splitlines())]
    assert [text for _, text in texts] == [b"out early", b"out begun done", b"out \x1b[1mlast", b"err oops"]
    assert all(len(time) == len("2026-11-21T07:00:00.000Z") for time, _ in texts)
    assert texts[0][0] == texts[1][0] < texts[2][0]

    assert jobboard(engine.store, "-o", "json", "logs", run_id) == 0
    said = json.loads(capfdbinary.readouterr().out)
    assert [chunk["stream"] for chunk in said["chunks"]] == streams
    assert said["attempts"] == [{"attempt": 1, "output": "early\nbegun done\noops\n\x1b[1mlast"}]


def test_the_tail_keeps_when_each_piece_was_written() -> None:
    capture = Capture()
    capture.feed(b"h" * HEAD_BYTES, 1.0)
    for second in range(2, 6):
        capture.feed(b"x", float(second))
        capture.feed(b"y", second + 0.01)
    capture.close()
    assert capture.take_head() == [Piece(b"h" * HEAD_BYTES, 1.0)]
    assert capture.take_tail() == [Piece(b"xy", float(second)) for second in range(2, 6)]


def test_a_tail_of_crumbs_stays_small_and_counts_what_it_loses() -> None:
    capture = Capture()
    capture.feed(b"h" * HEAD_BYTES)
    for n in range(10_000):
        capture.feed(b"o", float(n), "stdout")
        capture.feed(b"e", float(n), "stderr")
    tail = capture.take_tail()
    assert len(tail) == 1000
    assert tail[-1] == Piece(b"e", 9999.0, "stderr")
    assert capture.dropped_bytes == 20_000 - 1000
