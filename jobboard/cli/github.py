"""What GitHub Actions shows: annotations beside the lines of a change, and the summary of a step.

Source: "Workflow commands for GitHub Actions", with the escapes of actions/toolkit's command.ts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard import errors
from jobboard.core.diagnostic import visible

if TYPE_CHECKING:
    from jobboard.core.diagnostic import Diagnostic

Level: TypeAlias = Literal["error", "warning", "notice"]
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file to which a step adds its summary, in Markdown."""


def annotation(diagnostic: Diagnostic) -> str:
    """A diagnostic as a workflow command, which shows it beside the line it is about."""
    text = diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}. {diagnostic.hint}"
    return command(
        diagnostic.severity,
        text,
        title=f"jobboard {diagnostic.rule}".rstrip(),
        file=diagnostic.file,
        line=diagnostic.line,
        column=diagnostic.column,
    )


def command(level: Level, text: str, *, title: str, file: str, line: int = 0, column: int = 0) -> str:
    """A workflow command that shows a text beside a line; beside the file where the line is 0."""
    place = {"file": file, "line": line, "col": column, "title": title}
    said = ",".join(f"{key}={_property(str(value))}" for key, value in place.items() if value)
    return f"::{level} {said}::{_escaped(text)}"


def add_summary(markdown: str) -> None:
    """Add to the summary of the step that runs this; nothing outside of one.

    Raises:
        errors.UsageError: The file of the summary cannot be written.
    """
    path = os.environ.get(SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown)
    except OSError as error:
        raise errors.UsageError(
            f"{visible(path)}, which {SUMMARY} names, cannot be written: {(error.strerror or '').lower()}",
            f"unset {SUMMARY} where there is no such step",
        ) from None


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
