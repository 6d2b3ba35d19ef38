"""Tests of boards as JUnit XML, which CI services show test by test."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jobboard.cli.screen import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.cli.commands.test import Judged


def junit_xml(judged: Sequence[Judged]) -> str:
    """One ``testsuite`` a file, one ``testcase`` a test; a failure says what was expected and what was."""
    root = Element("testsuites", _counts(judged))
    for shown, group in groupby(judged, key=lambda one: one.shown):
        cases = list(group)
        suite = SubElement(root, "testsuite", {"name": visible(shown), **_counts(cases)})
        for one in cases:
            _add_case(suite, one)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _add_case(suite: Element, one: Judged) -> None:
    named = {"classname": visible(one.shown), "name": visible(one.case.name)}
    case = SubElement(suite, "testcase", {**named, "file": visible(one.shown), "line": str(one.case.line)})
    if one.failure is not None:
        failure = SubElement(case, "failure", {"message": visible(one.failure.actual)})
        failure.text = f"expected {visible(one.failure.expected)}\nactual {visible(one.failure.actual)}"


def _counts(judged: Sequence[Judged]) -> dict[str, str]:
    failures = sum(one.failure is not None for one in judged)
    return {"tests": str(len(judged)), "failures": str(failures), "errors": "0"}
