"""Send a command to the configured store and print its reply, as redis-cli would.

jobboard redis-cli zrange 'jb:{default}:sched' 0 -1 withscores
jobboard redis-cli < commands.txt        (one a line)

Keys of the namespace begin with jb:{NAMESPACE}: and quotes keep the shell off the braces.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Commands whose replies never end.
_ENDLESS = {"MONITOR", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "SYNC", "PSYNC"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard redis-cli``."""
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="COMMAND ...",
        help="the command and all its arguments; without one, commands are read from standard input",
    )


def execute(args: argparse.Namespace) -> int:
    """Send, print; 1 when the server answered any command with an error."""
    from jobboard.store.calls.connect import open_store
    from jobboard.store.calls.raw import ErrorReply, raw

    settings = Settings.from_args(args)
    failed = False
    with open_store(settings) as store:
        for words in [args.words] if args.words else _typed(settings.namespace):
            _ensure_it_ends(words)
            reply = raw(store, words)
            failed |= isinstance(reply, ErrorReply)
            print(_as_json(reply) if args.output == "json" else _shown(reply, pretty=sys.stdout.isatty()))
    return int(failed)


def _typed(namespace: str) -> Iterator[list[str]]:
    """The commands on standard input; a person is prompted for them."""
    prompting = sys.stdin.isatty()
    while True:
        if prompting:
            print(f"{namespace}> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if words := _split(line):
            yield words


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise errors.UsageError(f"{error} in: {line.strip()}", "Close what was opened") from error


def _ensure_it_ends(words: Sequence[str]) -> None:
    if words[0].upper() in _ENDLESS:
        raise errors.UsageError(
            f"the replies of {words[0].upper()} never end", "Use the server's own redis-cli for it"
        )


def _shown(reply: Any, *, pretty: bool) -> str:
    """The reply in words: numbered and quoted for a person, bare lines for a pipe."""
    return _pretty(reply) if pretty else "\n".join(_bare(reply))


def _bare(reply: Any) -> Iterator[str]:
    if isinstance(reply, dict):
        reply = [part for pair in reply.items() for part in pair]
    if isinstance(reply, list | set | tuple):
        for part in reply:
            yield from _bare(part)
    elif isinstance(reply, bytes):
        yield reply.decode(errors="backslashreplace")
    elif isinstance(reply, float):
        yield f"{reply:.17g}"
    else:
        yield "" if reply is None else str(int(reply) if isinstance(reply, bool) else reply)


def _pretty(reply: Any, indent: str = "") -> str:
    if isinstance(reply, dict):
        pairs = reply.items()
        lines = [f"{n}# {_pretty(k)} => {_pretty(v, indent + '   ')}" for n, (k, v) in enumerate(pairs, 1)]
    elif isinstance(reply, list | set | tuple):
        lines = [f"{n}) {_pretty(part, indent + '   ')}" for n, part in enumerate(reply, 1)]
    else:
        return _pretty_scalar(reply)
    return f"\n{indent}".join(lines) or "(empty)"


def _pretty_scalar(reply: Any) -> str:
    if reply is None:
        return "(nil)"
    if isinstance(reply, bytes):
        return _quoted(reply)
    if isinstance(reply, bool):
        return f"({str(reply).lower()})"
    if isinstance(reply, float):
        return f"(double) {reply:.17g}"
    return f"(integer) {reply}" if isinstance(reply, int) else str(reply)


def _quoted(reply: bytes) -> str:
    r"""In double quotes, what is not printable as \xNN; the status that comes most often, without."""
    if reply == b"OK":
        return "OK"
    kept = (chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in reply)
    return f'"{"".join(kept)}"'


def _as_json(reply: Any) -> str:
    return json.dumps(_jsonable(reply), ensure_ascii=False)


def _jsonable(reply: Any) -> Any:
    from jobboard.store.calls.raw import ErrorReply

    if isinstance(reply, ErrorReply):
        return {"error": reply.text}
    if isinstance(reply, dict):
        return {str(_jsonable(name)): _jsonable(value) for name, value in reply.items()}
    if isinstance(reply, list | set | tuple):
        return [_jsonable(part) for part in reply]
    return reply.decode(errors="backslashreplace") if isinstance(reply, bytes) else reply
