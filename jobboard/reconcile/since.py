"""Which changes of a plan the files' own changes do not explain: for whoever reviews those.

A branch is compared with the commit it left: boards as they were there are read again, with the project file
and the calendars of that commit, and resolved. Where a job comes to the same there and now, nobody changed
it on the branch: somebody edited Redis, or a sync that should have been was not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import split_address
from jobboard.core.plans.blame import moved_between
from jobboard.source import git
from jobboard.source.digest import digest_of
from jobboard.source.files import PROJECT_FILE, SourceFile
from jobboard.source.loader import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.reconcile.planning import Planned
    from jobboard.source.project import Project


@dataclass(frozen=True, slots=True)
class Since:
    """What a comparison with a branch found.

    Attributes:
        ref: The branch or commit, as it was asked for.
        commit: Where the two parted.
        unexplained: Job to the paths that move without having been changed since; none for a job that is
            added or destroyed without that.
    """

    ref: str
    commit: str
    unexplained: Mapping[str, tuple[str, ...]]


def compare_since(
    planned: Planned, root: Path, ref: str, read_project: Callable[[Path], Project | None]
) -> Since:
    """Compare the boards of a plan with what they were where a branch began.

    Args:
        planned: The plan.
        root: The project's root.
        ref: The branch that this one left, or any commit.
        read_project: Reads the project file of a root.

    Raises:
        errors.UsageError: Git knows no such commit, or none that both descend from.
    """
    commit = git.branched_from(root, ref)
    if commit is None:
        if git.is_known(root, ref):
            what = f"--since {ref}: Git knows no commit that both it and this one descend from"
        else:
            what = f'--since: Git knows no commit "{ref}" here'
        raise errors.UsageError(what, "fetch more of the history; on GitHub, fetch-depth: 0 at the checkout")
    before = _Before(root, commit, read_project)
    found = {
        change.address: paths
        for board in planned.plan.boards
        if board.changes
        for change, paths in _unexplained(planned, board, before)
    }
    return Since(ref, commit, found)


class _Before:
    """The boards of a commit."""

    def __init__(self, root: Path, commit: str, read_project: Callable[[Path], Project | None]) -> None:
        self._root = root
        self._commit = commit
        self._project = self._project_then(read_project)

    def exists(self, path: str) -> bool:
        """Whether there was such a file."""
        return git.content_at(self._root, self._commit, path) is not None

    def jobs(self, now: SourceFile) -> Mapping[str, Spec] | None:
        """The jobs of a file as they were; None where everything they depend on is as it is now."""
        raw = git.content_at(self._root, self._commit, now.path)
        if raw is None:
            return {}
        then = replace(
            now, raw=raw, project=self._project, beside={name: self._beside(now, name) for name in now.beside}
        )
        if digest_of(raw, then.project, then.beside) == now.digest:
            return None
        return {job: spec for board in load([then]).boards for job, spec in board.jobs.items()}

    def _beside(self, file: SourceFile, name: str) -> tuple[bytes, str | None]:
        path = (Path(file.path).parent / name).as_posix()
        raw = git.content_at(self._root, self._commit, path)
        return (b"", "is not there") if raw is None else (raw, None)

    def _project_then(self, read_project: Callable[[Path], Project | None]) -> Project | None:
        raw = git.content_at(self._root, self._commit, PROJECT_FILE)
        with TemporaryDirectory(prefix="jobboard-since-") as folder:
            if raw is not None:
                Path(folder, PROJECT_FILE).write_bytes(raw)
            try:
                return read_project(Path(folder))
            except errors.JobboardError:
                # It was wrong then, or knew no such environment: its defaults count as new.
                return None


def _unexplained(
    planned: Planned, board: BoardPlan, before: _Before
) -> Iterator[tuple[JobChange, tuple[str, ...]]]:
    now = next((file for file in planned.sources.files if file.path == board.path), None)
    if now is None:
        # Its file is gone: that is a change of the branch if it was there when that began.
        if not before.exists(board.path):
            yield from ((change, ()) for change in board.changes)
        return
    here = planned.boards[board.name].jobs if board.name in planned.boards else {}
    there = before.jobs(now)
    for change in board.changes:
        job = split_address(change.address)[1]
        was = here.get(job) if there is None else there.get(job)
        paths = _stirred(change, here.get(job), was)
        if paths is not None:
            yield change, paths


def _stirred(change: JobChange, here: Spec | None, was: Spec | None) -> tuple[str, ...] | None:
    """The paths of a change that are the same here and before; None where every one of them differs."""
    if here == was:
        return tuple(field.path for field in change.fields)
    if here is None or was is None or not change.fields:
        return None
    moved = {field.path for field in moved_between(was, here)}
    return tuple(f.path for f in change.fields if not _is_among(f.path, moved)) or None


def _is_among(path: str, moved: set[str]) -> bool:
    """Whether a path moved, or something in it, or what it is in."""
    return any(
        path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in moved
    )
