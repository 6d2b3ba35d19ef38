"""The program behind `call` jobs: call the function told on standard input, and exit as it ended.

What it returns is judged as a program's `main` is: a number is the exit code and a text says why it failed;
beside that False is a failure, and anything else is success. An exception fails the run with what it says,
counted by its type. The interpreter is the worker's, started anew or forked from one that has it loaded.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import traceback
from typing import TYPE_CHECKING, Any

from jobboard import hooks
from jobboard.job import Failed, current
from jobboard.report import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOT_FOUND = 127
NOT_CALLABLE = 126


def main(_: Sequence[str]) -> int:
    """Call the function; the exit code."""
    told = json.load(sys.stdin)
    sys.stdin = io.StringIO(told["stdin"] or "")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    look_here_first()
    return call(told)


def look_here_first() -> None:
    """Have modules looked for as `python -m` has it: in the job's directory first."""
    if sys.path[0] != "":
        sys.path.insert(0, "")


def call(told: Mapping[str, Any]) -> int:
    """Call a function in this process, hooks around it, and report why it failed if it did.

    Args:
        told: ``call``, ``args`` and ``with``.

    Returns:
        The exit code.
    """
    try:
        function = _function(told["call"])
        return _judged(_result(function, told))
    except Failed as failed:
        return _fail(failed.message, failed.group, failed.exit_code)
    except SystemExit as stopped:
        return _judged(stopped.code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the job's
        traceback.print_exc()
        kind = type(error).__name__
        return _fail(f"{kind}: {error}" if str(error) else kind, kind, 1)


def _function(name: str) -> Callable[..., Any]:
    """The function of a name like ``package.module:function``.

    Raises:
        Failed: It is not there, or is none. An error in its module is that error.
    """
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        message = f"there is no module {error.name} where the worker runs"
        raise Failed(message, group="call", exit_code=NOT_FOUND) from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            message = f"{module_name} has no {path}"
            raise Failed(message, group="call", exit_code=NOT_FOUND) from error
    if not callable(found):
        raise Failed(f"{name} is no function", group="call", exit_code=NOT_CALLABLE)
    function: Callable[..., Any] = found
    return function


def _result(function: Callable[..., Any], told: Mapping[str, Any]) -> Any:
    result: Any = None
    with hooks.applied(current()):
        result = function(*told["args"], **told["with"])
        if hasattr(result, "__await__"):
            result = _awaited(result)
    return result


def _awaited(result: Any) -> Any:
    import asyncio

    async def whole() -> Any:
        return await result

    return asyncio.run(whole())


def _judged(result: Any) -> int:
    if isinstance(result, str):
        return _fail(result, "", 1)
    if isinstance(result, bool) or not isinstance(result, int):
        return 1 if result is False else 0
    if 0 <= result <= 255:
        return result
    return _fail(f"it returned {result}, which is no exit code (0 to 255)", "call", 1)


def _fail(message: str, group: str, exit_code: int) -> int:
    progress(failure=message, group=group or None)
    sys.stderr.write(f"{message}\n")
    return exit_code
