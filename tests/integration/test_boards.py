"""Every board that ships is linted, planned, synced and run; what it must do is written down here by hand."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.commandline import asked, jobboard, told
from kit.events import events_of, wait_for_event
from kit.recorder import Recorder
from kit.work import working

from jobboard.cli.commands.demo import EXPECTED as DEMO
from jobboard.core.states import ENDED
from jobboard.core.times.instant import parse_instant
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.source.files import discover
from jobboard.store.runs.output import read_output
from jobboard.store.runs.past import known_runs, last_records, read_run
from jobboard.store.runs.runs import Runs
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock
    from kit.events import Event

    from jobboard.store.calls.connect import Store

BOARDS = Path(__file__).parents[2] / "boards"
TESTED = {"billing", "debian", "demo", "etl", "feeds", "hello"}
JUST_AFTER_MS = 50
OWN_NAMES = {"ATTEMPT", "FENCE", "JOB", "NOMINAL", "QUEUE", "REPORT", "REPORT_FD", "RUN_ID", "TREE"}


class Stage:
    """One board on a store whose clock is ours, with programs that stand in for those it calls."""

    def __init__(self, store: Store, clock: StoreClock, folder: Path) -> None:
        self.store = store
        self.recorder = Recorder(folder)
        self._clock = clock
        self._folder = folder

    def sync(self, name: str, at: str, *words: str) -> None:
        """At this instant, lint the board, plan it and sync it: without a warning, and completely."""
        self._clock.set(parse_instant(at, None))
        path = str(BOARDS / f"{name}.yaml")
        assert jobboard(self.store, "lint", path) == 0
        assert jobboard(self.store, "plan", path, *words) == 0
        assert jobboard(self.store, "sync", path, "--auto-approve", *words) == 0

    @contextmanager
    def at_work(self, *queues: str) -> Iterator[None]:
        """A scheduler, and a worker of these queues or of ``common``, for as long as the block lasts."""
        stop = threading.Event()
        scheduler = Scheduler(self.store.again(), name="s1")
        thread = threading.Thread(target=scheduler.run, args=(stop,))
        thread.start()
        try:
            with working(self.store, self._folder / "home", queues=list(queues) or ["common"]):
                yield
        finally:
            stop.set()
            thread.join(20)
        assert not thread.is_alive()
        assert fsck.check(self.store) == []

    def reach(self, at: str) -> None:
        """Let it be a moment later than this instant."""
        self._clock.set(parse_instant(at, None) + JUST_AFTER_MS)
        self._clock.wake()

    def ended(self, run_id: str) -> str:
        """How a run ended, once it has."""
        return wait_for_event(self.store, lambda e: e["e"] == "finished" and e["run"] == run_id)["state"]

    def ended_first(self, job: str) -> Event:
        """The end of the job's first run, once it has come."""
        return wait_for_event(self.store, lambda e: e["e"] == "finished" and e["job"] == job)

    def comes_up(self, at: str, *jobs: str) -> None:
        """Let it be this instant, at which these jobs run, and run well."""
        self.reach(at)
        for job in jobs:
            assert self.ended(f"{job}@{at}") == "ok", self.output(f"{job}@{at}")

    def output(self, run_id: str) -> str:
        """What a run printed."""
        return b"".join(chunk.content for chunk in read_output(self.store, run_id)).decode()

    def calls(self) -> list[tuple[str, str, str]]:
        """Job, nominal and line of every recorded call, in order."""
        return [call.asked_for for call in self.recorder.calls()]

    def runs(self) -> list[str]:
        """Every run that was ever started, in order of their ends."""
        return [event["run"] for event in events_of(self.store) if event["e"] == "finished"]


@pytest.fixture
def stage(store: Store, clock: StoreClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    staged = Stage(store, clock, tmp_path)
    monkeypatch.setenv("PATH", staged.recorder.path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return staged


def test_no_board_ships_without_a_test_here() -> None:
    assert {path.stem for path in discover([BOARDS])} == TESTED


def test_all_of_them_live_side_by_side(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert jobboard(store, "sync", str(BOARDS), "--auto-approve") == 0
    capsys.readouterr()
    again = asked(store, capsys, "plan", str(BOARDS))
    assert again["empty"]
    assert [board["name"] for board in again["boards"]] == sorted(TESTED)
    assert "billing/nightly" in told(store, capsys, "ls")


def test_hello(stage: Stage) -> None:
    stage.sync("hello", "2026-03-01T11:59:30Z")
    with stage.at_work():
        stage.comes_up("2026-03-01T12:00:00Z", "hello/hello", "hello/after-hello")
        stage.comes_up("2026-03-01T12:01:00Z", "hello/hello", "hello/after-hello")
        by_hand = Runs(stage.store).start_run("hello/by-hand", by="ana")
        assert stage.ended(by_hand) == "ok"
    assert stage.output("hello/hello@2026-03-01T12:00:00Z") == (
        "hello from hello/hello, due 2026-03-01T12:00:00Z\n"
    )
    assert (
        stage.output("hello/after-hello@2026-03-01T12:01:00Z") == "hello was here at 2026-03-01T12:01:00Z\n"
    )
    assert stage.output(by_hand) == "hello, $USER is left as it stands\n"
    assert len(stage.runs()) == 5


def test_demo(stage: Stage) -> None:
    stage.sync("demo", "2026-03-01T12:00:00Z")
    with stage.at_work():
        for job, state in DEMO.items():
            assert stage.ended_first(job)["state"] == state
    assert stage.ended_first("demo/slow")["reason"] == "timeout after 500ms"
    assert stage.output(stage.ended_first("demo/flaky")["run"]) == "try 1\ntry 2\ntry 3\n"
    assert len(stage.runs()) == len(DEMO)


def test_billing_through_the_night_in_which_the_clock_moves(stage: Stage) -> None:
    stage.recorder.program("echo")
    stage.sync("billing", "2026-03-28T22:40:00Z")
    with stage.at_work():
        stage.comes_up("2026-03-28T22:45:00Z", "billing/rotate-logs")
        # Midnight in Madrid on the 29th; the clock there goes forward two hours later.
        stage.comes_up("2026-03-28T23:00:00Z", "billing/nightly", "billing/rotate-logs")
        stage.comes_up("2026-03-29T04:45:00Z", "billing/rotate-logs")
        # Seven in the morning, now two hours ahead of UTC.
        stage.comes_up("2026-03-29T05:00:00Z", "billing/check-errors")
        stage.comes_up("2026-03-29T17:00:00Z", "billing/check-errors")
        stage.comes_up("2026-03-29T21:00:00Z", "billing/rotate-logs")
        # The next midnight, 23 hours after the last.
        stage.comes_up("2026-03-29T22:00:00Z", "billing/nightly", "billing/rotate-logs")
    assert sorted(stage.calls()) == [
        ("billing/check-errors", "2026-03-29T05:00:00Z", "echo grep-errors --since 12h"),
        ("billing/check-errors", "2026-03-29T17:00:00Z", "echo grep-errors --since 12h"),
        ("billing/nightly", "2026-03-28T23:00:00Z", "echo bill-customers --all"),
        ("billing/nightly", "2026-03-29T22:00:00Z", "echo bill-customers --all"),
        ("billing/rotate-logs", "2026-03-28T22:45:00Z", "echo logrotate shop.conf"),
        ("billing/rotate-logs", "2026-03-28T23:00:00Z", "echo logrotate shop.conf"),
        ("billing/rotate-logs", "2026-03-29T04:45:00Z", "echo logrotate shop.conf"),
        ("billing/rotate-logs", "2026-03-29T21:00:00Z", "echo logrotate shop.conf"),
        ("billing/rotate-logs", "2026-03-29T22:00:00Z", "echo logrotate shop.conf"),
    ]
    # What the jumps of the clock passed over: 23:15 to 04:30 and 21:15 to 21:45, and nothing by day.
    missed = [r for r in last_records(stage.store, "billing/rotate-logs") if r.state == "missed"]
    assert [record.count for record in missed] == [3, 22]


def test_billing_gives_a_command_its_environment_and_no_other(stage: Stage) -> None:
    stage.recorder.program("echo")
    stage.sync("billing", "2026-03-28T22:59:00Z")
    with stage.at_work():
        stage.comes_up("2026-03-28T23:00:00Z", "billing/nightly")
    (call,) = (call for call in stage.recorder.calls() if call.env["JOBBOARD_JOB"] == "billing/nightly")
    assert call.env["LEDGER"] == "main"
    assert call.env["JOBBOARD_RUN_ID"] == "billing/nightly@2026-03-28T23:00:00Z"
    assert call.env["JOBBOARD_ATTEMPT"] == "1"
    assert call.env["JOBBOARD_QUEUE"] == "common"
    assert int(call.env["JOBBOARD_FENCE"]) > 0
    own = {name for name in call.env if name.startswith("JOBBOARD_")}
    # LC_CTYPE is the recorder's own: Python sets it for itself where no locale is given.
    known = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LEDGER", "LC_CTYPE"}
    assert own == {f"JOBBOARD_{name}" for name in OWN_NAMES}
    assert call.env.keys() - own <= known
    assert stage.store.url not in str(call.env)


def test_billing_shares_the_database_and_not_the_ledger(stage: Stage, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    stage.recorder.program("echo", then=f"if 'bill-customers' in sys.argv: open({str(gate)!r}).read()")
    stage.sync("billing", "2026-03-28T12:00:00Z")
    runs = Runs(stage.store)
    with stage.at_work():
        first = runs.start_run("billing/nightly", by="ana")
        wait_for_event(stage.store, lambda e: e["e"] == "reserved" and e["run"] == first)
        second = runs.start_run("billing/nightly", by="ana")
        waiting = wait_for_event(stage.store, lambda e: e["e"] == "waiting" and e["run"] == second)
        assert waiting["lock"] == "ledger"
        # Three may hold the database at once, so this one runs beside the first.
        assert stage.ended(runs.start_run("billing/check-errors", by="ana")) == "ok"
        assert [run.state for run in known_runs(stage.store, "billing/nightly")] == ["running", "waiting"]
        for run_id in (first, second):
            gate.write_text("")
            assert stage.ended(run_id) == "ok"
    assert stage.runs()[1:] == [first, second]


def test_billing_has_ten_minutes(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.sync("billing", "2026-03-28T12:00:00Z")
    capsys.readouterr()
    spec = asked(stage.store, capsys, "show", "billing/nightly")["spec"]
    assert (spec["timeout"], spec["kill_after"]) == (600_000, 30_000)
    assert spec["locks"] == {"database": 3, "ledger": 1}


def test_feeds_polls_twenty_times_in_its_hour(stage: Stage) -> None:
    stage.recorder.program("curl")
    stage.sync("feeds", "2030-01-01T05:59:00Z")
    nominals = [
        *("06:00:00", "06:03:05", "06:06:10", "06:09:15", "06:12:20", "06:15:25", "06:18:30", "06:21:35"),
        *("06:24:40", "06:27:45", "06:30:50", "06:33:55", "06:37:00", "06:40:05", "06:43:10", "06:46:15"),
        *("06:49:20", "06:52:25", "06:55:30", "06:58:35"),
    ]
    with stage.at_work():
        for nominal in nominals:
            stage.comes_up(f"2030-01-01T{nominal}Z", "feeds/poll")
    line = "curl --fail --silent --show-error --max-time 20 --output /dev/null https://example.org/feed.xml"
    assert stage.calls() == [("feeds/poll", f"2030-01-01T{nominal}Z", line) for nominal in nominals]
    assert stage.store.client.zscore(stage.store.key("sched"), "feeds/poll") is None


def test_etl_goes_on_once_the_failed_step_has_succeeded(stage: Stage, tmp_path: Path) -> None:
    failing = "if os.environ['JOBBOARD_ATTEMPT'] == '1': sys.exit(2)\nos.execv('/usr/bin/sort', sys.argv)"
    stage.recorder.program("sort", then=failing)
    stage.sync("etl", "2026-03-01T05:00:00Z")
    at = "2026-03-01T05:30:00Z"
    with stage.at_work():
        stage.comes_up(at, "etl/extract")
        wait_for_event(stage.store, lambda e: e["e"] == "retry" and e["run"] == f"etl/transform@{at}")
        (waiting,) = known_runs(stage.store, "etl/transform")
        assert waiting.state == "delayed"
        stage.reach("2026-03-01T05:30:31Z")
        assert stage.ended(f"etl/transform@{at}") == "ok"
        assert stage.ended(f"etl/load@{at}") == "ok"
    work = tmp_path / "jobboard-etl"
    line = f"sort {work}/{at}.raw"
    assert stage.calls() == [("etl/transform", at, line), ("etl/transform", at, line)]
    assert [call.env["JOBBOARD_ATTEMPT"] for call in stage.recorder.calls()] == ["1", "2"]
    assert stage.runs() == [f"etl/extract@{at}", f"etl/transform@{at}", f"etl/load@{at}"]
    assert (work / "latest").read_text().split() == ["2", "apple", "3", "pear", "1", "plum"]
    assert [path.name for path in work.iterdir()] == ["latest"]
    record = read_run(stage.store, f"etl/transform@{at}")
    assert record is not None
    assert [tried.reason for tried in record.tries] == ["exit 2"]
    assert record.state in ENDED


DEBIAN = (
    *("run-parts", "e2scrub_all", "e2scrub_all_cron", "debian-sa1", "sessionclean", "checkarray"),
    "invoke-rc.d",
)
# The first of March 2026 is a Sunday: all that is monthly, weekly or daily comes up on it.
SUNDAY = (
    ("2026-03-01T00:57:00Z", ("mdadm-checkarray",)),
    ("2026-03-01T03:10:00Z", ("e2scrub-reap",)),
    ("2026-03-01T03:30:00Z", ("e2scrub-all",)),
    ("2026-03-01T06:17:00Z", ("cron.hourly",)),
    ("2026-03-01T06:25:00Z", ("cron.daily", "sysstat-collect")),
    ("2026-03-01T06:47:00Z", ("cron.weekly",)),
    ("2026-03-01T06:52:00Z", ("cron.monthly",)),
    ("2026-03-01T07:09:00Z", ("php-sessionclean",)),
    ("2026-03-01T07:30:00Z", ("anacron",)),
    ("2026-03-01T07:39:00Z", ("php-sessionclean",)),
    ("2026-03-01T23:59:00Z", ("sysstat-rotate",)),
)


def _debian_sunday(stage: Stage) -> list[tuple[str, str, str]]:
    """Let a whole Sunday pass on a Debian machine; who called what, and when."""
    stage.sync("debian", "2026-03-01T00:50:00Z")
    with stage.at_work("root"):
        for at, jobs in SUNDAY:
            stage.comes_up(at, *(f"debian/{job}" for job in jobs))
    assert len(stage.runs()) == sum(len(jobs) for _, jobs in SUNDAY)
    return [(job.removeprefix("debian/"), at[11:16], line) for job, at, line in sorted(stage.calls())]


def test_debian_without_anacron_or_systemd(stage: Stage) -> None:
    stage.recorder.program(*DEBIAN)
    stage.recorder.program("systemd-notify", then="sys.exit(1)")
    assert _debian_sunday(stage) == [
        ("cron.daily", "06:25", "run-parts --report /etc/cron.daily"),
        ("cron.hourly", "06:17", "run-parts --report /etc/cron.hourly"),
        ("cron.monthly", "06:52", "run-parts --report /etc/cron.monthly"),
        ("cron.weekly", "06:47", "run-parts --report /etc/cron.weekly"),
        ("e2scrub-all", "03:30", "e2scrub_all_cron"),
        ("e2scrub-all", "03:30", "systemd-notify --booted"),
        ("e2scrub-reap", "03:10", "e2scrub_all -A -r"),
        ("e2scrub-reap", "03:10", "systemd-notify --booted"),
        ("mdadm-checkarray", "00:57", "checkarray --cron --all --idle --quiet"),
        ("php-sessionclean", "07:09", "sessionclean"),
        ("php-sessionclean", "07:09", "systemd-notify --booted"),
        ("php-sessionclean", "07:39", "sessionclean"),
        ("php-sessionclean", "07:39", "systemd-notify --booted"),
        ("sysstat-collect", "06:25", "debian-sa1 1 1"),
        ("sysstat-rotate", "23:59", "debian-sa1 60 2"),
    ]
    calls = stage.recorder.calls()
    scrubbed = [call.env for call in calls if call.argv[0].startswith("e2scrub")]
    assert [env["SERVICE_MODE"] for env in scrubbed] == ["1", "1"]
    assert all("SERVICE_MODE" not in call.env for call in calls if call.argv[0] == "run-parts")
    assert {call.cwd for call in calls} == {"/"}
    assert {call.env["JOBBOARD_QUEUE"] for call in calls} == {"root"}
    (path,) = {call.env["PATH"] for call in calls if call.argv[0] == "run-parts"}
    more = "/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/sysstat:/usr/lib/php:/usr/share/mdadm"
    assert path == f"{stage.recorder.path}:{more}"


def test_debian_leaves_to_anacron_what_is_its(stage: Stage) -> None:
    stage.recorder.program(*DEBIAN, "anacron")
    stage.recorder.program("systemd-notify", then="sys.exit(1)")
    calls = _debian_sunday(stage)
    assert [call for call in calls if call[2].startswith("run-parts")] == [
        ("cron.hourly", "06:17", "run-parts --report /etc/cron.hourly")
    ]
    assert [call for call in calls if call[0] == "anacron"] == [
        ("anacron", "07:30", "invoke-rc.d anacron start"),
        ("anacron", "07:30", "systemd-notify --booted"),
    ]


def test_debian_leaves_to_systemd_what_is_its(stage: Stage) -> None:
    stage.recorder.program(*DEBIAN, "anacron", "systemd-notify")
    lines = [line for _, _, line in _debian_sunday(stage)]
    assert lines == [
        "systemd-notify --booted",
        "run-parts --report /etc/cron.hourly",
        *["systemd-notify --booted"] * 2,
        "checkarray --cron --all --idle --quiet",
        *["systemd-notify --booted"] * 2,
        "debian-sa1 1 1",
        "debian-sa1 60 2",
    ]
