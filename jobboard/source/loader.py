"""From files to boards: decode, parse, check the shape, resolve, and look at the jobs together.

Whatever is wrong is collected, never raised, so that a person sees every fault of every file in one go. A
board in which anything is wrong is not among the boards that come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard import clock
from jobboard.core.rules import judged
from jobboard.source.board import Draft
from jobboard.source.building import build
from jobboard.source.project import NO_PROJECT
from jobboard.source.relating import foresee, refuse_twins, relate
from jobboard.source.syntax import decode, parse
from jobboard.source.yamltree import Flaw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.source.board import Board
    from jobboard.source.files import SourceFile

# Part of every comment that silences a rule.
SILENCE_MARK = "jobboard:"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What some files came to: the boards that hold together, and everything there is to say."""

    boards: tuple[Board, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_valid(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)


def load(files: Sequence[SourceFile], now_ms: int | None = None) -> Loaded:
    """Read boards from files.

    Dependencies and locks are judged among these files; `core.jobs.depend` judges them again with what the
    store knows.

    Args:
        files: The files; each should hold one board.
        now_ms: The instant from which on clock changes are warned of; by default this machine's now.
    """
    drafts = [_draft(file) for file in files]
    for draft in drafts:
        foresee(draft, clock.now_ms() if now_ms is None else now_ms)
    refuse_twins(drafts)
    relate(drafts)
    for draft in drafts:
        _judge(draft)
    faulty = {id(draft) for draft in drafts if any(d.severity == "error" for d in draft.diagnostics)}
    boards = [draft.board for draft in drafts if draft.board is not None and id(draft) not in faulty]
    ordered = [diagnostic for draft in drafts for diagnostic in sorted(draft.diagnostics, key=_place)]
    return Loaded(tuple(boards), tuple(dict.fromkeys(ordered)))


def _judge(draft: Draft) -> None:
    """Give every rule its level, and leave out what a comment silences."""
    levels = (draft.file.project or NO_PROJECT).lint
    if levels:
        draft.diagnostics = list(judged(draft.diagnostics, levels))
    tree = draft.tree
    if tree is not None and tree.root is not None and SILENCE_MARK in tree.text.content:
        from jobboard.source.silence import hushed

        draft.diagnostics = list(judged(hushed(draft.shown, tree.text, draft.diagnostics, levels), levels))


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.line, diagnostic.column


def _draft(file: SourceFile) -> Draft:
    draft = Draft(file)
    if file.refusal is not None:
        hint = "Split the board, or see whether it is the right file" if "larger" in file.refusal else None
        draft.refuse(Flaw(-1, f"the file {file.refusal}", hint))
        return draft
    text = decode(file.raw)
    if isinstance(text, Flaw):
        draft.refuse(text)
        return draft
    draft.tree = parse(text)
    for flaw in draft.tree.flaws:
        draft.refuse(flaw)
    if draft.tree.root is not None:
        build(draft, draft.tree)
    return draft
