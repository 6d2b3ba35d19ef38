"""How much of the past is kept: bounds in bytes and in time, and setting them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard.core.jobs.bound import BOUNDS
from jobboard.store.calls import scripts
from jobboard.store.runs import config
from jobboard.store.runs.walking import walk
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

DAY_MS = 86_400_000
T0 = 1_600_041_600_000
BY = {"actor": "ana", "via": "cli"}


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(T0)
    return Engine.at_work(store, "b/x")


def _ran(engine: Engine, verdict: Any = "ok") -> str:
    run_id = engine.runs.start_run("b/x", by="ana")
    engine.finish(engine.reserve_one(), verdict)
    return run_id


def _counted(engine: Engine) -> int:
    return int(cast("bytes", engine.client.hget(engine.store.key("meta"), "history_bytes") or b"0"))


def _bytes(engine: Engine) -> int:
    streams = [cast("Any", engine.client.xrange(engine.store.key(s))) for s in ("history", "failures")]
    return sum(len(fields[b"r"]) for entries in streams for _, fields in entries)


def _chosen(store: Store) -> dict[str, int]:
    return {name: one.value for name, one in config.read_settings(store).items() if one.is_set}


def _kept(engine: Engine) -> list[str]:
    return [record.run_id for record in walk(engine.store, lambda _: True, limit=1000).records]


def test_the_oldest_success_goes_first_and_failures_outlive_it(engine: Engine) -> None:
    failure, first = _ran(engine, "failed"), _ran(engine)
    config.configure(engine.store, "history-bytes", 8 * _counted(engine) // 3, by=BY)
    later = [_ran(engine) for _ in range(12)]
    kept = _kept(engine)
    assert kept[-1] == failure
    assert first not in kept
    assert kept[:-1] == later[::-1][: len(kept) - 1]
    assert 2 < len(kept) < 12
    assert _counted(engine) == _bytes(engine) <= config.read_settings(engine.store)["history-bytes"].value
    assert fsck.check(engine.store) == []


def test_where_there_are_only_failures_the_oldest_of_them_go(engine: Engine) -> None:
    runs = [_ran(engine, "failed") for _ in range(6)]
    config.configure(engine.store, "history-bytes", _counted(engine) // 4, by=BY)
    assert 0 < len(_kept(engine)) < 6
    assert _kept(engine) == runs[::-1][: len(_kept(engine))]
    assert _counted(engine) == _bytes(engine)


def test_failures_are_kept_for_a_time(engine: Engine, clock: StoreClock) -> None:
    _ran(engine, "failed")
    for days in (13, 15):
        clock.set(T0 + days * DAY_MS)
        engine.worker()
        _ran(engine, "failed")
    assert engine.client.xlen(engine.store.key("failures")) == 2
    assert _counted(engine) == _bytes(engine)
    assert len(_kept(engine)) == 3, "the history has room for all of them"


def test_what_was_passed_over_in_a_row_is_counted_once(engine: Engine) -> None:
    engine.fired("b/x", T0)
    for minutes in range(1, 5):
        engine.fire("b/x", T0 + minutes * 60_000, next_due=T0 + DAY_MS)
    assert engine.client.xlen(engine.store.key("history")) == 1
    assert _counted(engine) == _bytes(engine) > 0


def test_lowering_a_bound_drops_at_once_however_much_it_is(engine: Engine) -> None:
    for _ in range(60):
        _ran(engine)
    most = _counted(engine) // 20
    config.configure(engine.store, "history-bytes", most, by=BY)
    assert 0 < _counted(engine) == _bytes(engine) <= most


def test_a_count_that_is_wrong_is_found_and_mended(engine: Engine) -> None:
    _ran(engine, "failed")
    right = _counted(engine)
    for name in ("history_bytes", "output_bytes"):
        engine.client.hincrby(engine.store.key("meta"), name, 7)
    found = [str(problem) for problem in fsck.repair(engine.store)]
    assert found == [
        f"history_bytes is {right + 7} and adds up to {right}",
        "output_bytes is 7 and adds up to 0",
    ]
    assert _counted(engine) == right
    assert fsck.check(engine.store) == []


def test_settings_are_shown_set_and_unset(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    _ran(engine)
    shown = {row["name"]: row for row in asked(store, capsys, "config")["config"]}
    assert {name: row["value"] for name, row in shown.items()} == {
        "history-bytes": 2**28,
        "output-bytes": 2**28,
        "failures": 14 * DAY_MS,
        "ids": 14 * DAY_MS,
        "channels": 0,
    }
    assert shown["history-bytes"]["kept"] == _counted(engine)
    assert "1G" in told(store, capsys, "config", "set", "history-bytes", "1G")
    assert told(store, capsys, "config", "set", "failures", "30d")
    assert told(store, capsys, "config", "get", "failures") == "30d\n"
    assert told(store, capsys, "config", "unset", "history-bytes")
    assert _chosen(store) == {"failures": 30 * DAY_MS}
    audited = cast("Any", store.client.xrange(store.key("audit")))
    assert [fields[b"subject"] for _, fields in audited if fields[b"what"] == b"config"] == [
        b"history_bytes",
        b"failures_ms",
        b"history_bytes",
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["set"], "known are history-bytes"),
        (["get", "nothing"], "known are"),
        (["set", "failures"], "as in"),
        (["get", "failures", "3d"], "as in"),
        (["set", "failures", "3"], "30d"),
        (["set", "history-bytes", "lots"], "512M"),
        (["set", "history-bytes", "1K"], "64K is the least"),
        (["set", "channels", "yes"], "on or off"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    store: Store, capsys: pytest.CaptureFixture[str], words: list[str], hint: str
) -> None:
    assert jobboard(store, "config", *words) == 64
    assert hint in capsys.readouterr().err
    assert _chosen(store) == {}


def test_the_scripts_have_the_same_bounds_built_in() -> None:
    sources = "".join(scripts.include_source(name) for name in ("forget", "remember", "forget_outputs"))
    assert [int(n) for n in re.findall(r"or (\d{6,})\b", sources)] == [
        bound.default for bound in BOUNDS.values() if bound.unit != "switch"
    ]
