"""Put boards and the project file into their canonical layout: the order of keys, and double quotes.

  jobboard fmt                   rewrites what is laid out otherwise
  jobboard fmt --check --diff    shows it, writes nothing, and exits 1 if there is any

Comments and blank lines stay, the meaning too. A file with an error in it is left alone, and said.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import nullcontext
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli import project
from jobboard.cli.plans.faults import nothing_written
from jobboard.settings import project_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from jobboard.source.project import Project


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``jobboard fmt``."""
    project.add_paths(parser)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if something would change"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")


def execute(args: argparse.Namespace) -> int:
    """Lay out every file, or say which are laid out otherwise."""
    root = project_root(Path.cwd())
    writes = not (args.check or args.diff)
    with nothing_written() if writes else nullcontext():
        common = args.read_project(root)
        changed = [
            (path, before, after)
            for path, before, after in _texts(args.paths, root, common)
            if before != after.encode()
        ]
    for path, _, after in changed if writes else ():
        write_whole(path, after.encode())
    if args.output == "json":
        print(json.dumps({"changed": [str(path) for path, _, _ in changed], "written": writes}, indent=2))
    else:
        _report(changed, shows_diff=args.diff, writes=writes)
    return 1 if changed and args.check else 0


def _texts(paths: Sequence[str], root: Path, common: Project | None) -> Iterator[tuple[Path, bytes, str]]:
    """Each file, its bytes, and the canonical layout of its text.

    Raises:
        errors.InvalidBoards: One of the boards is wrong; then nothing is laid out.
    """
    from jobboard.source import files
    from jobboard.source.loader import load

    known = [] if paths or common is None or common.tree is None else [root / files.PROJECT_FILE]
    for path in known:
        shown = Path(os.path.relpath(path))
        raw = shown.read_bytes()
        yield shown, raw, _laid_out(shown, raw, "project")
    boards = [files.read(path, root, common) for path in files.discover(project.board_paths(paths, root))]
    loaded = load(boards)
    if not loaded.is_valid:
        raise errors.InvalidBoards(loaded.diagnostics)
    for board in boards:
        yield Path(board.shown), board.raw, _laid_out(Path(board.shown), board.raw, "board")


def _laid_out(path: Path, raw: bytes, kind: str) -> str:
    from jobboard.source.layout import laid_out, meaning_of

    content = raw.decode("utf-8-sig")
    if kind == "project" and not any(
        line.strip() and not line.lstrip().startswith("#") for line in content.splitlines()
    ):
        return content
    after = laid_out(content, kind)
    if meaning_of(after) != meaning_of(content):
        raise errors.JobboardError(
            f"{path} cannot be laid out without a change of what it means; nothing was written to it",
            "this is a fault of jobboard: please report it with the file",
        )
    return after


def _report(changed: Sequence[tuple[Path, bytes, str]], *, shows_diff: bool, writes: bool) -> None:
    for path, before, after in changed:
        if shows_diff:
            old = before.decode("utf-8-sig").splitlines(keepends=True)
            lines = unified_diff(old, after.splitlines(keepends=True), f"a/{path}", f"b/{path}")
            print("".join(line if line.endswith("\n") else f"{line}\n" for line in lines), end="")
        else:
            print(path if writes else f"{path} would change")
    if not changed and not shows_diff:
        print("Everything is laid out already.")


def write_whole(path: Path, raw: bytes) -> None:
    """Replace a file's content at once, keeping its mode; what a link points to, not the link.

    Raises:
        errors.JobboardError: It cannot be written; it stays as it was.
    """
    target = path.resolve()
    draft = None
    try:
        mode = target.stat().st_mode & 0o7777
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            draft = Path(file.name)
            file.write(raw)
            os.fchmod(file.fileno(), mode)
        draft.replace(target)
    except OSError as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise errors.JobboardError(f"cannot write {path}: {reason}", "it stays as it was") from error
