"""Say why a job did or did not run, or why a run is as it is.

jobboard why report                        its last nominals, what stands in the way, what comes next
jobboard why ops/report@2026-11-20T06      one run
jobboard why report@2026-11-20             why there is none for a date, or an instant in UTC
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard.cli.records import clocks_text, instant_json, wrapped
from jobboard.cli.screen import Screen
from jobboard.core.times.moment import brief_instant
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse

    from jobboard.core.runs.facts import Explanation, JobFacts, World

STYLES = {
    **dict.fromkeys(("failed", "lost", "missed", "stalled"), "error"),
    **dict.fromkeys(
        (
            "skipped",
            "held",
            "waiting",
            "blocked",
            "queued",
            "delayed",
            "paused",
            "disabled",
            "overridden",
            "skipping",
        ),
        "change",
    ),
    **dict.fromkeys(("ok", "running"), "good"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard why``."""
    parser.add_argument(
        "what", metavar="JOB|RUN", help="a job, a run as JOB@BEGINNING-OF-ITS-NOMINAL, or JOB@INSTANT"
    )


def execute(args: argparse.Namespace) -> int:
    """Gather the facts, explain, print."""
    from jobboard.store.calls import clocks
    from jobboard.store.calls.connect import open_store
    from jobboard.store.views.reasons import explain

    with open_store(Settings.from_args(args)) as store:
        now_ms = clocks.now_ms(store)
        facts, world, explanation = explain(store, args.what, now_ms)
    if args.output == "json":
        print(json.dumps(_as_json(facts.job, explanation), indent=2, ensure_ascii=False))
    else:
        _write(explanation, facts, world)
    return 0


def _write(explanation: Explanation, facts: JobFacts, world: World) -> None:
    screen = Screen()
    screen.folded(explanation.headline, "bold")
    _findings(screen, explanation, facts, world)
    remarks = " ".join(text for text in (explanation.outlook, explanation.advice) if text)
    if remarks:
        screen.folded(f"  {remarks}", hang=2)
    if clocks := clocks_text([facts.zone]):
        screen.folded(f"  {clocks}", "dim", hang=2)
    if explanation.command:
        screen.line(f"  → {explanation.command}")
    if explanation.retry:
        screen.line(f"  → {explanation.retry}   once the cause is mended")


def _findings(screen: Screen, explanation: Explanation, facts: JobFacts, world: World) -> None:
    findings, last_word = explanation.findings, explanation.command
    times = ["" if f.at_ms is None else brief_instant(f.at_ms, facts.zone, world.now_ms) for f in findings]
    widest = max(map(len, times), default=0)
    word = max((len(f.state) for f in findings), default=0)
    for at, finding in zip(times, findings, strict=True):
        state = screen.paint(f"{finding.state:<{word}}", STYLES.get(finding.state, ""))
        shows_more = finding.command and finding.command != last_word
        more = f"   {finding.command}" if shows_more else ""
        indent = " " * (widest + word + 6)
        first, *others = wrapped(screen, finding.text + more, len(indent))
        screen.line(f"  {at:<{widest}}  {state}  {first}")
        for line in others:
            screen.line(indent + line)


def _as_json(address: str, explanation: Explanation) -> dict[str, Any]:
    return {
        "job": address,
        "headline": explanation.headline,
        "findings": [
            {"nominal": instant_json(f.at_ms), "state": f.state, "text": f.text, "command": f.command}
            for f in explanation.findings
        ],
        "outlook": explanation.outlook,
        "advice": explanation.advice,
        "command": explanation.command,
        "retry": explanation.retry,
    }
