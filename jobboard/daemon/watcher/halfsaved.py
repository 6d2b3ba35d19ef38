"""What may be half of a save.

The system tells, where it can, who still has a file open for writing. Of one who stopped in the middle, or
writes in two goes, it tells nothing: what is left then may be a whole board of fewer jobs, or one whose last
value lacks its end. So a board that would lose jobs is in doubt, and so is one whose last line has no end,
since nearly every editor writes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.daemon.system.linux import has_writer
from jobboard.errors import UsageError
from jobboard.source.digest import digest_of
from jobboard.source.files import PROJECT_FILE, discover, read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobboard.reconcile.planning import Planned


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a plan should not be carried out yet.

    Attributes:
        files: The files that may be half saved, and their digests.
        jobs: How many jobs would go.
        unended: Those of the files whose last line has no end.
    """

    files: Mapping[str, str]
    jobs: int
    unended: tuple[str, ...]


def doubt_of(planned: Planned, root: Path | None) -> Doubt:
    """Which files of a plan may be half saved; a board that stays as it is, is not looked at.

    Args:
        planned: The plan.
        root: Where the project file is, which all boards rest on; None where there can be none.
    """
    files = {file.path: file for file in planned.sources.files}
    rewritten = [board for board in planned.plan.boards if board.rewritten]
    losing = {board.path for board in rewritten if any(c.action == "destroy" for c in board.changes)}
    found = {board.path for board in rewritten} & files.keys()
    unended = {path for path in found if _is_unended(files[path].raw)}
    doubted = {path: files[path].digest if path in files else "" for path in losing | unended}
    names = sorted(unended)
    if rewritten and root is not None:
        raw, _ = read_bytes(root / PROJECT_FILE)
        if _is_unended(raw):
            doubted[PROJECT_FILE] = digest_of(raw, None, {})
            names.append(PROJECT_FILE)
    return Doubt(doubted, planned.plan.counts["destroy"], tuple(names))


def are_being_written(paths: Sequence[Path], root: Path | None) -> bool:
    """Whether anybody has a board among these, or the project file, open for writing."""
    try:
        boards = discover(paths)
    except UsageError:
        return False
    return any(map(has_writer, boards if root is None else [*boards, root / PROJECT_FILE]))


def _is_unended(raw: bytes) -> bool:
    return raw != b"" and not raw.endswith(b"\n")
