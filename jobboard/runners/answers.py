"""The program around a runner that answers in lines: start it, pass its output on, and heed its answers.

The command is in the arguments; the run is on standard input, which is the command's. A line that is a JSON
object with an ``ack`` is an answer, every other is output::

    {"ack": "progress", "percent": 40, "text": "copying"}
    {"ack": "success"}
    {"ack": "failure", "message": "the disk is full", "group": "disk", "exit": 3}

The last success or failure counts, whatever the exit code; without one, the exit code does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jobboard.report import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_LINE_BYTES = 1 << 16
NOT_FOUND, NOT_RUNNABLE = 127, 126


def main(argv: Sequence[str]) -> int:
    """Run the command; the exit code that its answers and its end come to."""
    try:
        child = subprocess.Popen(argv, stdout=subprocess.PIPE)
    except OSError as error:
        progress(failure=f"{argv[0]}: {(error.strerror or str(error)).lower()}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE
    said = child.stdout
    assert said is not None
    verdict: int | None = None
    out = sys.stdout.buffer
    while line := said.readline(_LONGEST_LINE_BYTES):
        answer = _answer(line)
        if answer is None:
            out.write(line)
            out.flush()
        elif answer["ack"] == "progress":
            progress(answer.get("percent"), answer.get("text"))
        else:
            verdict = _heeded(answer)
    return _ended(child.wait(), verdict)


def _answer(line: bytes) -> dict[str, Any] | None:
    """The answer in a line; None for one that is output."""
    if not line.startswith(b"{"):
        return None
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if _is_answer(answer) else None


def _is_answer(answer: dict[str, Any]) -> bool:
    code, percent = answer.get("exit", 1), answer.get("percent", 0)
    texts = (answer.get(name, "") for name in ("message", "group", "text"))
    return (
        answer.get("ack") in ("success", "failure", "progress")
        and all(isinstance(text, str) for text in texts)
        and type(code) is int
        and 1 <= code <= 255
        and type(percent) is int
        and 0 <= percent <= 100
    )


def _heeded(answer: dict[str, Any]) -> int:
    if answer["ack"] == "success":
        return 0
    progress(failure=answer.get("message"), group=answer.get("group"))
    code: int = answer.get("exit", 1)
    return code


def _ended(status: int, verdict: int | None) -> int:
    if verdict is not None:
        return verdict
    if status < 0:
        # As the runner ended, so does this.
        with suppress(OSError):  # KILL and STOP have nothing to be set
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status
