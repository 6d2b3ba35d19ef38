"""The file that says a daemon is ready is there for as long as that is true, and at no other instant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jobboard.daemon.system.announce import Announcer

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_is_made_before_it_is_ready(tmp_path: Path) -> None:
    ready, elsewhere = tmp_path / "ready", tmp_path / "elsewhere"
    ready.symlink_to(elsewhere)  # whoever wrote to the file, however briefly, would make the other
    announcer = Announcer(ready_file=ready, environ={})
    assert list(tmp_path.iterdir()) == []
    announcer.ready()
    assert ready.read_text() == f"{os.getpid()}\n"
    announcer.stopping()
    assert list(tmp_path.iterdir()) == []
