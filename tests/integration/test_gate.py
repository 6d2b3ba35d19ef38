"""Jobs that wait at their nominals for runs of others, and jobs that come once a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.walk import Walk, walking

from jobboard.core.times.instant import parse_instant
from jobboard.store.calls.wire import pack, unpack
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

DAY = "2026-03-02"
AT_FIVE = parse_instant(f"{DAY}T05:00:00Z")


@pytest.fixture
def walk(store: Store, clock: StoreClock) -> Iterator[Walk]:
    """A Monday, from an hour before midnight."""
    with walking(store, clock, day=DAY, board="b") as made:
        made.to("2026-03-01T23:00:00Z")
        yield made
        assert fsck.check(store) == []


def _sync(project: Project, jobs: str) -> None:
    project.board("b", jobs)
    project.sync()


LOAD = 'load: {run: x, cron: "0 5 * * *"}\n'


def test_a_run_that_came_before_opens_the_gate_at_once(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    assert walk.run() == ["load@05:00"]
    walk.to("05:30:00")
    assert walk.run() == ["report@05:30"]


def test_a_run_waits_for_one_that_is_under_way(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    assert walk.reserve() == {}
    assert fsck.check(walk.store) == []
    walk.end(load)
    assert walk.run() == ["report@05:30"]


def test_one_of_the_same_instant_is_waited_for(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "0 5 * * *", needs: load}')
    walk.to("05:00:00")
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    assert walk.run() == ["load@05:00"]
    assert walk.run() == ["report@05:00"]


def test_a_failure_is_waited_out_until_the_next_nominal(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5,7 * * *", needs: load}')
    walk.to("05:00:00")
    walk.run("failed")
    walk.to("05:30:00")
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    walk.to("07:30:00")
    assert walk.last("report")[0] == ("skipped", "needs: b/load@2026-03-02T05:00:00Z did not come in time")
    # None in between: the newest before counts, and it has failed.
    assert walk.live("report") == [("blocked", ("load@05:00",))]


@pytest.mark.parametrize(
    ("policy", "state"), [("skip", "skipped"), ("fail", "failed"), ("run", "queued")], ids=lambda value: value
)
def test_when_time_is_up(project: Project, walk: Walk, policy: str, state: str) -> None:
    gate = f"{{job: load, timeout: 20m, on_timeout: {policy}}}"
    _sync(
        project,
        LOAD + f'report: {{run: x, cron: "30 5 * * *", needs: {gate}}}\nthen: {{run: x, after: report}}',
    )
    walk.to("05:00:00")
    walk.run("failed")
    walk.to("05:30:00")
    walk.to("05:49:30")
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    walk.to("05:50:30")
    if policy == "run":
        assert walk.run() == ["report@05:30"]
        assert walk.run() == ["then@05:30"]
        return
    assert walk.live("report") == []
    assert walk.last("report") == [(state, "needs: b/load@2026-03-02T05:00:00Z did not come in time")]
    assert walk.last("then") == [("skipped", f"after: b/report {state}")]


@pytest.mark.parametrize("policy", ["skip", "fail", "run"])
def test_what_is_not_coming_is_not_waited_for(project: Project, walk: Walk, policy: str) -> None:
    gate = f"{{job: load, on_timeout: {policy}}}"
    _sync(project, LOAD + f'report: {{run: x, cron: "30 5 * * *", needs: {gate}}}')
    project.ok("pause", "b/load")
    walk.to("05:00:00")
    walk.to("05:30:00")
    if policy == "run":
        assert walk.run() == ["report@05:30"]
    else:
        assert walk.last("report") == [
            (f"{policy}ped" if policy == "skip" else "failed", "needs: b/load held")
        ]


def test_what_turns_out_not_to_come_ends_the_wait(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "0 5 * * *", needs: {job: load, on_timeout: fail}}')
    project.ok("pause", "b/load")
    walk.to("05:00:00")
    assert walk.last("report") == [("failed", "needs: b/load held")]


def test_all_are_all(project: Project, walk: Walk) -> None:
    _sync(
        project,
        'hourly: {run: x, cron: "0 1-3 * * *", overlap: allow}\n'
        'daily: {run: x, cron: "30 3 * * *", needs: {job: hourly, fresh: all}}',
    )
    runs = {}
    for hour in (1, 2, 3):
        walk.to(f"0{hour}:00:00")
        runs.update(walk.reserve())
    walk.end(runs["hourly@02:00"])
    walk.to("03:30:00")
    assert walk.live("daily") == [("blocked", ("hourly (2 runs)",))]
    walk.end(runs["hourly@01:00"])
    assert walk.live("daily") == [("blocked", ("hourly",))]
    walk.end(runs["hourly@03:00"])
    assert walk.run() == ["daily@03:30"]


def test_any_is_one(project: Project, walk: Walk) -> None:
    _sync(
        project,
        'hourly: {run: x, cron: "0 1-3 * * *", overlap: allow}\n'
        'daily: {run: x, cron: "30 3 * * *", needs: {job: hourly, fresh: any}}',
    )
    runs = {}
    for hour in (1, 2, 3):
        walk.to(f"0{hour}:00:00")
        runs.update(walk.reserve())
    walk.to("03:30:00")
    walk.end(runs["hourly@01:00"], "failed")
    assert [state for state, _ in walk.live("daily")] == ["blocked"]
    walk.end(runs["hourly@03:00"])
    assert walk.run() == ["daily@03:30"]


def test_a_waiting_run_counts_for_overlap(project: Project, walk: Walk) -> None:
    _sync(
        project,
        LOAD + 'often: {run: x, cron: "30 5-7 * * *", needs: {job: load, timeout: 3h}}',
    )
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    walk.to("06:30:00")
    assert walk.last("often") == [("skipped", "overlap: b/often@2026-03-02T05:30:00Z has not finished")]
    walk.end(load)
    assert walk.run() == ["often@05:30"]


def test_a_parent_that_is_a_child_is_known_by_its_root(project: Project, walk: Walk) -> None:
    _sync(
        project,
        LOAD + "clean: {run: x, after: load}\n" + 'report: {run: x, cron: "30 5 * * *", needs: clean}',
    )
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    assert walk.live("report") == [("blocked", ("clean@05:00",))]
    walk.end(load)
    assert walk.run() == ["clean@05:00"]
    assert walk.run() == ["report@05:30"]


def test_a_failure_that_is_retried_by_hand_opens_the_gate(project: Project, walk: Walk) -> None:
    _sync(
        project,
        LOAD + 'after: {run: x, after: load}\nreport: {run: x, cron: "30 5 * * *", needs: load}',
    )
    walk.to("05:00:00")
    walk.run("failed")
    walk.to("05:30:00")
    project.ok("run", "load")
    walk.run()
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    project.ok("retry", f"load@{DAY}T05:00:00Z")
    assert walk.run() == ["load@05:00"]
    assert walk.run() == ["after@05:00", "report@05:30"]


def test_what_was_retried_counts_for_later_gates(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    walk.run("failed")
    project.ok("retry", f"load@{DAY}T05")
    walk.run()
    walk.to("05:30:00")
    assert walk.run() == ["report@05:30"]


def test_a_need_that_is_taken_out_keeps_nobody_waiting(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    assert walk.live("report") == [("blocked", ("load@05:00",))]
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *"}')
    walk.to("05:30:10")
    assert walk.run() == ["report@05:30"]
    walk.end(load)
    key = walk.store.key
    assert not walk.store.client.exists(key("outcomes", "b/load"), key("asks", "b/load"), key("told"))


def test_a_need_that_is_added_is_not_asked_of_what_waits_already(project: Project, walk: Walk) -> None:
    other = 'other: {run: x, cron: "0 4 * * *"}\n'
    _sync(project, LOAD + other + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    runs = walk.reserve()
    walk.to("05:30:00")
    _sync(project, LOAD + other + 'report: {run: x, cron: "30 5 * * *", needs: [load, other]}')
    walk.end(runs["load@05:00"])
    assert walk.run() == ["report@05:30"]


def test_what_a_job_recorded_before_it_was_asked_counts(project: Project, walk: Walk) -> None:
    _sync(project, LOAD)
    walk.to("05:00:00")
    walk.run()
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:30:00")
    assert walk.run() == ["report@05:30"]


def test_why_says_for_what_and_until_when(project: Project, walk: Walk) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: {job: load, timeout: 2h}}')
    walk.to("05:30:00")
    said = project.ok("why", "report").out
    assert "waiting for b/load@2026-03-02T05:00:00Z, until Mon 07:30 at the latest" in " ".join(said.split())
    assert "waiting for b/load@2026-03-02T05:00:00Z" in project.ok("runs").out
    assert "waits for b/load" in project.ok("ls").out


def test_a_job_that_is_renamed_is_waited_for_under_its_new_name(project: Project, walk: Walk) -> None:
    report = 'report: {run: x, cron: "30 5 * * *", needs: load}'
    _sync(project, LOAD + report)
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    text = (LOAD + report).replace("load", "fetch")
    project.board("b", text, head="moved: [{from: load, to: fetch}]\n")
    project.sync()
    walk.to("05:30:10")
    assert [state for state, _ in walk.live("report")] == ["blocked"]
    walk.end(load)
    assert walk.run() == ["report@05:30"]


def test_thousands_that_wait_for_one_go_on_in_pages(project: Project, walk: Walk) -> None:
    waiting = "".join(f'w{n}: {{run: x, cron: "30 5 * * *", needs: load, queue: wide}}\n' for n in range(700))
    _sync(project, LOAD + waiting)
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    for _ in range(3):
        walk.to("05:30:00")
    client, key = walk.store.client, walk.store.key
    assert client.zcard(key("blocked")) == 700
    walk.end(load)
    assert client.exists(key("fanout"))
    while client.exists(key("fanout")):
        walk.to("05:30:30")
    assert client.zcard(key("queue", "wide")) == 700
    assert client.zcard(key("blocked")) == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (("zrem", "asks:b/load", "b/report"), "b/report waits for runs of b/load, which nobody remembers"),
        (("srem", "after:b/load", "b/report"), "b/report would not hear of b/load"),
        (("zadd", "asks:b/load", {"b/gone": 1}), "b/gone has runs of b/load remembered, and waits for none"),
        (("zadd", "outcomes:b/other", {"1:ok": 1}), "b/other has runs remembered that nobody asks for"),
        (("zadd", "gates", {"b/x@1": 1}), "b/x@1 has to be done waiting, and waits for nothing"),
        (
            ("hset", "gate:b/x@1", "b/load", pack({"low": 0, "high": 9})),
            "b/x@1 waits at a gate and is not blocked",
        ),
        (
            ("zadd", "outcomes:b/load", {f"{AT_FIVE}:ok": AT_FIVE}),
            "b/report@2026-03-02T05:30:00Z waits for b/load@2026-03-02T05:00:00Z, which has ended",
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_is_broken_at_a_gate_is_found_and_mended(
    project: Project, walk: Walk, spoil: tuple[Any, ...], words: str
) -> None:
    _sync(project, LOAD + 'report: {run: x, cron: "30 5 * * *", needs: load}')
    walk.to("05:00:00")
    (load,) = walk.reserve().values()
    walk.to("05:30:00")
    command, name, *rest = spoil
    getattr(walk.store.client, command)(walk.store.key(name), *rest)
    assert words in map(str, fsck.check(walk.store))
    for _ in range(2):
        fsck.repair(walk.store)
    assert fsck.check(walk.store) == []
    walk.end(load)
    assert walk.run() == ["report@05:30"]


def test_a_live_edit_of_what_is_waited_for_is_written_back(project: Project, walk: Walk) -> None:
    _sync(
        project,
        LOAD
        + "other: {run: x, after: load}\n"
        + 'report: {run: x, cron: "30 5 * * *", needs: {job: load, timeout: 2h}}\n'
        + "day: {run: x, after: [load, {job: report, on: finished}], window: day}",
    )
    project.ok("set", "report", "needs=[{job: load, fresh: all, timeout: 30m}, other]")
    project.ok("set", "day", "window=week", "after={job: report, on: failed}")
    project.ok("plan", "--write-live")
    text = project.path("b").read_text()
    assert "window: week" in text
    assert "0 to change" in project.ok("plan").out
    assert "drift" not in project.ok("plan").out
    assert walk.last("day") == []


def test_a_definition_beyond_this_version_keeps_only_those_waiting_that_ask_for_it(
    project: Project, walk: Walk
) -> None:
    _sync(
        project,
        LOAD + 'alone: {run: x, cron: "30 5 * * *"}\nreport: {run: x, cron: "30 5 * * *", needs: load}',
    )
    client, key = walk.store.client, walk.store.key
    (version,) = client.scan_iter(match=key("defs", "*"))
    sound: Any = client.hget(version, "load")
    odd = unpack(sound)
    odd[4] = "?" + odd[4][1:]
    client.hset(version, "load", pack(odd))
    walk.to("05:30:00")
    assert walk.run() == ["alone@05:30"]
    client.hset(version, "load", sound)
    walk.to("05:32:00")
    walk.run()
    assert walk.run() == ["report@05:30"]


# ---- windows


WINDOWED = (
    'sales: {run: x, cron: "15 */6 * * *"}\n'
    'stock: {run: x, cron: "40 */6 * * *"}\n'
    "report: {run: x, after: [sales, stock], window: day}\n"
)


def test_once_a_window_after_the_latest_of_each(project: Project, walk: Walk) -> None:
    _sync(project, WINDOWED)
    for hour in ("00", "06", "12", "18"):
        walk.to(f"{hour}:15:00")
        walk.run()
        walk.to(f"{hour}:40:00")
        expected = ["stock@18:40"] if hour == "18" else [f"stock@{hour}:40"]
        assert walk.run() == expected
    assert walk.run() == ["report@00:00"]
    walk.to("23:59:00")
    assert walk.run() == []


def test_a_window_whose_parent_failed_is_passed_over(project: Project, walk: Walk) -> None:
    _sync(project, WINDOWED)
    walk.to("18:15:00")
    walk.run("failed")
    walk.to("18:40:00")
    walk.run()
    assert walk.last("report") == [("skipped", "after: b/sales failed")]


def test_a_window_waits_visibly_and_ends_at_once(project: Project, walk: Walk) -> None:
    _sync(project, WINDOWED)
    walk.to("18:15:00")
    runs = walk.reserve()
    walk.end(runs["stock@12:40"])
    sales = runs["sales@18:15"]
    walk.to("18:40:00")
    assert walk.live("report") == [("blocked", ("sales@18:15", "stock@18:40"))]
    walk.run()
    assert walk.live("report") == [("blocked", ("sales@18:15",))]
    walk.end(sales, "failed")
    walk.to("18:40:01")
    assert walk.live("report") == []
    assert walk.last("report") == [("skipped", "after: b/sales failed")]


def test_windows_crowd_no_minute(project: Project) -> None:
    jobs = "".join(f"w{n}: {{run: x, after: load, window: day}}\n" for n in range(60))
    project.board("b", LOAD + jobs)
    said = project.run("lint")
    assert said.code == 0
    assert "61 jobs in 1 file: no errors." in said.out
    assert "warning" not in said.out + said.err
