"""What any program pushes into an inbox becomes one run, or is set aside with its reason."""

from __future__ import annotations

import json
import os
import shlex
import signal
from typing import TYPE_CHECKING, Any

import pytest
from kit import readme, work
from kit.commandline import asked, jobboard, told
from kit.engine import MINUTE, Engine
from kit.events import wait_for_event

from jobboard.cli.main import main
from jobboard.reconcile.inboxing import decide, take_page
from jobboard.store.runs import events, inbox, past
from jobboard.store.runs.pushes import Parcel, packed_parcel
from jobboard.store.runs.runs import UnknownWorker
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine.at_work(store)


def drop_in(store: Store, *entries: Any, queue: str = "common") -> None:
    """Push as a program in another language does."""
    for entry in entries:
        raw = entry if isinstance(entry, str | bytes) else json.dumps(entry)
        store.client.lpush(store.key("inbox", queue), raw)


def taken(engine: Engine, *entries: Any) -> list[Any]:
    """Push, let a worker read, and see what it reserves."""
    drop_in(engine.store, *entries)
    while take_page(engine.store, "w1", "common"):
        pass
    assert engine.client.llen(engine.store.key("inbox", "common")) == 0
    assert fsck.check(engine.store) == []
    return engine.reserve()


def reasons(store: Store) -> list[str]:
    return [one.reason for one in inbox.read_rejected(store)]


def test_a_pushed_text_runs(store: Store, tmp_path: Path) -> None:
    with work.working(store, tmp_path, inboxes=["common"]):
        drop_in(store, "echo one | tr a-z A-Z", {"run": "cat", "payload": "two", "id": "second"})
        assert work.finished(store, "push/common@second")["state"] == "ok"
        first = wait_for_event(store, lambda e: e["e"] == "finished" and e["run"] != "push/common@second")
    assert work.output(store, first["run"]) == b"ONE\n"
    assert work.output(store, "push/common@second") == b"two"
    assert work.record(store, first["run"])["by"] == "inbox"
    assert reasons(store) == []


def test_a_worker_reads_no_inbox_unless_told(store: Store, tmp_path: Path) -> None:
    drop_in(store, "true")
    drop_in(store, "true", queue="other")
    with work.working(store, tmp_path, queues=["common", "other"], inboxes=["other"]):
        wait_for_event(store, lambda e: e["e"] == "finished")
    assert inbox.waiting_in(store, ["common", "other"]) == [1, 0]


def test_entries_keep_their_order_and_what_they_say(engine: Engine) -> None:
    engine.define("shop/mail", command={"run": "./mail.sh"}, timeout=MINUTE)
    runs = taken(
        engine,
        "echo 1",
        {"exec": ["echo", "2"], "tags": ["late"], "env": {"A": "b"}},
        {"job": "shop/mail", "payload": {"to": "ana"}, "timeout": "5m"},
        {"run": "echo first", "priority": 9, "name": "urgent"},
        {"run": "later", "delay": "1h", "id": "later"},
        {"run": "after", "after": ["push/common@later"]},
    )
    assert [run.address for run in runs] == ["push/urgent", "push/common", "push/common", "shop/mail"]
    assert runs[1].spec["command"] == {"run": "echo 1"}
    assert runs[2].spec["tags"] == ["late"]
    assert runs[2].spec["env"] == {"A": "b"}
    assert (runs[3].spec["timeout"], runs[3].spec["stdin"]) == (5 * MINUTE, '{"to": "ana"}')
    states = [run.state for run in past.live_runs(engine.store, "push/common")]
    assert sorted(states) == ["blocked", "delayed", "running", "running"]


def test_an_id_is_pushed_once(engine: Engine) -> None:
    assert len(taken(engine, {"run": "a", "id": "x"}, {"run": "b", "id": "x"})) == 1
    assert reasons(engine.store) == []


def test_equal_entries_are_runs_of_their_own(engine: Engine) -> None:
    assert len(taken(engine, "true", "true", "true")) == 3


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{ nonsense", "it begins with { and is no JSON: "),
        (b"caf\xe9", "it is not UTF-8"),
        ({"run": "true", "timeout": "soon"}, "timeout: "),
        ({"run": "true", "tmeout": "1m"}, 'tmeout: unknown key "tmeout"'),
        ({"payload": "x"}, "there is nothing to run"),
        ({"job": "shop/none"}, "there is no job shop/none"),
        ({"run": "true", "cron": "0 2 * * *"}, "schedule says when a job runs"),
        ({"run": "true", "id": "a b"}, '"a b" is no id for a run'),
        ({"run": "true", "at": "noon"}, "noon"),
        ({"run": "true", "after": "push/common@none"}, "nothing is known of the run push/common@none"),
        ({"run": "true", "payload": "x" * (1 << 20) + "y"}, "the payload is 1048577 bytes"),
        (b"#" * (inbox.LARGEST_BYTES + 1), "it has 4194305 bytes, and may have 4194304"),
    ],
)
def test_what_is_no_run_is_set_aside_with_its_reason(engine: Engine, entry: Any, words: str) -> None:
    (run,) = taken(engine, entry, "echo next")
    assert run.spec["command"] == {"run": "echo next"}
    (one,) = inbox.read_rejected(engine.store)
    raw = entry if isinstance(entry, bytes) else entry.encode() if isinstance(entry, str) else None
    raw = json.dumps(entry).encode() if raw is None else raw
    assert words in one.reason
    assert (one.queue, one.size, one.entry) == ("common", len(raw), raw[: 4096 if len(raw) > 4e6 else None])
    (event,) = [e for e in events.last_events(engine.store, bool, 100) if e["e"] == "rejected"]
    assert (event["queue"], event["reason"]) == ("common", one.reason)


def test_a_run_that_has_started_is_not_replaced(engine: Engine) -> None:
    taken(engine, {"run": "a", "id": "x"})
    assert taken(engine, {"run": "b", "id": "x", "replace": True}) == []
    assert reasons(engine.store) == ["push/common@x has started"]


def test_whatever_cannot_be_read_is_set_aside_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("jobboard.reconcile.inboxing.make_parcel", stumble)
    assert taken(engine, "true") == []
    assert reasons(engine.store) == ["it cannot be read: RuntimeError('odd')"]
    assert "cannot be read" in caplog.text


def test_no_more_than_a_thousand_are_set_aside(engine: Engine) -> None:
    taken(engine, *("{" for _ in range(1005)))
    assert inbox.rejected_count(engine.store) == inbox.MOST_REJECTED


def test_a_repeat_after_a_lost_reply_takes_nothing_more(engine: Engine) -> None:
    drop_in(engine.store, "true", "true", "true")
    found = inbox.peek(engine.store, "common")[:2]
    decided = [(one, decide(engine.store, "common", one)) for one in found]
    entries = [[one.sha, packed_parcel(made, ""), ""] for one, made in decided if isinstance(made, Parcel)]
    first = engine.store.call("take", worker="w1", queue="common", request="r", entries=entries)
    again = engine.store.call("take", worker="w1", queue="common", request="r", entries=entries)
    assert first[2] == again[2]
    assert inbox.waiting_in(engine.store, ["common"]) == [1]
    assert len(engine.reserve()) == 2


def test_two_readers_take_each_entry_once(engine: Engine) -> None:
    engine.worker("w2")
    drop_in(engine.store, *(f"echo {n}" for n in range(4)))
    found = inbox.peek(engine.store, "common")
    decided = [(one, decide(engine.store, "common", one)) for one in found]
    assert len(inbox.take(engine.store, "w2", "common", decided[:2])) == 2
    assert inbox.take(engine.store, "w1", "common", decided) == []
    take_page(engine.store, "w1", "common")
    assert [run.spec["command"]["run"] for run in engine.reserve()] == [f"echo {n}" for n in range(4)]


def test_a_worker_that_the_store_does_not_know_takes_nothing(engine: Engine) -> None:
    drop_in(engine.store, "true")
    with pytest.raises(UnknownWorker):
        take_page(engine.store, "stranger", "common")
    assert inbox.waiting_in(engine.store, ["common"]) == [1]


def test_killed_readers_lose_nothing_and_run_nothing_twice(store: Store, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    drop_in(store, *(f"echo {n} >> {ledger}" for n in range(400)))
    waiting = store.key("inbox", "common")
    for left in (300, 150):
        with work.working_process(store, tmp_path, inboxes=["common"], slots=1) as child:
            work.until(lambda: inbox.waiting_in(store, ["common"])[0] <= left)  # noqa: B023 - called at once
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    with work.working(store, tmp_path, inboxes=["common"], lease_ms=3000):
        work.until(lambda: store.client.llen(waiting) == 0)
    runs = past.live_runs(store, "push/common")
    with store.again() as reading:
        ended = {e["run"] for e in events.later_events(reading, "0") if e["e"] == "finished"}
    assert len({run.run_id for run in runs} | ended) == 400
    assert reasons(store) == []
    assert fsck.check(store) == []


def test_the_command_shows_and_sorts_out(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "redis-cli LPUSH" in told(store, capsys, "inbox")
    drop_in(store, "{ bad", {"job": "shop/mail"})
    box = asked(store, capsys, "inbox")["inboxes"]
    assert box == [{"queue": "common", "waiting": 2, "readers": []}]
    take_page(store, "w1", "common")
    mail, bad = asked(store, capsys, "inbox")["rejected"]
    assert (bad["entry"], mail["reason"].partition(";")[0]) == ("{ bad", "there is no job shop/mail")
    shown = told(store, capsys, "inbox")
    assert "{ bad" in shown
    assert "no JSON" in shown
    engine.define("shop/mail")
    assert told(store, capsys, "inbox", "--again", mail["id"]) == "1 entry put back\n"
    assert told(store, capsys, "inbox", "--drop", "all") == "1 entry dropped\n"
    take_page(store, "w1", "common")
    assert engine.reserve_one().address == "shop/mail"
    assert asked(store, capsys, "inbox")["rejected"] == []
    audited: Any = store.client.xrange(store.key("audit"))
    assert [fields[b"what"] for _, fields in audited] == [b"again", b"drop"]


def test_entries_put_back_keep_their_order(engine: Engine) -> None:
    taken(engine, "{1", "{2")
    ids = [one.id for one in inbox.read_rejected(engine.store)]
    drop_in(engine.store, "{3")
    inbox.sort_out(engine.store, ids, again=True, by={"actor": "ana"})
    assert [found.raw for found in inbox.peek(engine.store, "common")] == [b"{1", b"{2", b"{3"]


def test_what_was_kept_in_part_cannot_go_back(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    taken(engine, b"#" * (inbox.LARGEST_BYTES + 1))
    assert jobboard(store, "inbox", "--again", "all") == 1
    assert "kept in part" in capsys.readouterr().err
    assert jobboard(store, "inbox", "--drop", "9-9") == 64
    assert "no entry 9-9 is set aside" in capsys.readouterr().err


def test_doctor_tells_of_inboxes(engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    drop_in(store, "{")
    jobboard(store, "doctor")
    assert "inbox common: 1 waiting, and no worker reads it" in capsys.readouterr().out
    engine.runs.hello(
        "w1",
        host="h",
        pid=1,
        queues=["common"],
        slots=1,
        lease_ms=30_000,
        version="1",
        inboxes=["common"],
    )
    take_page(store, "w1", "common")
    jobboard(store, "doctor")
    shown = capsys.readouterr().out
    assert "inbox common: 0 waiting, read by w1" in shown
    assert "1 that are no runs are set aside" in shown


def test_an_inbox_is_one_of_a_queue_that_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--queue", "slow", "--inbox", "common"]) == 64
    assert "add --queue common" in capsys.readouterr().err


def test_the_examples_of_the_readme_are_runs(engine: Engine) -> None:
    lines = [line for line in readme.part("inbox").splitlines() if line.startswith("redis-cli")]
    words = [shlex.split(line) for line in lines]
    assert {word[2] for word in words} == {"jb:{default}:inbox:common"}
    drop_in(engine.store, *(word[3] for word in words))
    take_page(engine.store, "w1", "common")
    assert reasons(engine.store) == []
    assert len(past.live_runs(engine.store, "push/common")) == len(words) == 3
