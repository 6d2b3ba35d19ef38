"""What a plan is made from: the files as they were read, and what the person who asked allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.policy import OnConflict, OnDrift
    from jobboard.core.plans.plan import OnPrune
    from jobboard.source.files import SourceFile
    from jobboard.source.git import Checkout
    from jobboard.source.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Sources:
    """What a plan is made from. All paths are relative to the project's root.

    Attributes:
        files: Every board file, read.
        folders: The folders that were asked for as folders: a board whose file has gone from one of these
            is missed; one synced from elsewhere is not ours to miss.
        checkout: Where the files come from, as far as Git knows; None outside Git.
        pipeline: The run of a CI service that reads them; None outside of one.
    """

    files: tuple[SourceFile, ...]
    folders: tuple[str, ...]
    checkout: Checkout | None
    pipeline: Pipeline | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Which guards are lifted, and which are up.

    Attributes:
        allow_empty: A board may go from some jobs to none.
        allow_destroy: So many jobs of a board may be destroyed or disabled at once; None for the usual share.
        prune_boards: Boards to destroy, whose files are gone.
        keep_vanished: Other boards whose files are gone stay, and stand in nobody's way unless another board
            is in the file now.
        take_ownership: Boards of other repositories are taken over.
        one_branch: A board last synced from another branch is refused.
        allow_rewind: Boards may go back to a commit that does not descend from the one they came from.
        committed_only: Boards of a work tree with changes that are in no commit are refused.
        allow_dirty: They may be written all the same.
        on_drift, on_conflict: What becomes of drift and of conflicts, whatever boards say; see
        `core.jobs.policy`.
        forced: Conflicts that the file wins, as ``board/job:path``.
        boards_at_once: So many boards are written in one commit, which takes 12 ms; more in parts.
        targets: Only these take part: ``board/job``, a board, ``tag:name``; none for all.
        excludes: These do not, likewise.
        adopted: Jobs of no board to the addresses they are to have on one. Nothing else takes part then.
        requeue: Waiting runs take the definition of their job that is in force afterwards.
        on_prune: What becomes of the running runs of jobs that go, whatever boards say.
        skip_conflicted: A job with a conflict stays as it is, and the others go on without it.
    """

    allow_empty: bool = False
    allow_destroy: int | None = None
    prune_boards: frozenset[str] = frozenset()
    keep_vanished: bool = False
    take_ownership: bool = False
    one_branch: bool = False
    allow_rewind: bool = False
    committed_only: bool = False
    allow_dirty: bool = False
    on_drift: OnDrift | None = None
    on_conflict: OnConflict | None = None
    forced: frozenset[str] = frozenset()
    skip_conflicted: bool = False
    requeue: bool = False
    on_prune: OnPrune | None = None
    boards_at_once: int = 20_000
    targets: tuple[str, ...] = ()
    adopted: Mapping[str, str] = field(default_factory=dict)
    excludes: tuple[str, ...] = ()
