"""Finds the command, hands it its arguments, and turns errors into words and an exit code.

Each command is a module of two functions: ``configure(parser)`` adds its arguments, ``execute(args)`` does
it and returns the exit code. Only the module of the command that was asked for is imported, so that
``--help`` and ``lint`` start at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard import __version__, errors
from jobboard.cli.environment import add_environment, project_of

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "run a small board for real, in a temporary store, and leave nothing behind"),
    "init": ("init", "write a first board to edit"),
    "lint": ("lint", "check boards without any store"),
    "fmt": ("fmt", "put boards into their canonical layout"),
    "schema": ("schema", "print the JSON schema of a board, for editors"),
    "explain": ("explain", "show where every value of a job comes from"),
    "graph": ("graph", "draw which jobs run after which"),
    "plan": ("plan", "show what a sync would change, in Redis and in time"),
    "sync": ("sync", "merge the boards into Redis"),
    "watch": ("watch", "sync on every save"),
    "up": ("up", "watch, schedule and work, all in one, until Ctrl-C"),
    "scheduler": ("scheduler", "fire jobs when they are due"),
    "worker": ("worker", "run what has been fired"),
    "next": ("next", "show when jobs run next"),
    "prev": ("prev", "show when jobs were due before"),
    "simulate": ("simulate", "play boards in virtual time: load, waits and what causes them"),
    "test": ("test", "check what is asserted about boards, in virtual time"),
    "run": ("run", "run a job now"),
    "push": ("push", "run something once: a command of no job, or a job with a payload"),
    "put": ("put", "make or change a job that is on no board"),
    "create": ("create", "make a job that is on no board, where there is none"),
    "adopt": ("adopt", "make a job that is on no board one of a board"),
    "rm": ("rm", "remove a job"),
    "undelete": ("undelete", "bring back a job that was removed or destroyed"),
    "depend": ("depend", "change which runs a run waits for"),
    "ls": ("ls", "list jobs"),
    "show": ("show", "show a job, a run or a board"),
    "runs": ("runs", "list runs, newest first"),
    "stats": ("stats", "show how runs have been going: how many ended well, how long they took and waited"),
    "events": ("events", "print what happens, as it happens"),
    "logs": ("logs", "print a run's output"),
    "why": ("why", "say why a job did or did not run"),
    "incidents": ("incidents", "list what should have happened by now: late runs, overdue jobs"),
    "inbox": ("inbox", "list inboxes, and what came there that is no run"),
    "queues": ("queues", "list queues, limit and trim them"),
    "workers": ("workers", "list workers and what they run; have one stop, or forget one that is gone"),
    "locks": ("locks", "show who holds and who waits for each lock; break one"),
    "pause": ("pause", "hold a job, a board, a tag, a queue or everything"),
    "resume": ("resume", "end such a hold"),
    "skip-next": ("skip_next", "pass over the next runs of a job, once"),
    "reset": ("reset", "count the runs of a job that is to run so often anew"),
    "set": ("set", "edit a job live; the next plan shows it as drift"),
    "override": ("override", "lay values over a job for a time; no sync touches them"),
    "history": ("history", "list the syncs, or show one job by job"),
    "drift": ("drift", "show what was edited live since it was last applied; exit 2 if anything was"),
    "diff": ("diff", "compare what the boards said at two revisions"),
    "rollback": ("rollback", "put boards back to what a revision left, and hold them there"),
    "release": ("release", "let a rolled-back board follow its file again"),
    "blame": ("blame", "say where each field of a job comes from"),
    "cancel": ("cancel", "stop a run, or take it out of its queue"),
    "retry": ("retry", "have runs that did not end well run again"),
    "reschedule": ("reschedule", "change when a waiting run runs, in which queue, and before whom"),
    "tag": ("tag", "mark a run with tags, or take some off it"),
    "track": ("track", "keep a run in sight, and what is known of it"),
    "untrack": ("untrack", "let such a run go"),
    "destroy": ("destroy", "remove a run for good: its record and its output"),
    "progress": ("progress", "from inside a job: say how far it is, and that it is alive"),
    "doctor": ("doctor", "check the store, the daemons and this machine"),
    "fsck": ("fsck", "check every invariant of what is stored, and repair"),
    "config": (
        "config",
        "show or change settings: how much of the past is kept, whether events are published",
    ),
    "functions": ("functions", "install functions on the server, for programs in any language"),
    "redis-cli": ("redis_cli", "send a command to the store"),
}

OUTPUTS = ("text", "json")
"""How a command prints its result, unless its module has an ``OUTPUTS`` of its own.

One with ``SEVERAL_OUTPUTS`` gives more than one of them at once; see `cli.outputs`.
"""


_ELSEWHERE = {
    "--json": "-o json",
    "--format": "-o",
    "--yes": "--auto-approve",
    "-y": "--auto-approve",
    "--failed": "--state failed",
    "--running": "--state running",
}
"""Flags of other programs, or other commands, for what a command may call otherwise."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why a file that standard output is written to takes no more. It has no name for who writes."""
_DONE = "make room where standard output goes; what was done before that is done"


class _Unmeasured(argparse.HelpFormatter):
    """What a parser checks each argument with as it is added; how wide the terminal is says `format_help`."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are usage errors of ours: exit code 64, with a suggestion.

    A flag is written out: some lift a guard, and half a word should not.

    Attributes:
        takes_command: Whether words after ``--`` are a command of their own.
    """

    takes_command = False

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Unmeasured, **options)

    def format_help(self) -> str:
        """Its help, as wide as the terminal."""
        from jobboard.cli.help_layout import HelpLayout

        self.formatter_class = HelpLayout
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Report `message` the way every error is reported."""
        from jobboard.cli.complaint import example_of, is_of_missing, of_unknown, plainly, unknown_words

        hint = f"{self.prog} --help lists what there is"
        if is_of_missing(message) and (example := example_of(self.prog, self.description or "")):
            hint = f"as in  {example}\n{self.prog} --help tells the rest"
        if unknown := unknown_words(message):
            raise errors.UsageError(of_unknown(unknown[0]), self._meant(unknown[0]) or hint)
        optional = [str(action.metavar) for action in self._actions if action.nargs == "*"]
        raise errors.UsageError(plainly(message, optional), hint)

    def _meant(self, word: str) -> str | None:
        """What somebody means with a flag that there is not; None where that cannot be told."""
        if not word.startswith("-"):
            return "put the command after --, or give it to --run" if self.takes_command else None
        from difflib import get_close_matches

        word = word.partition("=")[0]
        other = _ELSEWHERE.get(word)
        if other is not None and other.split()[0] in self._option_string_actions:
            return f"did you mean {other}?"
        begun = [
            flag for flag in self._option_string_actions if flag.startswith(word) and len(word) > len("--")
        ]
        near = begun[:2] or get_close_matches(word, self._option_string_actions, n=1, cutoff=0.7)
        return f"did you mean {' or '.join(near)}?" if near else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code of `errors` says how it ended."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = _asks_for_json(words)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except errors.JobboardError as error:
        _report(error, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read us has gone, as `head` does. Nothing more can be said to them.
        _let_go_of_stdout()
        return 141
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        _let_go_of_stdout()
        said = f"cannot print on: {os.strerror(error.errno or 0).lower()}"
        _report(errors.JobboardError(said, _DONE), as_json=False)
        return errors.JobboardError.exit_code
    except KeyboardInterrupt:
        return 130
    return code


def _let_go_of_stdout() -> None:
    """Have what is still to be printed go nowhere: the interpreter would complain of it as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def global_options(outputs: Sequence[str] = OUTPUTS, *, several: bool = False) -> argparse.ArgumentParser:
    """The options every command takes, before or after its name; a few print in more forms than others.

    Args:
        outputs: The forms.
        several: Whether the command gives more than one at once, and into files.
    """
    options = Parser(add_help=False)
    group = options.add_argument_group("every command")
    group.add_argument(
        "--redis", metavar="URL", help="the store: embedded:// (default), redis://, rediss://, unix://"
    )
    group.add_argument("--namespace", metavar="NAME", help="the namespace in it (default: the project's own)")
    if several:
        from jobboard.cli.outputs import Several

        forms = f"{', '.join(outputs[:-1])} or {outputs[-1]}"
        said = (
            f"how to print the result: {forms}; =FILE writes it there, and text is printed; may be repeated"
        )
        group.add_argument("-o", "--output", action=Several, forms=outputs, default="text", help=said)
    else:
        group.add_argument(
            "-o", "--output", choices=list(outputs), default="text", help="how to print the result"
        )
    add_environment(group)
    group.add_argument("--as", dest="actor", metavar="WHO", help="who is doing this (default: user@host)")
    return options


def _dispatch(words: list[str]) -> int:
    head, command, rest = _split(words)
    if command is None:
        return _overview(head)
    if command not in COMMANDS:
        raise errors.UsageError(f"there is no command {command!r}", _suggestion(command))
    module = import_module(f"jobboard.cli.commands.{COMMANDS[command][0]}")
    parser = Parser(
        prog=f"jobboard {command}",
        description=module.__doc__,
        parents=[
            global_options(
                getattr(module, "OUTPUTS", OUTPUTS), several=getattr(module, "SEVERAL_OUTPUTS", False)
            )
        ],
    )
    module.configure(parser)
    # A module with TAKES_COMMAND gets the words after the first -- as they are.
    parser.takes_command = getattr(module, "TAKES_COMMAND", False)
    end = rest.index("--") if parser.takes_command and "--" in rest else len(rest)
    mixed = hasattr(module, "TAKES_COMMAND") or getattr(module, "INTERMIXED", False)
    parse = parser.parse_intermixed_args if mixed else parser.parse_args
    args = parse([*head, *rest[:end]])
    args.command = rest[end + 1 :]
    args.read_project = partial(project_of, args)
    code: int = module.execute(args)
    return code


def _split(words: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Options before the command, the command, and everything after it."""
    takes_value = {"--redis", "--namespace", "-o", "--output", "--as", "--env", "--var"}
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in takes_value else 1
    if index >= len(words):
        return words, None, []
    return words[:index], words[index], words[index + 1 :]


def _overview(head: list[str]) -> int:
    parser = Parser(prog="jobboard", parents=[global_options()], add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="store_true")
    args = parser.parse_args(head)
    if args.version:
        print(f"jobboard {__version__}")
        return 0
    width = max(map(len, COMMANDS)) + 2
    print("Usage: jobboard COMMAND [ARGUMENT ...]\n\nCrontab-as-code that can be trusted.\n")
    print("\n".join(f"  {name:<{width}}{text}" for name, (_, text) in COMMANDS.items()))
    print("\njobboard COMMAND --help tells more. Begin with: jobboard demo · jobboard init")
    if args.help:
        return 0
    raise errors.UsageError("no command given", "jobboard --help lists them")


def _suggestion(command: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(command, COMMANDS, n=1, cutoff=0.7)
    return f"did you mean jobboard {near[0]}?" if near else "jobboard --help lists them"


def _asks_for_json(words: list[str]) -> bool:
    return any(word in ("-ojson", "--output=json") for word in words) or any(
        word in ("-o", "--output") and after == "json" for word, after in pairwise(words)
    )


def _report(error: errors.JobboardError, *, as_json: bool) -> None:
    diagnostics = getattr(error, "diagnostics", ())
    if as_json:
        import json

        said: dict[str, Any] = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        if diagnostics:
            said["diagnostics"] = [d.as_json() for d in diagnostics]
        print(json.dumps({"error": said}, indent=2, ensure_ascii=False))
        return
    if diagnostics:
        from jobboard.cli.faults import print_faults

        print_faults(diagnostics, sys.stderr)
    sys.stderr.write(f"jobboard: {error.message}\n")
    if error.hint:
        sys.stderr.write("".join(f"          {line}\n" for line in error.hint.splitlines()))
