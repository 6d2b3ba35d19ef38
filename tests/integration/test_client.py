"""The Python client: what the command line does with runs and with jobs of no board, for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from kit import readme, work

import jobboard
from jobboard import Client, errors
from jobboard.reconcile.live import read_job
from jobboard.store.calls.wire import unpack
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobboard.store.calls.connect import Store

SLOW = "sleep 60"


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    """A client of the test's namespace; the namespace holds together when the test is over."""
    with Client(store.url, store.namespace, actor="ana") as opened:
        yield opened
    assert fsck.check(store) == []


def test_the_name_is_the_packages_own() -> None:
    assert jobboard.Client is Client
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        jobboard.__getattr__("Klient")


def test_its_types_are_there_for_those_who_check_theirs() -> None:
    assert files("jobboard").joinpath("py.typed").is_file()


def test_the_command_line_does_not_load_it() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import jobboard.cli.main, sys; print('redis' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"


def test_a_command_is_pushed_and_waited_for(client: Client, store: Store, tmp_path: Path) -> None:
    with work.working(store, tmp_path):
        made = client.push("common", run="cat; exit 3", payload={"to": "ana"}, id="one")
        ended = client.wait(made.run_id, timeout="30s")
    assert (ended.state, ended.exit_code, made.outcome) == ("failed", 3, "pushed")
    assert json.loads(client.output(made.run_id)) == {"to": "ana"}
    # Over already: nothing to sleep for.
    assert client.wait(made.run_id).state == "failed"


def test_the_example_of_the_readme_does_as_it_says(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, code, _ = readme.part("client").split("```")
    code = code.removeprefix("python").replace("redis://queue.example/0", store.url)
    script = tmp_path / "thumbnail.sh"
    script.write_text("#!/bin/sh\ngrep -q 4711\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with work.working(store, tmp_path, queues=("images",)):
        exec(code.replace('namespace="shop"', f'namespace="{store.namespace}"'))
    assert capsys.readouterr().out == "ok\n"
    assert read_job(store, "loose/poll").spec["timeout"] == 60_000


def test_a_second_push_of_an_id_leaves_the_first_alone(client: Client) -> None:
    first = client.push("common", exec=["true"], id="one")
    second = client.push("common", exec=["false"], id="one")
    assert (second.run_id, second.outcome) == (first.run_id, "already")
    third = client.push("common", exec=["false"], id="one", replace=True)
    assert third.outcome == "replaced"


def test_spans_and_instants_are_taken_in_both_forms(client: Client) -> None:
    due = datetime(2100, 1, 1, 12, tzinfo=UTC)
    for when in (due, "2100-01-01T12:00:00Z"):
        assert (
            client.run(client.push("common", run="true", at=when).run_id).due_at_ms == due.timestamp() * 1000
        )
    for span in (timedelta(hours=1), "1h"):
        assert client.run(client.push("common", run="true", delay=span).run_id).state == "delayed"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "a push needs a queue or a job"),
        ({"queue": "common", "job": "ops/a"}, "a push needs a queue or a job"),
        ({"queue": "common"}, "there is nothing to run"),
        ({"queue": "common", "run": "true", "timeout": "5 minutes"}, "duration"),
        ({"queue": "common", "run": "true", "retires": 3}, "retires"),
        ({"queue": "common", "run": "true", "delay": "soon"}, "soon"),
        ({"queue": "common", "run": "true", "at": datetime(2100, 1, 1)}, "names no zone"),  # noqa: DTZ001 - the fault
        ({"job": "nobody/home"}, "there is no job"),
    ],
)
def test_what_no_board_could_hold_is_refused(client: Client, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.UsageError, match=said):
        client.push(**keys)


def test_a_run_waits_for_others(client: Client) -> None:
    first = client.push("common", run="true")
    second = client.push("common", run="true", after=[first.run_id])
    assert client.run(second.run_id).state == "blocked"
    assert client.depend(second.run_id, remove=[first.run_id]) == "queued"


def test_a_wait_ends_when_its_time_is_up(client: Client) -> None:
    made = client.push("unserved", run="true")
    with pytest.raises(TimeoutError, match="is still queued"):
        client.wait(made.run_id, timeout=timedelta(milliseconds=50))


def test_output_is_followed_until_the_run_is_over(client: Client, store: Store, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with work.working(store, tmp_path):
        made = client.push("common", run=f"echo up; until test -e {gate}; do sleep 0.05; done; echo down")
        chunks = client.follow(made.run_id)
        assert next(chunks).content == b"up\n"
        gate.touch()
        assert b"".join(chunk.content for chunk in chunks) == b"down\n"
    assert not client.run(made.run_id).live


def test_many_threads_share_a_client(client: Client, store: Store, tmp_path: Path) -> None:
    def one(number: int) -> tuple[str, bytes]:
        made = client.push("common", run=f"echo {number}", id=str(number))
        state = client.wait(made.run_id, timeout="60s").state
        return state, client.output(made.run_id)

    with work.working(store, tmp_path), ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(24))) == [("ok", f"{n}\n".encode()) for n in range(24)]


def test_a_job_of_no_board_is_made_started_and_removed(client: Client, store: Store, tmp_path: Path) -> None:
    assert client.put("poll", run="echo hello", every="1h").outcome == "created"
    assert client.put("poll", run="echo hello", every="2h").outcome == "changed"
    with pytest.raises(errors.Refused, match="there is a job loose/poll already"):
        client.create("poll", run="true")
    with work.working(store, tmp_path):
        started = client.start("poll", reason="to see it")
        run_id = started.run_id
        assert started.outcome == "started"
        assert client.wait(run_id, timeout="30s").state == "ok"
    assert [run.run_id for run in client.runs("poll")] == [run_id]
    client.remove("poll", reason="seen")
    with pytest.raises(errors.UsageError, match="poll"):
        client.start("poll")
    audit: Any = store.client.xrange(store.key("audit"))
    (by,) = [unpack(fields[b"by"]) for _, fields in audit if fields[b"what"] == b"rm"]
    assert (by["actor"], by["via"], by["reason"]) == ("ana", "api", "seen")


def test_any_key_of_a_board_is_taken(client: Client, store: Store) -> None:
    limits: dict[str, Any] = {"timeout": "1m", "retries": {"max": 2, "delay": "5s"}, "locks": ["2:db"]}
    run = client.run(client.push("common", run="true", priority=7, expires="1h", **limits).run_id)
    assert run.locks == {"db": 2}
    assert store.client.zscore(store.key("expiry"), run.run_id) == (run.queued_at_ms or 0) + 3_600_000
    client.put("a", run="true", cron="0 2 * * 1-5", catchup="all", allow_failure=True, **limits)
    client.put("b", run="true", every="5m", start="2026-01-01", stop="2027-01-01", runs=9)
    client.put(
        "c", run="true", every="5m", start="2026-01-01", decay={"factor": 2, "step": "1d", "max": "1h"}
    )
    specs = {name: read_job(store, f"loose/{name}").spec for name in "abc"}
    assert specs["a"]["schedule"] == {"cron": "0 2 * * 1-5"}
    assert (specs["a"]["catchup"], specs["a"]["allow_failure"]) == ("all", True)
    assert (specs["a"]["retries"], specs["a"]["locks"]) == ({"max": 2, "delay": 5000}, {"db": 2})
    assert specs["b"]["schedule"].keys() == {"every", "start", "stop", "runs"}
    assert "decay" in specs["c"]["schedule"]


def test_a_running_run_is_called_off(client: Client, store: Store, tmp_path: Path) -> None:
    with work.working(store, tmp_path):
        made = client.push("common", run=SLOW)
        work.reserved(store, made.run_id)
        assert client.cancel(made.run_id)
        assert client.wait(made.run_id, timeout="30s").state == "cancelled"
    assert not client.cancel(made.run_id)


def test_a_hold_is_put_and_ended(client: Client, store: Store) -> None:
    client.put("poll", run="true", every="1h")
    assert client.pause("poll", reason="vendor outage", for_="2h") == "job:loose/poll"
    with pytest.raises(errors.Refused, match="vendor outage"):
        client.start("poll")
    assert client.resume("loose/poll", reason="they are back") == 1
    assert client.start("poll").run_id
    (by,) = [unpack(fields[b"by"]) for fields in audited(store) if fields[b"what"] == b"resume"]
    assert by["reason"] == "they are back"


def audited(store: Store) -> list[dict[bytes, bytes]]:
    entries: Any = store.client.xrange(store.key("audit"))
    return [fields for _, fields in entries]


@pytest.mark.parametrize(
    ("named", "scope"),
    [
        ({"what": "loose"}, "board:loose"),
        ({"what": "loose/"}, "board:loose"),
        ({"tag": "db"}, "tag:db"),
        ({"queue": "slow"}, "queue:slow"),
        ({"all": True}, "all"),
    ],
)
def test_a_hold_is_on_more_than_a_job(client: Client, named: dict[str, Any], scope: str) -> None:
    client.put("poll", run="true", every="1h")
    assert client.pause(**named, until=datetime(2100, 1, 1, tzinfo=UTC)) == scope
    assert list(client.holds()) == [scope]
    assert client.resume(**named) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "name one"),
        ({"what": "loose", "all": True}, "name one"),
        ({"tag": "a b"}, "cannot be a tag"),
        ({"queue": "a b"}, "cannot be a queue"),
        ({"all": True, "until": "monday"}, "monday"),
        ({"all": True, "until": "2001-01-01"}, "is not ahead"),
        ({"all": True, "until": "2100-01-01", "for_": "2h"}, "both say when it ends"),
    ],
)
def test_a_hold_that_makes_no_sense_is_refused(client: Client, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.UsageError, match=said):
        client.pause(**asked)
    assert client.holds() == {}


def test_events_come_as_they_happen(client: Client, store: Store) -> None:
    watched = client.events("0-0")
    made = client.push("common", run="true")
    first = next(watched)
    assert (first["event"], first["job"], first["run"]) == ("queued", "push/common", made.run_id)
    assert datetime.fromisoformat(first["at"]).tzinfo == UTC
    client.tag(made.run_id, "acme", "slow")
    assert next(watched)["tags"] == ["acme", "slow"]
    client.cancel(made.run_id)
    assert next(watched)["event"] == "finished"
    # From an event's id on, as after a restart.
    assert next(client.events(first["id"]))["event"] == "tagged"


def test_the_environment_says_which_store(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "jobboard.yaml").write_text(
        f"environments:\n  test:\n    redis: {store.url}\n    namespace: {store.namespace}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JOBBOARD_REDIS_URL", raising=False)
    monkeypatch.delenv("JOBBOARD_NAMESPACE", raising=False)
    with Client(environment="test") as by_name:
        made = by_name.push("common", run="true")
    monkeypatch.setenv("JOBBOARD_REDIS_URL", store.url)
    monkeypatch.setenv("JOBBOARD_NAMESPACE", store.namespace)
    with Client() as by_variables:
        assert by_variables.run(made.run_id).state == "queued"
    with pytest.raises(errors.UsageError, match="nowhere"):
        Client(environment="nowhere")


def test_runs_are_narrowed(client: Client) -> None:
    first = client.push("slow", run="true", tags=["acme"], id="1")
    second = client.push("slow", run="true", id="2")
    other = client.push("common", run="true", tags=["acme"], id="3")
    client.cancel(second.run_id)

    def found(**narrow: Any) -> set[str]:
        return {run.run_id for run in client.runs(**narrow)}

    assert found() == {first.run_id, second.run_id, other.run_id}
    assert found(queue="slow") == {first.run_id, second.run_id}
    assert found(queue="slow", state="queued") == {first.run_id}
    assert found(tag="acme", board="push") == {first.run_id, other.run_id}
    assert found(since=timedelta(hours=1), state=["cancelled"]) == {second.run_id}
    assert found(until="1h") == set()
    assert found(until=datetime(2999, 1, 1, 0, 0, 0, 999_999, UTC), limit=1) <= found()
    with pytest.raises(errors.UsageError):
        client.runs(since="soon")
