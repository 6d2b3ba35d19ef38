"""A job of a board, run once: resolved, started, watched and judged by what a worker uses for it."""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from jobboard import clock, errors
from jobboard.core.jobs.launch import Unresolvable
from jobboard.core.jobs.model import effective
from jobboard.core.names import address_of
from jobboard.core.runs.retry import judge
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.daemon.agent import child
from jobboard.daemon.worker.attempt import Attempt
from jobboard.runners import call
from jobboard.runners.found import find_runners
from jobboard.runners.invocation import called
from jobboard.settings import project_root
from jobboard.source import files
from jobboard.source.loader import load
from jobboard.source.projectfile import load_project
from jobboard.store.runs.exchange import Reserved
from jobboard.testing.process import Ended, ran
from jobboard.testing.recorder import Recorder, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.runner import Runner

_NO_STORE = "no-store:"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        verdict: ``ok``, ``failed``, ``retry``, ``defer`` or ``drop``: what a worker would tell the store.
        reason: In words; empty for success.
        exit: The exit code; None where a signal ended it or it was never started.
        signal: That signal, like ``SIGTERM``.
        output: All of what it wrote, secrets unmasked.
        reports: How far it said it was, the first first.
        failure: What it said of its failure; empty for nothing.
        group: Which group of failures it counted itself to; empty for none.
    """

    verdict: str
    reason: str
    exit: int | None
    signal: str | None
    output: bytes
    reports: tuple[Report, ...]
    failure: str
    group: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.verdict == "ok"

    @property
    def text(self) -> str:
        """The output as text."""
        return self.output.decode("utf-8", "replace")


def run(
    board: str | Path,
    job: str,
    *,
    nominal: str | datetime | None = None,
    payload: Any = None,
    attempt: int = 1,
    environment: str | None = None,
    variables: Mapping[str, Any] | None = None,
    in_process: bool = False,
) -> Result:
    """Run a job of a board once, whatever its schedule, with nothing stored anywhere.

    Args:
        board: The file; the project file above it counts.
        job: The job's name.
        nominal: The instant the run is for; a text without a zone is UTC. Without one: now.
        payload: What it reads on standard input: a text, or a value that becomes JSON.
        attempt: Which try this is, from 1; what `retries` leaves decides the verdict.
        environment: Of the project, as ``--env``.
        variables: Of the project, as ``--var``.
        in_process: Call the function of a `call` job here, where mocks and debuggers reach it, with the
            environment it would have; its timeout and its limits do not hold then.

    Raises:
        errors.InvalidBoards: Something is wrong with the board or the project.
        errors.UsageError: There is no such job, or one to be called here calls nothing.
        ValueError: The nominal is no instant.
    """
    address, spec, declared = _resolved(Path(board), job, environment, variables or {})
    if payload is not None:
        from jobboard.reconcile.pushing import with_payload

        spec = with_payload(spec, payload if isinstance(payload, str) else json.dumps(payload))
    recorder = Recorder()
    try:
        reserved = _reserved(address, spec, nominal, attempt)
        runners = find_runners([name], declared) if (name := spec["command"].get("runner")) else {}
        return _ran(Attempt(reserved, runners=runners), recorder, in_process=in_process)
    finally:
        recorder.close()


def _resolved(
    path: Path, job: str, environment: str | None, variables: Mapping[str, Any]
) -> tuple[str, Spec, Mapping[str, Runner]]:
    given = [f"{name}={value}" for name, value in variables.items()]
    root = project_root(path.resolve().parent)
    project = load_project(root, environment=environment, assignments=given)
    loaded = load([files.read(path, project=project)])
    # What other files declare is not read, so a parent there is no mistake.
    if not loaded.boards:
        raise errors.InvalidBoards(loaded.diagnostics)
    (board,) = loaded.boards
    if job not in board.jobs:
        raise errors.UsageError(f'there is no job "{job}" on {board.name}', f"it has {', '.join(board.jobs)}")
    return address_of(board.name, job), board.jobs[job], project.runners if project is not None else {}


def _reserved(address: str, spec: Spec, nominal: str | datetime | None, attempt: int) -> Reserved:
    nominal_ms = _instant_ms(nominal)
    return Reserved(
        run_id=f"{address}@{format_instant(nominal_ms)}",
        address=address,
        nominal_ms=nominal_ms,
        attempt=attempt,
        token=attempt,
        spec=spec,
        trigger="manual",
        lost=0,
        defers=0,
        queued_at_ms=nominal_ms,
        due_at_ms=nominal_ms,
        revision=0,
        queue=effective(spec, "queue"),
    )


def _instant_ms(nominal: str | datetime | None) -> int:
    if nominal is None:
        return clock.now_ms()
    if isinstance(nominal, str):
        return parse_instant(nominal, None)
    if nominal.tzinfo is None:
        raise ValueError(f"{nominal} has no zone; add  tzinfo=UTC")
    return round(nominal.timestamp() * 1000)


def _ran(attempt: Attempt, recorder: Recorder, *, in_process: bool) -> Result:
    reserved, spec = attempt.reserved, attempt.reserved.spec
    refused = ""
    try:
        order = attempt.order(secrets.token_hex(4), _NO_STORE, os.environ)
        order["env"]["JOBBOARD_REPORT"] = recorder.address
        ended = _called_here(spec, order["env"]) if in_process else ran(order)
    except Unresolvable as error:
        return Result("failed", str(error), None, None, b"", (), "", "")
    except child.Refusal as refusal:
        ended, refused = Ended(code=refusal.code), refusal.reason
    judged = judge(
        spec,
        attempt=reserved.attempt,
        defers=0,
        exit_code=ended.code,
        signal=ended.signal,
        timed_out=ended.timed_out,
        seed=reserved.run_id,
    )
    failure = recorder.failure
    reason = refused or (f"{judged.reason}: {failure}" if failure else judged.reason)
    return Result(
        judged.verdict,
        reason if judged.reason else "",
        ended.code,
        ended.signal,
        bytes(ended.output),
        recorder.reports,
        failure,
        recorder.group,
    )


def _called_here(spec: Spec, env: Mapping[str, str]) -> Ended:
    """Call a job's function in this process, as the program behind it does in one of its own."""
    if "call" not in spec["command"]:
        raise errors.UsageError(
            "only a job that calls a function runs in this process", "leave in_process out"
        )
    told = called(spec)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with _as_a_run(env, spec.get("cwd"), spec.get("stdin")), redirect_stdout(out), redirect_stderr(out):
        code = call.call(told)
    return Ended(code=code, output=bytearray(out.buffer.getvalue()))


@contextmanager
def _as_a_run(env: Mapping[str, str], cwd: str | None, stdin: str | None) -> Iterator[None]:
    """This process as a run would be: its environment, its directory and its input; then as it was."""
    before = Path.cwd()
    paths = [cwd or str(before), *sys.path]
    with (
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(sys, "path", paths),
        mock.patch.object(sys, "stdin", io.StringIO(stdin or "")),
    ):
        os.chdir(cwd or before)
        try:
            yield
        finally:
            os.chdir(before)
