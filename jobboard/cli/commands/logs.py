"""Print a run's output: the bytes as they were written, to standard output.

jobboard logs backup                  the latest run's
jobboard logs -f backup               and go on until the run is over
jobboard logs backup@2026-11-20 --attempt 1 > first.log
jobboard logs -t backup                 with the time of each line

Whatever is not output, such as where a try begins, goes to standard error.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from jobboard.cli.arguments import positive
from jobboard.cli.records import state_text
from jobboard.core.jobs.log_url import address_of
from jobboard.core.times.instant import format_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from jobboard.core.runs.record import Record
    from jobboard.logfile import Place
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.output import Chunk


_SHORT = {"stdout": "out ", "stderr": "err "}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard logs``."""
    parser.add_argument("run", metavar="RUN|JOB", help="a run, or a job for its latest run")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run is over")
    parser.add_argument(
        "-t", "--timestamps", action="store_true", help="begin each line with when it was written (UTC)"
    )
    parser.add_argument("--attempt", type=positive, metavar="N", help="only this try's")


def execute(args: argparse.Namespace) -> int:
    """Find the run, copy its output."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.runs import output
    from jobboard.store.runs.views import find_run

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        run = find_run(store, args.run)
        elsewhere = address_of(settings.log_url, run) if settings.log_url else None
        if args.output == "json":
            chunks = [c for c in output.read_output(store, run.run_id) if args.attempt in (None, c.attempt)]
            print(json.dumps({**_as_json(run, chunks), "log_url": elsewhere}, indent=2, ensure_ascii=False))
            return 0
        following = args.follow and run.live
        read = output.follow_output if following else output.read_output
        try:
            copied = copy_output(read(store, run.run_id), run, attempt=args.attempt, timed=args.timestamps)
        except KeyboardInterrupt:
            say(f"{run.run_id} goes on; jobboard cancel {run.run_id} stops it")
            return 0
        _last_words(store, run, copied=copied, attempt=args.attempt, followed=following)
        if elsewhere is not None and (run.dropped_bytes or not copied):
            say(f"more may be kept at {elsewhere}")
    return 0


def copy_output(
    chunks: Iterable[Chunk], run: Record, *, attempt: int | None = None, timed: bool = False
) -> bool:
    """Write chunks as they come, what a split job wrote to standard error to that; whether any came.

    Where a try begins, standard error says so, unless the run has only one.
    """
    stamps = Stamps() if timed else None
    present: tuple[int, int] | None = None
    for chunk in chunks:
        if attempt not in (None, chunk.attempt):
            continue
        if (chunk.attempt, chunk.token) != present:
            if present is not None or run.tries or chunk.attempt > 1:
                sys.stdout.flush()
                say(f"── try {chunk.attempt}{_ending(run, chunk.attempt)} ──")
            present = (chunk.attempt, chunk.token)
            if stamps is not None:
                stamps = Stamps()
        if chunk.place is not None:
            sys.stdout.flush()
            say(elsewhere_text(chunk.place))
            continue
        target = (sys.stderr if chunk.stream == "stderr" else sys.stdout).buffer
        target.write(chunk.content if stamps is None else stamps.lines(chunk))
        target.flush()
    return present is not None


class Stamps:
    """Puts the time before each line, and, where a job tells its streams apart, from which it came."""

    def __init__(self) -> None:
        self._inside: set[str] = set()

    def lines(self, chunk: Chunk) -> bytes:
        """A chunk with what goes before each line that begins in it; a line may go on in the next."""
        stamp = f"{time_text(chunk.at_ms)} {_SHORT.get(chunk.stream, '')}".encode()
        # Only a line feed ends a line: a progress bar's carriage returns are within one.
        lines = re.findall(rb"[^\n]*\n|[^\n]+", chunk.content)
        first = b"" if chunk.stream in self._inside else stamp
        if chunk.content.endswith(b"\n"):
            self._inside.discard(chunk.stream)
        else:
            self._inside.add(chunk.stream)
        return first + stamp.join(lines)


def elsewhere_text(place: Place) -> str:
    """Where output is that cannot be read from here."""
    if place.is_here:
        return f"its output was in {place.path}, which is gone"
    return f"its output is in {place.path} on {place.host}; jobboard logs prints it there"


def time_text(at_ms: int) -> str:
    """An instant to the millisecond, always as wide."""
    text = format_instant(at_ms)
    return text if "." in text else f"{text[:-1]}.000Z"


def say(text: str) -> None:
    """One line to standard error."""
    sys.stderr.write(f"{text}\n")


def _ending(run: Record, attempt: int) -> str:
    for one in run.tries:
        if one.attempt == attempt and one.reason:
            return f" ({one.reason})"
    return ""


def _last_words(store: Store, run: Record, *, copied: bool, attempt: int | None, followed: bool) -> None:
    from jobboard.store.runs import past

    ended = (past.read_run(store, run.run_id) if followed else None) or run
    if followed:
        say(f"{ended.run_id} {state_text(ended)}{f': {ended.reason}' if ended.reason else ''}")
    if ended.dropped_bytes:
        say(f"{ended.dropped_bytes} of {ended.output_bytes} bytes of the last try were not kept")
    if copied:
        return
    if attempt is not None:
        say(f"nothing of try {attempt} is kept; the run came to try {ended.attempt}")
    elif ended.output_bytes > ended.dropped_bytes:
        say(f"the output of {ended.run_id} is not kept any more")
    elif ended.live and ended.state != "running":
        say(f"{ended.run_id} is {ended.state} and has written nothing; jobboard why {ended.run_id}")
    else:
        say(f"{ended.run_id} {'has written nothing yet' if ended.live else 'wrote nothing'}")


def _as_json(run: Record, chunks: Sequence[Chunk]) -> dict[str, Any]:
    attempts: dict[tuple[int, int], bytes] = {}
    for chunk in (chunk for chunk in chunks if chunk.place is None):
        place = (chunk.attempt, chunk.token)
        attempts[place] = attempts.get(place, b"") + chunk.content
    return {
        "run": run.run_id,
        "state": run.state,
        "attempts": [
            {"attempt": attempt, "output": content.decode("utf-8", "replace")}
            for (attempt, _), content in attempts.items()
        ],
        "chunks": [
            {
                "attempt": chunk.attempt,
                "at": time_text(chunk.at_ms),
                "stream": chunk.stream or None,
                "output": chunk.content.decode("utf-8", "replace"),
            }
            for chunk in chunks
            if chunk.place is None
        ],
        "elsewhere": [
            {"attempt": chunk.attempt, "host": chunk.place.host, "path": str(chunk.place.path)}
            for chunk in chunks
            if chunk.place is not None
        ],
        "dropped_bytes": run.dropped_bytes,
        "expired": not chunks and run.output_bytes > run.dropped_bytes,
    }
