"""Check the store, the daemons and this machine. Exit 1 when something does not work.

jobboard doctor
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from jobboard.cli import project
from jobboard.cli.records import wrapped
from jobboard.cli.screen import Screen
from jobboard.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from jobboard.store.views.health import Finding

_SIGNS = {"ok": ("ok", "good"), "warn": ("warn", "change"), "error": ("error", "error")}
_MESSAGE_AT = 19
"""The column a message begins at."""
_LITTLE_BYTES = 100 * 1024 * 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """``jobboard doctor`` takes no arguments of its own."""
    parser.set_defaults(job=None)


def execute(args: argparse.Namespace) -> int:
    """Look at everything, say what was found."""
    from jobboard.store.calls.clocks import now_ms
    from jobboard.store.calls.connect import open_store
    from jobboard.store.views.health import check_usable
    from jobboard.store.views.liveness import check_liveness

    settings = Settings.from_args(args)
    with open_store(settings) as store:
        findings = [*check_usable(store), *check_liveness(store, now_ms(store)), *_machine(settings)]
    broken = any(finding.level == "error" for finding in findings)
    if args.output == "json":
        said = [{"topic": f.topic, "level": f.level, "message": f.message, "hint": f.hint} for f in findings]
        print(json.dumps({"store": project.store_name(settings), "findings": said}, indent=2))
        return int(broken)
    screen = Screen()
    screen.folded(project.store_name(settings), "bold")
    for finding in findings:
        word, style = _SIGNS[finding.level]
        hint = f"   {finding.hint}" if finding.hint else ""
        first, *others = wrapped(screen, finding.message + hint, _MESSAGE_AT)
        screen.line(f"{screen.paint(f'{word:<6}', style)}{finding.topic:<12} {first}")
        for line in others:
            screen.line(" " * _MESSAGE_AT + line)
    return int(broken)


def _machine(settings: Settings) -> Iterator[Finding]:
    from jobboard.store.views.health import Finding

    if not settings.embedded:
        return
    home = settings.home
    free = shutil.disk_usage(home).free
    words = f"{free / 1e9:.1f} GB free for {home}"
    if free < _LITTLE_BYTES:
        yield Finding("disk", "error", words, "Make room: the store cannot write without it")
    else:
        yield Finding("disk", "ok", words)
