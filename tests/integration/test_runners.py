"""Jobs that are no plain commands: requests, and functions of Python."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from kit.events import wait_for_event
from kit.web import Web, serving_web
from kit.work import board, finished, output, start, until, working

from jobboard.core.jobs.resolve import resolve_job
from jobboard.runners.http import MOST_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store


@pytest.fixture
def web() -> Iterator[Web]:
    with serving_web() as running:
        yield running


def spec_of(**keys: Any) -> Spec:
    spec, faults = resolve_job(keys, board="ops", name="job")
    assert faults == []
    return spec


def ran(store: Store, home: Path, **keys: Any) -> tuple[dict[str, Any], bytes]:
    board(store, {"job": spec_of(**keys)})
    with working(store, home):
        run_id = start(store, "job")
        return finished(store, run_id), output(store, run_id)


def verdict(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["state"], record.get("exit"), record["reason"]


# ---- requests


def test_the_body_of_the_answer_is_the_output(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/health"] = 200, {}, b"all is well\n"
    record, said = ran(store, tmp_path, http=f"{web.url}/health")
    assert (record["state"], said) == ("ok", b"all is well\n")
    assert web.asked[0].headers["Jobboard-Run"] == record["id"]


@pytest.mark.parametrize(("status", "code"), [(404, 4), (503, 5), (302, 3)])
def test_a_status_that_was_not_expected_fails(
    store: Store, tmp_path: Path, web: Web, status: int, code: int
) -> None:
    web.answers["/x"] = status, {"Location": "/y"}, b"no\n"
    record, said = ran(store, tmp_path, http=f"{web.url}/x")
    assert record["state"] == "failed"
    assert record["exit"] == code
    assert record["reason"].startswith(f"exit {code}: GET {web.url}/x: {status} ")
    assert record["group"] == f"http {status}"
    assert said.startswith(b"no\n")


def test_what_is_success_is_the_jobs_to_say(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/gone"] = 410, {}, b""
    assert ran(store, tmp_path, http={"url": f"{web.url}/gone", "expect": [404, "410"]})[0]["state"] == "ok"


def test_a_server_error_is_retried_where_a_refusal_is_not(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/x"] = 503, {}, b""
    retries = {"max": 2, "delay": "0s", "on": [5, 69]}
    assert ran(store, tmp_path, http=f"{web.url}/x", retries=retries)[0]["attempt"] == 3
    assert len(web.asked) == 3


def test_a_map_is_sent_as_json_and_secrets_are_masked(
    store: Store, tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "tr0ub4dor")
    web.answers["/hook"] = 201, {}, b"hello tr0ub4dor\n"
    headers = {"Authorization": "Bearer ${env:HOOK_TOKEN}"}
    body = {"token": "${env:HOOK_TOKEN}", "n": 1}
    request = {"url": f"{web.url}/hook", "method": "post", "headers": headers, "body": body}
    record, said = ran(store, tmp_path, http=request)
    assert record["state"] == "ok", record
    assert b"tr0ub4dor" not in said
    (asked,) = web.asked
    assert (asked.method, asked.headers["Authorization"]) == ("POST", "Bearer tr0ub4dor")
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {"token": "tr0ub4dor", "n": 1}


def test_a_secret_url_is_not_in_the_reason(
    store: Store, tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", f"{web.url}/s3cret")
    record, said = ran(store, tmp_path, http="${env:HOOK_URL}")
    assert record["reason"] == "exit 4: GET ${env:HOOK_URL}: 404 Not Found"
    assert b"s3cret" not in said


def test_a_missing_secret_fails_before_anything_is_sent(store: Store, tmp_path: Path, web: Web) -> None:
    request = {"url": web.url, "headers": {"X-Key": "${env:NOT_SET_ANYWHERE}"}}
    record, _ = ran(store, tmp_path, http=request)
    assert verdict(record) == ("failed", None, "${env:NOT_SET_ANYWHERE} is not set where the worker runs")
    assert web.asked == []


def test_the_payload_of_a_run_is_the_body(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/x"] = 200, {}, b""
    ran(store, tmp_path, http={"url": f"{web.url}/x", "method": "PUT"}, stdin="payload")
    assert web.asked[0].body == b"payload"


def test_redirects_are_followed_where_the_job_says_so(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/a"] = 303, {"Location": "/b"}, b""
    web.answers["/b"] = 200, {}, b"there\n"
    request = {"url": f"{web.url}/a", "method": "POST", "body": "x", "follow": True}
    assert ran(store, tmp_path, http=request)[1] == b"there\n"
    assert [(asked.method, asked.body) for asked in web.asked] == [("POST", b"x"), ("GET", b"")]


def test_a_circle_of_redirects_ends(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/a"] = 302, {"Location": "/a"}, b""
    record, _ = ran(store, tmp_path, http={"url": f"{web.url}/a", "follow": True})
    assert verdict(record)[:2] == ("failed", 69)
    assert record["reason"].endswith("no answer: over 10 redirects")


def test_no_secret_goes_to_another_host(
    store: Store, tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "tr0ub4dor")
    with serving_web() as other:
        web.answers["/a"] = 307, {"Location": f"{other.url}/b"}, b""
        other.answers["/b"] = 200, {}, b""
        headers = {"X-Key": "${env:KEY}", "X-Plain": "yes", "Authorization": "Basic eA=="}
        ran(store, tmp_path, http={"url": f"{web.url}/a", "headers": headers, "follow": True})
        (asked,) = other.asked
    sent = {name.lower() for name in asked.headers}
    assert "x-plain" in sent
    assert not sent & {"x-key", "authorization"}


def test_nobody_there_is_code_69(store: Store, tmp_path: Path, web: Web) -> None:
    with serving_web() as gone:
        url = gone.url
    record, _ = ran(store, tmp_path, http=url)
    assert verdict(record) == ("failed", 69, f"exit 69: GET {url}: no answer: Connection refused")


def test_an_answer_that_breaks_off_is_none(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/x"] = 200, {"Content-Length": "100"}, b"half"
    record, said = ran(store, tmp_path, http=f"{web.url}/x")
    assert (record["exit"], said[:4]) == (69, b"half")
    assert record["reason"].endswith("no answer: it broke off, 96 bytes before its end")


def test_a_huge_body_is_bounded(store: Store, tmp_path: Path, web: Web) -> None:
    web.answers["/x"] = 200, {}, b"x" * (MOST_BODY_BYTES + 10)
    record, said = ran(store, tmp_path, http=f"{web.url}/x")
    assert record["state"] == "ok"
    assert said.endswith(b"[the rest is left out: over 1 MiB]\n")


def test_a_server_that_says_nothing_meets_the_timeout(store: Store, tmp_path: Path, web: Web) -> None:
    web.silent.add("/x")
    record, _ = ran(store, tmp_path, http=f"{web.url}/x", timeout="500ms", kill_after="5s")
    assert verdict(record) == ("failed", None, "timeout after 500ms")


# ---- functions

MODULE = """
import json, os, sys
from pathlib import Path
from jobboard.job import Failed, current, progress

def build(region, *more, full=False):
    print(region, more, full, os.getcwd())

def told():
    run = current()
    print(json.dumps([run.address, run.attempt, run.nominal.isoformat(), sys.stdin.read()]))

def fails(): raise Failed("the disk is full", group="disk", exit_code=3)
def breaks(): return {}["x"]
def code(): return 7
def text(): return "not today"
def no(): return False
def many(): return 4711
def stops(): sys.exit("stopped")
async def later(): return 5
def slow():
    print("begun")
    progress(40, "copying")
    import signal
    signal.pause()

thing = 5
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "daily.py").write_text(MODULE)
    return tmp_path


def test_a_function_gets_its_arguments(store: Store, module: Path) -> None:
    keys = {"args": ["eu", 2], "with": {"full": True}, "cwd": str(module)}
    record, said = ran(store, module, call="daily:build", **keys)
    assert record["state"] == "ok"
    assert said.decode() == f"eu (2,) True {module}\n"


def test_a_function_knows_its_run(store: Store, module: Path) -> None:
    record, said = ran(store, module, call="daily:told", stdin="hello", cwd=str(module))
    address, attempt, nominal, read = json.loads(said)
    assert (address, attempt, read) == ("ops/job", 1, "hello")
    assert nominal.startswith(record["id"].partition("@")[2][:19])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("fails", (3, "the disk is full", "disk")),
        ("breaks", (1, "KeyError: 'x'", "KeyError")),
        ("code", (7, "", None)),
        ("text", (1, "not today", None)),
        ("no", (1, "", None)),
        ("many", (1, "it returned 4711, which is no exit code (0 to 255)", "call")),
        ("stops", (1, "stopped", None)),
        ("later", (5, "", None)),
        ("none", (127, "daily has no none", "call")),
        ("thing", (126, "daily:thing is no function", "call")),
    ],
)
def test_how_a_function_ends_is_how_its_run_does(
    store: Store, module: Path, function: str, said: tuple[int, str, str | None]
) -> None:
    code, reason, group = said
    record, _ = ran(store, module, call=f"daily:{function}", cwd=str(module))
    assert verdict(record) == ("failed", code, f"exit {code}: {reason}" if reason else f"exit {code}")
    assert record.get("group") == group


def test_a_module_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    record, _ = ran(store, tmp_path, call="no_such.module:run", cwd=str(tmp_path))
    assert record["reason"] == "exit 127: there is no module no_such where the worker runs"


def test_a_module_that_needs_what_is_not_there_fails_as_such(store: Store, tmp_path: Path) -> None:
    (tmp_path / "needy.py").write_text("import no_such_thing\n")
    record, said = ran(store, tmp_path, call="needy:run", cwd=str(tmp_path))
    assert record["reason"] == "exit 1: ModuleNotFoundError: No module named 'no_such_thing'"
    assert b"needy.py" in said


def test_what_a_function_prints_and_reports_is_there_at_once(store: Store, module: Path) -> None:
    board(store, {"job": spec_of(call="daily:slow", cwd=str(module), timeout="20s")})
    with working(store, module):
        run_id = start(store, "job")
        wait_for_event(store, lambda e: e["e"] == "progress" and e.get("run") == run_id)
        until(lambda: output(store, run_id) == b"begun\n")


HOOKS = """
from jobboard import hooks

@hooks.around
def first(run):
    print("in", run.address)
    try:
        yield
    finally:
        print("out")

@hooks.before
def opens(run): print("before")

@hooks.after
def closes(run, error): print("after", error)

def works(): print("works")
def breaks(): raise ValueError("broken")
"""


def test_hooks_are_called_around_a_function(store: Store, tmp_path: Path) -> None:
    (tmp_path / "hooked.py").write_text(HOOKS)
    _, said = ran(store, tmp_path, call="hooked:works", cwd=str(tmp_path))
    assert said.decode().split("\n")[:-1] == ["in ops/job", "before", "works", "after None", "out"]


def test_hooks_see_the_error_of_a_function(store: Store, tmp_path: Path) -> None:
    (tmp_path / "hooked.py").write_text(HOOKS)
    record, said = ran(store, tmp_path, call="hooked:breaks", cwd=str(tmp_path))
    assert record["reason"] == "exit 1: ValueError: broken"
    assert said.startswith(b"in ops/job\nbefore\nafter broken\nout\nTraceback")


def test_what_lies_in_the_directory_stands_in_for_nothing(store: Store, tmp_path: Path, web: Web) -> None:
    for name in ("json", "http", "jobboard"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)\n")
    web.answers["/x"] = 200, {}, b"ok\n"
    assert ran(store, tmp_path, http=f"{web.url}/x", cwd=str(tmp_path))[1] == b"ok\n"


def test_the_interpreter_is_the_workers(store: Store, tmp_path: Path) -> None:
    (tmp_path / "which.py").write_text("import sys\ndef run(): print(sys.executable)\n")
    assert ran(store, tmp_path, call="which:run", cwd=str(tmp_path))[1].decode().strip() == sys.executable
