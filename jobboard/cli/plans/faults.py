"""What stands where a plan should, when there can be none: no file may go on holding an older one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.outputs import outputs_of, write_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from jobboard.cli.screen import Screen
    from jobboard.core.diagnostic import Diagnostic


class Told:
    """What was told so far.

    Attributes:
        shown: Whether the plan stands in every form but JSON, which tells what came of it.
    """

    shown = False


@contextmanager
def faults_told(args: argparse.Namespace, namespace: str, *, writes: bool = False) -> Iterator[Told]:
    """Have errors said in every form that goes into a file, those of boards on GitHub too, before they go on.

    Args:
        args: Say which forms.
        namespace: What the plan is for.
        writes: Whether something would have been written, so that it is said that nothing was.
    """
    told = Told()
    try:
        yield told
    except errors.JobboardError as error:
        if isinstance(error, errors.InvalidBoards) and writes:
            error.left_unwritten()
        _tell(args, error, namespace, told)
        raise


@contextmanager
def nothing_written() -> Iterator[None]:
    """Have errors of boards say that nothing was written: for commands that would have."""
    try:
        yield
    except errors.InvalidBoards as error:
        error.left_unwritten()
        raise


def _tell(args: argparse.Namespace, error: errors.JobboardError, namespace: str, told: Told) -> None:
    faulty = isinstance(error, errors.InvalidBoards)
    outputs = [one for one in outputs_of(args) if one.path is not None or (faulty and one.form == "github")]
    left = [one for one in outputs if one.form == "json" or not told.shown]
    write_all(left, lambda form, screen: _write(form, screen, error, namespace))


def _write(form: str, screen: Screen, error: errors.JobboardError, namespace: str) -> None:
    if form == "json":
        import json

        screen.line(json.dumps({"error": _as_json(error)}, indent=2, ensure_ascii=False))
    elif form == "markdown":
        screen.stream.write(_markdown(error, namespace))
    elif form == "github":
        from jobboard.cli.github import add_summary, annotation

        for diagnostic in _diagnostics(error):
            screen.line(annotation(diagnostic))
        add_summary(_markdown(error, namespace))
    else:
        lead = "# " if form == "diff" else ""
        for line in _lines(error):
            screen.line(f"{lead}{line}")


def _diagnostics(error: errors.JobboardError) -> tuple[Diagnostic, ...]:
    return error.diagnostics if isinstance(error, errors.InvalidBoards) else ()


def _lines(error: errors.JobboardError) -> list[str]:
    """The error in full; of boards, with the number of faults at the end."""
    from jobboard.core.diagnostic import render, visible

    if diagnostics := _diagnostics(error):
        return render(diagnostics).splitlines()
    said = (error.message, *(error.hint or "").splitlines())
    return [visible(line) for line in said if line]


def _as_json(error: errors.JobboardError) -> dict[str, Any]:
    said = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    diagnostics = [diagnostic.as_json() for diagnostic in _diagnostics(error)]
    return {**said, "diagnostics": diagnostics} if diagnostics else said


def _markdown(error: errors.JobboardError, namespace: str) -> str:
    from jobboard.cli.markdown import LIMIT, fenced, shortened
    from jobboard.cli.plans.markdown import marker
    from jobboard.core.diagnostic import tally

    diagnostics = _diagnostics(error)
    lines = _lines(error)[:-1] if diagnostics else _lines(error)
    what = f": {tally(diagnostics)}" if diagnostics else ""
    return f"{marker(namespace)}\n### No plan{what}\n\n{fenced(shortened(lines, LIMIT - 1_000))}"
