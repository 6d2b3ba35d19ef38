"""What stands where a plan should, when the boards have errors: no file may go on holding an older plan."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli.outputs import outputs_of, write_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from jobboard.cli.screen import Screen


@contextmanager
def faults_told(args: argparse.Namespace, namespace: str) -> Iterator[None]:
    """Have errors of boards said in every form that goes into a file, and on GitHub, before they go on."""
    try:
        yield
    except errors.InvalidBoards as error:
        _tell(args, error, namespace)
        raise


@contextmanager
def nothing_written() -> Iterator[None]:
    """Have errors of boards say that nothing was written: for commands that would have."""
    try:
        yield
    except errors.InvalidBoards as error:
        error.left_unwritten()
        raise


def _tell(args: argparse.Namespace, error: errors.InvalidBoards, namespace: str) -> None:
    asked = [output for output in outputs_of(args) if output.path is not None or output.form == "github"]
    write_all(asked, lambda form, screen: _write(form, screen, error, namespace))


def _write(form: str, screen: Screen, error: errors.InvalidBoards, namespace: str) -> None:
    from jobboard.core.diagnostic import render

    if form == "json":
        import json

        screen.line(json.dumps({"error": _as_json(error)}, indent=2, ensure_ascii=False))
    elif form == "markdown":
        screen.stream.write(_markdown(error, namespace))
    elif form == "github":
        from jobboard.cli.github import add_summary, annotation

        for diagnostic in error.diagnostics:
            screen.line(annotation(diagnostic))
        add_summary(_markdown(error, namespace))
    else:
        lead = "# " if form == "diff" else ""
        for line in render(error.diagnostics).splitlines():
            screen.line(f"{lead}{line}")


def _as_json(error: errors.InvalidBoards) -> dict[str, Any]:
    return {
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
        "diagnostics": [diagnostic.as_json() for diagnostic in error.diagnostics],
    }


def _markdown(error: errors.InvalidBoards, namespace: str) -> str:
    from jobboard.cli.markdown import LIMIT, fenced, shortened
    from jobboard.cli.plans.markdown import marker
    from jobboard.core.diagnostic import render, tally

    lines = render(error.diagnostics).splitlines()[:-1]
    counted = tally(error.diagnostics)
    return f"{marker(namespace)}\n### No plan: {counted}\n\n{fenced(shortened(lines, LIMIT - 1_000))}"
