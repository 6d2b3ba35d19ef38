"""A board as its file says it, and a file on its way to one.

Whatever is wrong is said to the draft, which places it in the file; a draft that anything is wrong with comes
to no board.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jobboard.source.placing import flawed, placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic, Fault, Path
    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.moves import Move, Removal
    from jobboard.source.files import SourceFile
    from jobboard.source.yamltree import Flaw, Tree


@dataclass(frozen=True, slots=True)
class Board:
    """A board as its file says it, resolved.

    Attributes:
        path: The file, below the project's root.
        shown: The file, as messages show it.
        digest: Of everything the board's meaning depends on.
        timezone: As written; None is UTC.
        jobs: Job name -> canonical spec, in the file's order.
        templates: Job name -> the job it is written as, for those that `for_each` declares.
        extended: The profiles that its jobs extend, of the board and of the project.
        reconcile: What becomes of drift and of conflicts, as written; see `core.jobs.policy`.
        policies: The same of what lies below the board, the lowest first, and of the board.
        moves: Where its jobs were before.
        removals: What goes on without it.
    """

    name: str
    path: str
    digest: str
    description: str | None
    owner: str | None
    timezone: str | None
    jobs: Mapping[str, Spec]
    shown: str = field(compare=False)
    tree: Tree = field(repr=False, compare=False)
    templates: Mapping[str, str] = field(default_factory=dict, compare=False)
    extended: frozenset[str] = field(default=frozenset(), compare=False)
    reconcile: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[Mapping[str, Any], ...] = ()
    moves: tuple[Move, ...] = ()
    removals: tuple[Removal, ...] = ()

    def line_of(self, job: str) -> int | None:
        """The line that a job begins on, 1-based; None where the file has no such job."""
        return self.position(job)[0] if job in self.jobs else None

    def position(self, job: str, path: Path = ()) -> tuple[int, int]:
        """Line and column, 1-based, of a job or of something in it."""
        return self.tree.text.position(self.tree.offset(("jobs", self.templates.get(job, job), *path)))

    def diagnostic(self, fault: Fault, job: str | None = None) -> Diagnostic:
        """The fault with its place in the file; its path begins at `job`, or at the board if None."""
        whole = fault if job is None else fault.under("jobs", job)
        return placed(self.shown, self.tree, at_template(whole, self.templates))


@dataclass(slots=True)
class Draft:
    """One file on its way to a board."""

    file: SourceFile
    tree: Tree | None = None
    board: Board | None = None
    # Every job the file names, also those in which something is wrong.
    names: frozenset[str] = frozenset()
    # Jobs that `for_each` declares -> the job they are written as.
    templates: Mapping[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The file, as messages show it."""
        return self.file.shown or self.file.path

    def say(self, faults: Sequence[Fault]) -> None:
        """Place faults in the file; lines of which something worse was said stay as they are."""
        assert self.tree is not None
        tree = self.tree
        for told in faults:
            fault = at_template(told, self.templates) if self.templates else told
            if not tree.text.scarred or not tree.text.is_scarred(tree.offset(fault.path)):
                self.diagnostics.append(placed(self.shown, self.tree, fault))

    def say_last(self, faults: Sequence[Fault]) -> None:
        """Place faults after which nothing more is worth saying about their lines."""
        assert self.tree is not None
        self.say(faults)
        for fault in faults:
            self.tree.text.scar(self.tree.offset(fault.path))

    def refuse(self, flaw: Flaw) -> None:
        """Place a flaw of the YAML in the file."""
        self.diagnostics.append(flawed(self.shown, self.tree, flaw))


def at_template(fault: Fault, templates: Mapping[str, str]) -> Fault:
    """A fault of a job that `for_each` declares, as one of the job it is written as."""
    if len(fault.path) < 2 or fault.path[0] != "jobs" or fault.path[1] not in templates:
        return fault
    job = str(fault.path[1])
    template = templates[job]
    message = fault.message.replace(f'job "{job}"', f'job "{template}"')
    return replace(fault, path=("jobs", template, *fault.path[2:]), message=message, offset=0)
