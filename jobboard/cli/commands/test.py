"""Check what is asserted about boards, in virtual time. Nothing is run, and no store is needed.

  jobboard test                         every .test.yaml file in boards/
  jobboard test boards/etl.test.yaml
  jobboard test -o junit > report.xml

Tests of boards/etl.yaml are in boards/etl.test.yaml. Exits 1 when one fails, 65 when a file is wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.scenario import play
from jobboard.cli.screen import Screen
from jobboard.core.names import address_of
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.assertion import Failure
    from jobboard.source.suite import Case, Suite
    from jobboard.source.testfile import Draft

OUTPUTS = ("text", "json", "junit")


@dataclass(frozen=True, slots=True)
class Judged:
    """A test, and why it failed; None where it did not."""

    shown: str
    case: Case
    failure: Failure | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard test``."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help=".test.yaml files, or folders of them (default: boards/)"
    )


def execute(args: argparse.Namespace) -> int:
    """Read everything first; then judge, and report."""
    from jobboard.source import testfile

    settings = Settings.from_args(args)
    paths = project.board_paths(args.paths, settings.root)
    found = testfile.discover(paths)
    if not found:
        raise errors.UsageError("there are no tests of boards here", _first_test(paths, settings.root))
    suites = _suites(found, settings)
    judged = [one for suite, jobs in suites for one in _judge(suite, jobs)]
    _report(judged, args.output)
    return 1 if any(one.failure for one in judged) else 0


def _first_test(folders: Sequence[Path], root: Path) -> str:
    """How to begin: a test of one of the boards in the folders, or where tests of a board are."""
    from jobboard import clock
    from jobboard.core.times.instant import format_instant
    from jobboard.source.outline import outlines

    outline = next((outline for outline in outlines(folders, root) if outline.jobs), None)
    if outline is None:
        return "the tests of boards/NAME.yaml are in  boards/NAME.test.yaml"
    stem = outline.shown.rpartition(".")[0]
    day = format_instant(clock.now_ms()).partition("T")[0]
    return "\n".join(
        (
            f"the tests of {outline.shown} are in {stem}.test.yaml; one of a day would be",
            f'  from: "{day}"',
            "  tests:",
            f"    - count: {{job: {outline.jobs[0]}, is: 1}}",
        )
    )


def _suites(found: Sequence[Path], settings: Settings) -> list[tuple[Suite, Mapping[str, Spec]]]:
    """Every file, resolved against its boards.

    Raises:
        errors.InvalidBoards: Something is wrong with any of them, or with a board.
    """
    from jobboard.source import suite, testfile

    diagnostics: list[Diagnostic] = []
    suites: list[tuple[Suite, Mapping[str, Spec]]] = []
    for path in found:
        draft, wrong = testfile.draft(path)
        diagnostics += wrong
        if draft is None:
            continue
        jobs, wrong = _jobs(draft, settings)
        diagnostics += wrong
        if not wrong:
            composed, wrong = suite.compose(draft, jobs)
            diagnostics += wrong
            if composed is not None:
                suites.append((composed, jobs))
    if diagnostics:
        raise InvalidTests(list(dict.fromkeys(diagnostics)))
    return suites


class InvalidTests(errors.InvalidBoards):
    """One or more files of tests, or boards they are about, are invalid."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics)
        self.message = "nothing was tested"


def _jobs(draft: Draft, settings: Settings) -> tuple[dict[str, Spec], list[Diagnostic]]:
    from jobboard.source.loader import load

    sources = project.read_sources([str(path) for path in draft.boards], settings.root, settings.project)
    loaded = load(sources.files)
    jobs = {address_of(board.name, job): spec for board in loaded.boards for job, spec in board.jobs.items()}
    return jobs, [diagnostic for diagnostic in loaded.diagnostics if diagnostic.severity == "error"]


def _judge(suite: Suite, jobs: Mapping[str, Spec]) -> list[Judged]:
    simulation = play(jobs, suite.scenario)
    return [Judged(suite.shown, case, case.assertion.judge(simulation)) for case in suite.cases]


def _report(judged: Sequence[Judged], output: str) -> None:
    if output == "json":
        print(json.dumps({"tests": [_as_json(one) for one in judged]}, indent=2, ensure_ascii=False))
    elif output == "junit":
        from jobboard.cli.commands.junit import junit_xml

        print(junit_xml(judged))
    else:
        _write(judged, Screen())


def _as_json(one: Judged) -> dict[str, Any]:
    failure = one.failure
    return {
        "file": one.shown,
        "line": one.case.line,
        "name": one.case.name,
        "passed": failure is None,
        "expected": failure.expected if failure else None,
        "actual": failure.actual if failure else None,
    }


def _write(judged: Sequence[Judged], screen: Screen) -> None:
    shown = ""
    for one in judged:
        if one.shown != shown:
            shown = one.shown
            screen.line(shown, "bold")
        if one.failure is None:
            screen.folded(f"  {screen.paint('ok', 'good')}    {one.case.name}", hang=8)
            continue
        screen.folded(f"  {screen.paint('FAIL', 'error')}  {one.case.name}   {shown}:{one.case.line}", hang=8)
        screen.folded(f"        expected  {one.failure.expected}", hang=18)
        screen.folded(f"        actual    {one.failure.actual}", hang=18)
    screen.line(_summary(judged), "error" if any(one.failure for one in judged) else "good")


def _summary(judged: Sequence[Judged]) -> str:
    failed = sum(one.failure is not None for one in judged)
    files = len({one.shown for one in judged})
    what = f"{len(judged)} test{'s' if len(judged) != 1 else ''} in {files} file{'s' if files != 1 else ''}"
    return f"{what}: {f'{failed} failed, ' if failed else ''}{len(judged) - failed} passed."
